# SPDX-License-Identifier: Apache-2.0
"""/dev/snd with an Intel HDA codec (card PCH or Intel) and snd-aloop (card Loopback)."""

from functools import partial

from situation import Situation

Pcm = partial(Situation, devices='sound', check='sound.pcm')
Control = partial(Situation, devices='sound', check='sound.control')

ALOOP = 'modprobe -r snd-aloop; modprobe snd-aloop pcm_substreams=2 {}; udevadm settle'

SITUATIONS = [
    Control('sound_control_hda', 'snd $(card_nodes $HDA)', status='ok', summary='HDA'),
    Pcm('sound_pcm_hda', 'snd $(card_nodes $HDA)', status='ok', summary='.'),
    Control('sound_control_aloop', 'snd $(card_nodes Loopback)', status='ok', summary='Loopback'),
    Pcm('sound_pcm_aloop', 'snd $(card_nodes Loopback)', status='ok', summary='48'),
    Pcm('sound_two_cards', 'snd $(card_nodes $HDA) $(card_nodes Loopback)', status='ok',
        summary='.', target='(?i)pcmC|hw:'),
    Pcm('sound_busy', 'snd $(card_nodes $HDA); hold $(card $HDA),0,0', status='fail',
        summary='(?i)busy|in use', hint='(?i)close|stop|other|fuser|pulse'),
    Pcm('sound_aloop_all_busy', 'snd $(card_nodes Loopback); n=$(card Loopback); '
        'for s in 0,0 0,1 1,0 1,1; do hold $n,$s; done', status='fail',
        summary='(?i)busy|in use', hint='.'),
    Pcm('sound_aloop_one_free', 'snd $(card_nodes Loopback); n=$(card Loopback); '
        'for s in 0,0 0,1 1,0; do hold $n,$s; done', status='ok', summary='.'),
    Pcm('sound_forbidden', 'snd $(card_nodes $HDA); chown 0:0 /dev/snd/pcm*; '
        'chmod 0600 /dev/snd/pcm*', status='fail', summary='(?i)permission denied|forbidden',
        hint='gid='),
    Control('sound_control_forbidden', 'snd $(card_nodes $HDA); chown 0:0 /dev/snd/*; '
            'chmod 0600 /dev/snd/*', status='fail', summary='(?i)permission denied|forbidden',
            hint='gid='),
    Pcm('sound_other_group', 'snd $(card_nodes $HDA); chgrp 4711 /dev/snd/*', status='ok',
        summary='.'),
    Pcm('sound_control_only', 'snd controlC$(card $HDA)', status='fail',
        summary='(?i)no playback|no pcm', hint='.'),
    Pcm('sound_capture_only', 'snd controlC$(card $HDA) pcmC$(card $HDA)D0c', status='fail',
        summary='(?i)no playback|no pcm|not there|missing', hint='.'),
    Control('sound_no_control', 'snd pcmC$(card $HDA)D0p', status='fail',
            summary='(?i)no control', hint='.'),
    Control('sound_directory_empty', 'snd', status='fail', summary='(?i)no (sound )?card|no control|empty',
            hint='incus config device add|stremio-hook'),
    Control('sound_no_driver', 'snd; mknod -m 666 /dev/snd/controlC9 c 116 200', status='fail',
            summary='(?i)no such device|no device|gone', hint='.'),
    Control('sound_wrong_major', 'snd; mknod -m 666 /dev/snd/controlC0 c 1 3', status='fail',
            summary='116|(?i:not a sound)', hint='.'),
    Control('sound_fifo', 'snd; mkfifo -m 666 /dev/snd/controlC0', status='fail',
            summary='(?i)fifo|not a (character )?device', hint='.'),
    Control('sound_module_gone', 'snd $(card_nodes Loopback); rmmod snd-aloop', status='fail',
            summary='(?i)no such (file|device)|no device|gone', hint='.',
            after=ALOOP.format('')),
    Control('sound_odd_id', ALOOP.format('id=A_9-z%s.x') + '; '
            'snd $(card_nodes "$(cat /proc/asound/card*/id | grep ^A)")', status='ok',
            summary='.', after=ALOOP.format('')),
]
