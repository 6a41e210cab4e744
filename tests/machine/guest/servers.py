# SPDX-License-Identifier: Apache-2.0
"""The real servers that the situations talk to, started once for all of them."""

import os
import pwd
import shutil
import signal
import subprocess
import time

from situation import PATH, Failed

RUNTIME = '/run/user/1000'
COOKIES = '/run/cookies'
TRUSTED = f'{COOKIES}/trusted'
LOGS = '/run/servers'


class Servers:
    """What was started, to be stopped, frozen or killed by name."""

    def __init__(self):
        self.running = {}
        os.makedirs(LOGS, exist_ok=True)

    def start(self, name, words, ready, user=None, env=None):
        """Start one and wait until ready() is true; as user when one is given."""
        log = open(f'{LOGS}/{name}.log', 'wb')
        extra = {}
        if user:
            entry = pwd.getpwnam(user)
            extra = {'user': entry.pw_uid, 'group': entry.pw_gid,
                     'extra_groups': [os.stat('/dev/snd/timer').st_gid]}
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env={'PATH': PATH, 'HOME': '/root', **(env or {})}, **extra)
        self.running[name] = process
        for _ in range(600):
            if ready():
                return
            if process.poll() is not None:
                break
            time.sleep(0.1)
        with open(f'{LOGS}/{name}.log', encoding='utf-8', errors='replace') as f:
            raise Failed(f'{name} did not come up: {f.read().strip()[-400:]}')

    def signal(self, name, number):
        """Send it a signal; KILL also waits for its end."""
        process = self.running[name]
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()

    def end(self):
        """Kill all that still runs."""
        for process in self.running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()


def xauth(file, *words, display=None):
    """Run xauth on a cookie file of the application's own."""
    env = {'PATH': PATH, 'HOME': '/root'}
    if display:
        env.update({'DISPLAY': display, 'XAUTHORITY': TRUSTED})
    done = subprocess.run(['xauth', '-q', '-f', file, *words], env=env, timeout=60, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Failed(f'xauth {" ".join(words)}: {done.stdout.decode(errors="replace")}')
    return done.stdout.decode()


def wild(source, target):
    """Copy a cookie file with its entries' family made FamilyWild."""
    lines = xauth(source, 'nlist').splitlines()
    subprocess.run(['xauth', '-q', '-f', target, 'nmerge', '-'], check=True, timeout=60,
                   input='\n'.join('ffff' + line[4:] for line in lines).encode() + b'\n')


def xorg(servers):
    """Xorg :0 on virtio-gpu, with one trusted cookie."""
    os.makedirs(COOKIES, exist_ok=True)
    os.chmod(COOKIES, 0o755)
    host = f'{COOKIES}/host'
    xauth(host, 'add', ':0', '.', '00112233445566778899aabbccddeeff')
    shutil.copy(host, f'{COOKIES}/server')
    servers.start('xorg', ['Xorg', ':0', '-novtswitch', '-noreset', '-nolisten', 'tcp', 'vt7',
                           '-auth', f'{COOKIES}/server', '-logfile', f'{LOGS}/xorg-detail.log'],
                  lambda: os.path.exists('/tmp/.X11-unix/X0'))
    wild(host, TRUSTED)
    xauth(f'{COOKIES}/untrusted-host', 'generate', ':0', '.', 'untrusted', 'timeout', '0',
          display=':0')
    wild(f'{COOKIES}/untrusted-host', f'{COOKIES}/untrusted')
    # The right name, another value.
    xauth(f'{COOKIES}/wrong-host', 'add', ':0', '.', 'ffeeddccbbaa99887766554433221100')
    wild(f'{COOKIES}/wrong-host', f'{COOKIES}/wrong')
    # What a copy of the host's file is in a container: keyed to another machine's name.
    entry = xauth(host, 'nlist').split()
    entry[1:3] = [f'{len("elsewhere"):04x}', b'elsewhere'.hex()]
    subprocess.run(['xauth', '-q', '-f', f'{COOKIES}/elsewhere', 'nmerge', '-'], check=True,
                   timeout=60, input=(' '.join(entry) + '\n').encode())
    # Another display's cookie only.
    xauth(f'{COOKIES}/display9-host', 'add', ':9', '.', '00112233445566778899aabbccddeeff')
    wild(f'{COOKIES}/display9-host', f'{COOKIES}/display9')
    open(f'{COOKIES}/empty', 'wb').close()
    with open(f'{COOKIES}/garbage', 'wb') as f:
        f.write(b'\xff\xff\xff\xff garbage \x00' * 20)
    os.mkfifo(f'{COOKIES}/fifo')
    for name in os.listdir(COOKIES):
        os.chown(f'{COOKIES}/{name}', 1000, 1000)
        os.chmod(f'{COOKIES}/{name}', 0o600)
    shutil.copy(TRUSTED, f'{COOKIES}/unreadable')
    os.chmod(f'{COOKIES}/unreadable', 0o600)


def user_servers(servers):
    """PulseAudio on the loopback card, PipeWire and Weston, as the session's user."""
    os.makedirs(RUNTIME, exist_ok=True)
    os.chown(RUNTIME, 1000, 1000)
    os.chmod(RUNTIME, 0o700)
    env = {'XDG_RUNTIME_DIR': RUNTIME, 'HOME': '/home/stremio'}
    servers.start('pulseaudio', ['pulseaudio', '-n', '--daemonize=no', '--exit-idle-time=-1',
                                 '--use-pid-file=no', '--disable-shm',
                                 '-L', 'module-alsa-sink device=hw:Loopback,0,1',
                                 '-L', 'module-native-protocol-unix auth-anonymous=1'],
                  lambda: os.path.exists(f'{RUNTIME}/pulse/native'), 'stremio', env)
    servers.start('pipewire', ['pipewire'],
                  lambda: os.path.exists(f'{RUNTIME}/pipewire-0'), 'stremio', env)
    servers.start('weston', ['weston', '--backend=headless-backend.so', '--socket=wayland-1',
                             '--idle-time=0'],
                  lambda: os.path.exists(f'{RUNTIME}/wayland-1'), 'stremio', env)
