# SPDX-License-Identifier: Apache-2.0
"""Runs everything the guest can tell, a line each on standard output (the results' port).

The lines are those of the other tiers, `ok NAME`; the host puts machine.KERNEL before the
names."""

import os
import platform
import sys
import time

import display
import gpu
import launch
import servers
import sound
import system
from situation import HERE, PATH, Failed, check, run

QUIET = gpu.SITUATIONS + sound.SITUATIONS + system.SITUATIONS
STATES = display.SITUATIONS + [want for _, _, want, _ in display.FROZEN]
WITH_SERVERS = [want.name for want in STATES] + [name for name, *_ in launch.TESTS] + ['figures']


def say(line):
    """One line to the host, at once."""
    print(line.replace('\n', ' | ')[:900], flush=True)


def wanted(name):
    """The runner's arguments, as a file of the second disk."""
    with open(f'{HERE}/wanted', encoding='utf-8') as f:
        parts = f.read().split()
    return not parts or any(part in name for part in parts)


def shell(script):
    """Shell in the machine itself; its output. Failed when it fails."""
    status, out, err = run(script, namespaces=False)
    if status:
        raise Failed(f'exit {status}: {(err or out).strip()[-400:]}')
    return out.strip()


def test(name, function, *args):
    """Run one test and say how it came out; its result."""
    start = time.monotonic()
    result = None
    try:
        result = function(*args)
    except Failed as e:
        say(f'not ok {name}: {e}')
    except Exception as e:  # one broken test must not take the others with it
        say(f'not ok {name}: {type(e).__name__}: {e}')
    else:
        say(f'ok {name}')
    print(f'driver: {name}: {time.monotonic() - start:.1f} s', file=sys.stderr, flush=True)
    return result


def situation(want, function, *args):
    """Run one row of the table, and write the row."""
    if not wanted(want.name):
        return
    found = test(want.name, function, *args, want)
    if found:
        row = (want.name, found['id'], found['target'] or '', found['status'], found['summary'],
               found['hint'] or '')
        say('| ' + ' | '.join(row))


def prepare():
    """Devices that no hardware brings, and the project's files where they are installed."""
    shell('''
        mountpoint -q /sys/kernel/security || mount -t securityfs none /sys/kernel/security
        cp -R /tests/install/usr/local/. /usr/local/
        udevadm control --reload
        modprobe vgem
        modprobe snd-aloop pcm_substreams=2
        modprobe snd-hda-intel
        udevadm settle
        install -d -o stremio -g stremio -m 700 /run/user/1000
        apparmor_parser --replace --skip-cache /tests/no-devices.apparmor
        systemd-run --quiet --unit=machine-closed -p DevicePolicy=closed sleep infinity
    ''')


def devices():
    """The real devices on which everything below rests."""
    found = shell('ls -ln /dev/dri /dev/snd; cat /proc/asound/cards; echo "$VIRTIO $VGEM $CARD"; '
                  'cat /sys/kernel/security/lsm')
    for line in found.splitlines():
        print('driver:', line, file=sys.stderr)
    for want in ('renderD128', 'renderD129', 'Loopback', 'HDA', 'apparmor', 'landlock'):
        if want not in found:
            raise Failed(f'no {want}: {found}')


def in_state(up, name, before, after, want):
    """A situation that is the state of a server."""
    up.signal(name, before)
    try:
        return check(want)
    finally:
        if after:
            up.signal(name, after)


def table():
    """Every situation: without servers first, then with them, at last what kills them."""
    for want in QUIET:
        situation(want, check)
    if not any(wanted(name) for name in WITH_SERVERS):
        return
    up = servers.Servers()
    try:
        test('servers_xorg', servers.xorg, up)
        test('servers_session', servers.user_servers, up)
        for want in display.SITUATIONS:
            situation(want, check)
        for name, function, *args in launch.TESTS:
            if wanted(name):
                test(name, function, *args)
        if wanted('figures'):
            say_figures()
        for name, before, want, after in display.FROZEN:
            situation(want, in_state, up, name, before, after)
    finally:
        up.end()


def say_figures():
    """What the self-test takes, as lines for people."""
    times = test('figures', launch.figures) or {}
    for name, took in times.items():
        say(f'# {name}: {took:.1f} ms')
    if times:
        say('# self-test of 2 GPUs, 2 cards, X11, Pulse: '
            f'{times["self-test"] / times["by hand"]:.2f} of xdpyinfo && aplay -l && vainfo')


def figures_with_opengl():
    """Where the X server and vainfo have a GPU that draws, as on a desktop."""
    test('prepared', prepare)
    up = servers.Servers()
    try:
        servers.xorg(up)
        servers.user_servers(up)
        say_figures()
    finally:
        up.end()


def main():
    """Everything, in the order that needs the fewest changes in between."""
    os.environ['PATH'] = PATH
    say(f'# {platform.release()}: {time.clock_gettime(time.CLOCK_BOOTTIME):.0f} s to the tests')
    test('prepared', prepare)
    test('devices', devices)
    table()
    say(f'# {len(QUIET) + len(STATES)} situations, '
        f'{time.clock_gettime(time.CLOCK_BOOTTIME):.0f} s after the start of the kernel')


if __name__ == '__main__':
    figures_with_opengl() if sys.argv[1:] == ['figures'] else main()
