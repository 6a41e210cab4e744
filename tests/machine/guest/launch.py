# SPDX-License-Identifier: Apache-2.0
"""Launches as in any virtual machine: the shim as an ordinary command, real devices, Xorg :0."""

import json
import os
import statistics
import time

from servers import RUNTIME, TRUSTED
from situation import PATH, SHIM, Failed, report_of, run

SESSION = {'SHIM': SHIM, 'DISPLAY': ':0', 'XAUTHORITY': TRUSTED, 'XDG_RUNTIME_DIR': RUNTIME}
# Two GPUs, two cards (of which one has two playback devices), the display and the sound server.
DESKTOP = {'gpu.render': 2, 'sound.control': 2, 'sound.pcm': 3, 'x11.socket': 1, 'x11.auth': 1,
           'pulse.socket': 1}
# xdpyinfo, aplay and vainfo each by itself, too: which of them takes the time.
COMPARED = {'self-test': [SHIM, '--self-test=json', '--devices=gpu,sound,x11,pulse'],
            'by hand': ['sh', '-c', 'xdpyinfo && aplay -l && vainfo'],
            'xdpyinfo': ['xdpyinfo'], 'aplay -l': ['aplay', '-l'], 'vainfo': ['vainfo'],
            'true': ['true']}
ROUNDS = 11
# snd_hda_intel's power_save, a second, and the half second that its codec then takes to suspend in
# Linux 6.1: whoever opens a PCM meanwhile waits for the end of that (once it is suspended, 0.2 ms).
# By turns without a pause, it depends on the others' time whether one gets into it.
SUSPENDED_S = 2
SAID = '/run/said'
# What Landlock can do there, landlock_create_ruleset(2).
LANDLOCK_ABI = {'6.1': 2, '6.12': 6}

APP = '''
id -u
grep ^NoNewPrivs: /proc/self/status
for node in /dev/dri/renderD*; do
	{ : <> $node; } && echo gpu
done
xdpyinfo > /dev/null && echo display
aplay -q -D plughw:Loopback,1 -f S16_LE -r 48000 -c 2 -s 4800 /dev/zero && echo sound
exit 42
'''


def launch(options, app, arrange='', **env):
    """Launch sh -c app; (status, standard output, standard error)."""
    return run(f'{arrange}\nset +e\n"$SHIM" {options} -- /bin/sh -c "$APP"',
               {**SESSION, 'APP': app, **env})


def has_all_it_requires():
    """The application has the devices that were good, and is confined."""
    status, out, err = launch('--require=gpu,sound,x11', APP)
    if (status, out.split()) != (42, ['1000', 'NoNewPrivs:', '1', 'gpu', 'gpu', 'display', 'sound']):
        raise Failed(f'exit {status}: {out} {err}')


def is_refused(require, arrange, words, **env):
    """Exit 69 with the finding, and no launch."""
    status, out, err = launch(f'--require={require} --wait=0', 'echo launched', arrange, **env)
    if status != 69 or out or words not in err:
        raise Failed(f'exit {status}: {out} {err}')


def goes_on_when_the_gpu_comes(owner):
    """The gate waits for a node, and its coming ends the wait."""
    status, out, err = run('''
        node=$VGEM
        cp -a $node /run/node
        chown $OWNER /run/node
        dri
        "$SHIM" --require=gpu --wait=100 -- /bin/echo launched 2> /run/said > /run/out &
        while ! grep -q "waits up to 100 s for gpu.render" /run/said; do
            kill -0 $! || { cat /run/said; exit 1; }
            sleep 0.1
        done
        [ ! -s /run/out ]
        cp -a /run/node $node
        rm /run/node
        wait $!
        cat /run/out
    ''', {**SESSION, 'OWNER': owner})
    if (status, out) != (0, 'launched\n'):
        raise Failed(f'exit {status}: {out} {err}')


def has_landlock_of_this_kernel():
    """As much of Landlock as the kernel has; --landlock=require is content with all of it."""
    status, out, err = launch('--require=none', 'cat /home/other/file',
                              'mkdir -p /home/other; echo open > /home/other/file')
    if status == 0 or 'ermission denied' not in err:
        raise Failed(f"another's file: exit {status}: {out} {err}")
    status, out, err = run('"$SHIM" --self-test=json --devices=none || :', SESSION)
    abi = json.loads(out)['sandbox']['landlock_abi']
    if abi != LANDLOCK_ABI.get('.'.join(os.uname().release.split('.')[:2]), abi):
        raise Failed(f'Landlock ABI {abi} on {os.uname().release}')
    status, out, err = launch('--landlock=require --require=none', 'exit 42')
    if status != (42 if abi >= LANDLOCK_ABI['6.12'] else 77):
        raise Failed(f'--landlock=require with ABI {abi}: exit {status}: {err}')


def complete(report):
    """Failed unless the self-test has found the whole desktop set good."""
    good = [c['id'] for c in report['checks'] if c['status'] == 'ok']
    for name, least in DESKTOP.items():
        if good.count(name) < least:
            raise Failed(f'{good.count(name)} times {name}, not {least}: {report}')


def timed(words):
    """(milliseconds from spawn to exit, status) of a command whose output goes to SAID."""
    files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
             (os.POSIX_SPAWN_OPEN, 1, SAID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
             (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    start = time.monotonic()
    pid = os.posix_spawnp(words[0], words, {'PATH': PATH, **SESSION}, file_actions=files)
    _, status = os.waitpid(pid, 0)
    return (time.monotonic() - start) * 1000, os.waitstatus_to_exitcode(status)


def figures():
    """Self-test of the whole desktop set beside what people run for it, by turns: milliseconds,
    the medians. The sound card is suspended, as on a desktop on which nothing plays."""
    times = {name: [] for name in COMPARED}
    for turn in range(ROUNDS + 1):
        for name, words in COMPARED.items():
            if name in ('self-test', 'by hand'):
                time.sleep(SUSPENDED_S)
            took, status = timed(words)
            if name == 'self-test':
                with open(SAID, encoding='utf-8') as said:
                    complete(report_of(status, said.read(), ''))
            # The first reads the files from the disk.
            if turn:
                times[name].append(took)
    return {name: statistics.median(all_of_them) for name, all_of_them in times.items()}


TESTS = [
    ('launch_has_all_it_requires', has_all_it_requires),
    # As stremio-hook makes it, and as udev does.
    ('launch_goes_on_when_the_gpu_comes', goes_on_when_the_gpu_comes, '0:1000'),
    ('launch_goes_on_when_udev_makes_the_gpu', goes_on_when_the_gpu_comes, '0:render'),
    ('launch_has_landlock_of_this_kernel', has_landlock_of_this_kernel),
    ('launch_refused_without_gpu', is_refused, 'gpu', 'dri', '/dev/dri: is empty of GPUs'),
    ('launch_refused_while_sound_is_busy', is_refused, 'sound',
     'hda=$(card HDA-Intel); snd $(card_nodes $hda); hold $hda 0 0', ': is busy'),
    # Of the other playback devices the nodes are missing: they are no good ones.
    ('launch_refused_while_what_is_there_is_busy', is_refused, 'sound',
     'loop=$(card Loopback); snd controlC$loop pcmC${loop}D0p; hold $loop 0 0; hold $loop 0 1',
     ': is busy'),
    ('launch_refused_without_playback_node', is_refused, 'sound', 'snd controlC$(card HDA-Intel)',
     '/dev/snd: has no playback device'),
]
