# SPDX-License-Identifier: Apache-2.0
"""/dev/snd with an Intel HDA codec and snd-aloop, which has two PCMs of two substreams."""

from functools import partial

from situation import ADD, APPARMOR, DEVICE, Situation

Pcm = partial(Situation, devices='sound', check='sound.pcm', target=r'/dev/snd/pcmC\d+D\d+p')
Control = partial(Situation, devices='sound', check='sound.control',
                  target=r'/dev/snd/controlC\d+')
NoPcm = partial(Pcm, target='/dev/snd')
NoControl = partial(Control, target='/dev/snd')

HDA = 'hda=$(card HDA-Intel); snd $(card_nodes $hda); '
LOOP = 'loop=$(card Loopback); snd $(card_nodes $loop); '
ALOOP = 'modprobe -r snd-aloop; modprobe snd-aloop pcm_substreams=2 {}; udevadm settle'

NOT_A_DEVICE = f'^remove it; it was not opened.*{ADD} controlC0 unix-char path=/dev/snd/controlC0 '
ROOTS = f'^group 0 is never handed .*{DEVICE} set stremio-machine DEVICE gid=1000 mode=0660'
GONE = f'^the node is there, its card is not: .*aplay -l.*{DEVICE} remove stremio-machine'
BUSY = '^somebody else plays on it: see fuser -v /dev/snd/pcmC.*stremio-incus attach'

SITUATIONS = [
    Control('sound_hda', HDA, status='ok', summary=r'^HDA Intel \[.*\], HDA-Intel$'),
    Pcm('sound_hda_plays', HDA, status='ok', summary=r'^.*: 48 kHz stereo, S16_LE$'),
    Control('sound_loopback', LOOP, status='ok', summary=r'^Loopback \[Loopback\], Loopback$'),
    Pcm('sound_loopback_plays', LOOP, status='ok', summary='^Loopback PCM: 48 kHz stereo, '),
    Pcm('sound_both', 'snd $(card_nodes $(card HDA-Intel)) $(card_nodes $(card Loopback))',
        status='ok', summary='^Loopback PCM: '),
    Control('sound_as_the_system_made_it', status='ok', summary='HDA-Intel$'),
    Pcm('sound_other_group', HDA + 'chown 0:4711 /dev/snd/*; chmod 660 /dev/snd/*', status='ok',
        summary='48 kHz stereo'),
    Pcm('sound_busy', HDA + 'hold $hda 0 0', status='fail', summary='^is busy', hint=BUSY),
    Pcm('sound_all_substreams_busy', LOOP + 'hold $loop 0 0; hold $loop 0 1',
        status='fail', summary='^is busy', hint=BUSY, target=r'/dev/snd/pcmC\d+D0p'),
    Pcm('sound_one_substream_free', LOOP + 'hold $loop 0 0', status='ok',
        summary='^Loopback PCM: ', target=r'/dev/snd/pcmC\d+D0p'),
    Pcm('sound_of_root_alone', HDA + 'chown 0:0 /dev/snd/pcm*; chmod 600 /dev/snd/pcm*',
        status='fail', summary='^forbidden by its owner and mode', hint=ROOTS),
    Control('sound_control_of_root_alone', HDA + 'chown 0:0 /dev/snd/*; chmod 600 /dev/snd/*',
            status='fail', summary='^forbidden by its owner and mode', hint=ROOTS),
    Pcm('sound_pcm_without_its_control', HDA + 'chown 0:0 /dev/snd/co*; chmod 600 /dev/snd/co*',
        status='fail', summary=r'^cannot be opened without the control node of its card, controlC\d',
        hint=f"^a PCM needs its card's control node .*{ADD} snd-control unix-char"),
    Control('sound_of_nobody', HDA + 'chown 65534:65534 /dev/snd/*; chmod 660 /dev/snd/*',
            status='fail', summary='^forbidden: it belongs to nobody here',
            hint=f"^the host's own node, .*{ADD} controlC[0-9] unix-char path=/dev/snd/controlC"),
    Pcm('sound_read_only_for_its_group', HDA + 'chown 0:29 /dev/snd/pcm*; chmod 640 /dev/snd/pcm*',
        status='fail', summary='^may be read only', hint='^its mode lets .* read only'),
    Control('sound_mounted_nodev', HDA + 'mount -o remount,bind,nodev /dev/snd', status='fail',
            summary='^lies on a file system mounted nodev', hint=f'nodev.*{ADD} controlC'),
    Control('sound_forbidden_by_apparmor', HDA, wrap=APPARMOR, status='fail',
            summary='^forbidden, though its mode allows it',
            hint=r'AppArmor .*dmesg \| grep DENIED'),
    Pcm('sound_playback_node_missing', 'snd controlC$(card HDA-Intel)', status='skip',
        summary='^the card can play there, the node is not here$',
        hint=f'^give it to the instance, too: .*{ADD} snd-pcmC.D0p unix-char path=/dev/snd/pcmC'),
    NoPcm('sound_capture_only', 'hda=$(card HDA-Intel); snd controlC$hda pcmC${hda}D0c',
          status='fail', summary='^has no playback device$',
          hint=f'^these cards only record, .*{ADD} snd-pcm unix-char path=/dev/snd/pcmC0D0p '),
    NoControl('sound_no_control', 'snd pcmC$(card HDA-Intel)D0p', status='fail',
              summary='^has no control node$', hint=f'controlC.*{ADD} '),
    NoControl('sound_directory_empty', 'snd', status='fail', summary='^is empty of cards$',
              hint=f'^a directory without cards: .*aplay -l.*{ADD} snd-NODE unix-char'),
    NoControl('sound_no_directory', 'mkdir -p /run/d; mount -t tmpfs -o mode=755 none /run/d; '
              'cp -a /dev/null /dev/zero /dev/urandom /dev/random /run/d; '
              'mount --move /run/d /dev', status='fail',
              summary='^no sound card here: No such file or directory$',
              hint=f'^no sound card was given to this instance: .*{ADD} snd-NODE unix-char'),
    Control('sound_never_there', 'snd; mknod -m 666 /dev/snd/controlC9 c 116 200', status='fail',
            summary='^its card is gone: ', hint=GONE),
    Control('sound_null_device', 'snd; mknod -m 666 /dev/snd/controlC0 c 1 3', status='fail',
            summary='^is device 1:3, not one of major 116$',
            hint='^another device under this name'),
    Control('sound_fifo', 'snd; mkfifo -m 666 /dev/snd/controlC0', status='fail',
            summary='^is a FIFO', hint=NOT_A_DEVICE),
    Control('sound_symlink', 'snd controlC$(card HDA-Intel); cd /dev/snd; mv controlC* x; '
            'ln -s x controlC0', status='fail', summary='^is a symbolic link', hint=NOT_A_DEVICE),
    Control('sound_module_unloaded', LOOP + 'rmmod snd-aloop', status='fail',
            summary='^its card is gone: ', hint=GONE, after=ALOOP.format('')),
    Pcm('sound_in_use_is_kept', LOOP + 'hold $loop 0 0; '
        'if rmmod snd-aloop 2> /dev/null; then exit 1; fi', status='ok',
        summary='^Loopback PCM: ', target=r'/dev/snd/pcmC\d+D1p'),
    Control('sound_unplugged_while_in_use', HDA + 'hold $hda 0 0; '
            'readlink -f /sys/class/sound/card$hda/device > /run/unplugged; '
            'basename "$(cat /run/unplugged)" > /sys/bus/pci/drivers/snd_hda_intel/unbind',
            status='fail', summary='^its card is gone: ', hint=GONE,
            after='basename "$(cat /run/unplugged)" > /sys/bus/pci/drivers/snd_hda_intel/bind; '
            'udevadm settle'),
    Control('sound_odd_card_name', ALOOP.format('id=A_9-z') + '; '
            'snd $(card_nodes $(card Loopback))', status='ok', summary=r'^Loopback \[A[_9z-]+\]',
            after=ALOOP.format('')),
    Control('sound_eight_cards', ALOOP.format('enable=1,1,1,1,1,1,1 index=1,2,3,4,5,6,7 '
            'pcm_substreams=2,2,2,2,2,2,2'), status='ok', summary=r'^Loopback \[Loopback_\d',
            target='/dev/snd/controlC7', after=ALOOP.format('')),
]
