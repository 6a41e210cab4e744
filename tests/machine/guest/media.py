# SPDX-License-Identifier: Apache-2.0
"""The stack tier's Qt application in the guest's Incus: Qt WebEngine, Node.js and mpv under the
shipped profile, with Xorg on a virtio-gpu that draws by the host's OpenGL, and snd-aloop, whose
other end is recorded. Prints the lines of a tier's runner; a line "# shot NAME" asks the host for
a picture of the guest's screen."""

import contextlib
import json
import os
import re
import stat
import subprocess
import sys
import time

STACK = '/tests/stack'
sys.path.insert(0, STACK)
os.environ['STACK_INSTANCE'] = 'm2'
from harness import check, equal                                # noqa: E402
from oracles import confined, no_stray_descriptor, nothing_left, tone   # noqa: E402
from watched import STOP_TIMEOUT, UID, Ended, Watched           # noqa: E402
from world_incus import IncusWorld, incus                       # noqa: E402

OUT = '/var/tmp/media'
# What is emulated takes its time; it is over only when for that long nothing more has worked.
READY_TIMEOUT = 300
ASOUNDRC = '''pcm.!default { type plug slave { pcm "hw:Loopback,0" format S16_LE rate 48000 channels 2 } }
ctl.!default { type hw card Loopback }
'''
# Those of the renderer are ours and its own.
FILTERS = {'node': 1, 'mpv': 1, 'qmlscene': 1, 'renderer': 2}


class Guest(IncusWorld):
    """media.sh has made the instance and attached it to the display."""

    def __init__(self):
        maps = json.loads(incus('config', 'get', 'm2', 'volatile.idmap.next'))
        Watched.__init__(self, 'home', OUT, UID + next(m['Hostid'] for m in maps if m['Isuid']))
        with open(f'{self.home}/.asoundrc', 'w', encoding='ascii') as file:
            file.write(ASOUNDRC)
        self.add_disk('home', f'source={self.home}', 'path=/home/stremio')
        self.add_disk('app', f'source={STACK}/app', 'path=/opt/stack', 'readonly=true')
        self.heard = ''
        # That of the nodes, by which the application opens them: the shim gives it that one alone.
        self.groups = str(self.uid)

    def handed(self):
        """By the X server (DRI3): the GPU's primary node, authenticated, not its master."""
        return [os.stat('/dev/dri/card0')]

    def named(self, name):
        """The process of that name: (pid, status)."""
        found = [(pid, status) for pid, status in self.processes().items() if status['Name'] == name]
        check(found, f'no {name}')
        return found[0]


def say(line):
    print(re.sub(r'\s+', ' ', line)[:900], flush=True)


@contextlib.contextmanager
def promise(name):
    """One line for what must hold; what it found goes to the console."""
    start, figures = time.monotonic(), []
    try:
        yield figures.append
    except Exception as reason:     # one broken promise must not take the others with it
        say(f'not ok media_{name}: {reason}')
    else:
        say(f'ok media_{name}')
    print(f'media: {name}: {time.monotonic() - start:.1f} s: {figures}', file=sys.stderr, flush=True)


def works(world):
    """Everything the application reports of Node.js, ffmpeg, the page and the player."""
    world.start(['/usr/bin/node', '/opt/stack/app.js', 'qt'], (),
                {'DISPLAY': DISPLAY, 'STREMIO_REQUIRE': 'gpu,sound,x11', 'STREMIO_WAIT': '60',
                 'STACK_LOOP': '1', 'STACK_PRIME': render_node()[1]})
    known = set()

    def ready(said):
        """The console hears of each step: a guest that says nothing for long is ended."""
        for step in said['got'].keys() - known:
            print(f"media: {step}: {said['got'][step]}", file=sys.stderr, flush=True)
        known.update(said['got'])
        return said['state'] == 'ready'

    world.wait_for('it was ready', ready, READY_TIMEOUT)
    said = world.report() or {}
    check(said.get('state') == 'ready', f"{said.get('failed')} {said.get('miss')}; {world.said(300)}")
    return said['got']


def render_node():
    """Its path, and what DRI_PRIME calls the device that it is of."""
    path = os.path.realpath('/sys/class/drm/renderD128/device')
    address = re.findall(r'[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]', path)[-1]
    return '/dev/dri/renderD128', 'pci-' + re.sub('[:.]', '_', address)


def draws_with_the_gpu(world):
    """OpenGL and WebGL name the host's renderer, mpv has the render node open, Qt the primary one
    as the X server handed it over; by its name in there nobody can open that."""
    with open(f'{world.home}/mpv.log', encoding='utf-8', errors='replace') as log:
        renderer = re.search(r"GL_RENDERER='([^']*)'", log.read())
    check(renderer and renderer[1].startswith('virgl'), f'mpv draws with {renderer and renderer[1]}')
    webgl = world.report()['got'].get('page.webgl')
    check(str(webgl).startswith('virgl'), f'the page draws with {webgl}')
    pid, _ = world.named('mpv')
    with open(f'/proc/{pid}/maps', encoding='utf-8', errors='replace') as maps:
        check('virtio_gpu_dri.so' in maps.read(), 'mpv has another driver')
    named = os.stat(f'/proc/{world.pid}/root/dev/dri/card0')
    equal((stat.S_IMODE(named.st_mode), named.st_uid), (0, 0), "the primary node's mode and owner")
    numbers = {os.stat(path).st_rdev: path for path in (render_node()[0], '/dev/dri/card0')}
    nodes = {}
    for pid, status in world.processes().items():
        for fd in os.listdir(f'/proc/{pid}/fd'):
            with contextlib.suppress(FileNotFoundError):
                there = os.stat(f'/proc/{pid}/fd/{fd}')
                if stat.S_ISCHR(there.st_mode) and there.st_rdev in numbers:
                    nodes.setdefault(numbers[there.st_rdev], set()).add(status['Name'])
    check('mpv' in nodes.get(render_node()[0], ()), f'mpv has no render node open: {nodes}')
    check('qmlscene' in nodes.get('/dev/dri/card0', ()), f'Qt got no node of the X server: {nodes}')
    return renderer[1], webgl, nodes


def is_heard(world):
    """From the instance's /dev/snd to the other end of the card, out here. The film begins anew
    every ten seconds, with a gap: a recording without one is among three."""
    check(world.report()['got'].get('player.ao') == 'alsa', 'mpv plays elsewhere')
    reasons = []
    for _ in range(3):
        subprocess.run(['arecord', '-q', '-D', 'plughw:Loopback,1,0', '-f', 'S16_LE', '-r', '48000',
                        '-c', '2', '-d', '4', f'{OUT}/heard.wav'], check=True, timeout=200)
        try:
            return tone(f'{OUT}/heard.wav', seconds=4.0)
        except AssertionError as reason:
            reasons.append(str(reason))
    raise AssertionError('; '.join(reasons))


def is_confined(world):
    """Of every process: capabilities, no_new_privs, filters, user and groups, descriptors, and
    AppArmor's profile of this instance."""
    found = confined(world)
    for kind, count in FILTERS.items():
        equal(found.get(kind), count, f'filters on {kind}')
    no_stray_descriptor(world)
    for pid, status in world.processes().items():
        with open(f'/proc/{pid}/attr/current', encoding='ascii') as label:
            label = label.read().strip()
        check(re.match(r'incus-m2_.*\(enforce\)$', label), f"{status['Name']}: AppArmor: {label}")
    return found


def stops_in_order(world):
    """`incus stop`, and nobody has to be killed."""
    code, seconds = world.stop()
    said = world.report()
    equal((said['state'], said['stopped']), ('stopped', 'SIGTERM'), "the application's word")
    equal(code, 0, 'exit status')
    nothing_left(world)
    check(seconds < STOP_TIMEOUT, f'took {seconds:.2f} s: somebody had to be killed')
    return seconds


def main():
    """All of it; with the first promise broken there is nothing to look at."""
    world = Guest()
    with promise('works') as figure:
        figure(works(world))
    if world.ended() is not None:
        return
    with promise('draws_with_the_gpu') as figure:
        figure(draws_with_the_gpu(world))
    with promise('is_heard') as figure:
        figure(is_heard(world))
    with promise('is_confined') as figure:
        figure(is_confined(world))
    for shot in 1, 2:
        say(f'# shot {shot}')
        time.sleep(4)
    with promise('stops_in_order') as figure:
        figure(stops_in_order(world))


DISPLAY = sys.argv[1]
with contextlib.suppress(Ended):
    main()
