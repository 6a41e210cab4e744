# SPDX-License-Identifier: Apache-2.0
"""X11 with a real Xorg :0 on virtio-gpu, PulseAudio, PipeWire and Weston (servers.py)."""

import signal
from functools import partial

from servers import COOKIES, RUNTIME, TRUSTED
from situation import Situation

X = {'DISPLAY': ':0', 'XAUTHORITY': TRUSTED}
SESSION = {'XDG_RUNTIME_DIR': RUNTIME}

Socket = partial(Situation, devices='x11', check='x11.socket', env=X)
Auth = partial(Situation, devices='x11', check='x11.auth', env=X)
Extensions = partial(Situation, devices='x11', check='x11.extensions', env=X)
Pulse = partial(Situation, devices='pulse', check='pulse.socket', env=SESSION)
PipeWire = partial(Situation, devices='pulse', check='pipewire.socket', env=SESSION)
Wayland = partial(Situation, devices='wayland', check='wayland.socket',
                  env={**SESSION, 'WAYLAND_DISPLAY': 'wayland-1'})



def cookie(name):
    """The environment with this cookie file."""
    return {'DISPLAY': ':0', 'XAUTHORITY': f'{COOKIES}/{name}'}


def display(value):
    """The environment with this display and the trusted cookie."""
    return {'DISPLAY': value, 'XAUTHORITY': TRUSTED}


SITUATIONS = [
    Socket('x11_socket', status='ok', summary='.'),
    Auth('x11_trusted_cookie', status='warn', summary='(?i)trusted|keyboard', hint='untrusted'),
    Extensions('x11_extensions', status='(ok|warn)', summary='GLX|Present|XInput'),
    Auth('x11_untrusted_cookie', env=cookie('untrusted'), status='ok', summary='(?i)untrusted'),
    Auth('x11_no_cookie', env={'DISPLAY': ':0'}, status='fail', summary='(?i)no cookie',
         hint='stremio-incus attach|xauth'),
    Auth('x11_empty_cookie_file', env=cookie('empty'), status='fail', summary='(?i)no cookie',
         hint='.'),
    Auth('x11_cookie_file_missing', env=cookie('none'), status='fail',
         summary='(?i)no cookie|no such file', hint='.'),
    Auth('x11_cookie_of_another_display', env=cookie('display9'), status='fail',
         summary='(?i)no cookie|another display', hint='.'),
    Auth('x11_wrong_cookie', env=cookie('wrong'), status='fail',
         summary='(?i)wrong cookie|cookie.*(wrong|refused|rejected|not accepted)', hint='.'),
    Auth('x11_cookie_of_another_host', env=cookie('elsewhere'), status='fail',
         summary='(?i)host', hint='(?i)ffff|FamilyWild|attach'),
    Auth('x11_cookie_file_garbage', env=cookie('garbage'), status='fail',
         summary='(?i)cookie|malformed|damaged|not', hint='.'),
    Auth('x11_cookie_file_unreadable', 'mkdir -p /run/a; mount -t tmpfs none /run/a; '
         f'cp {TRUSTED} /run/a/c; chown 0:0 /run/a/c; chmod 600 /run/a/c; chmod 755 /run/a',
         env={'DISPLAY': ':0', 'XAUTHORITY': '/run/a/c'}, status='fail',
         summary='(?i)permission denied|cannot be read|unreadable', hint='.'),
    Auth('x11_access_control_off', f'DISPLAY=:0 XAUTHORITY={TRUSTED} xhost +',
         env={'DISPLAY': ':0'}, status='warn', summary='(?i)without|no cookie|anyone|access control',
         hint='(?i)xhost', after=f'DISPLAY=:0 XAUTHORITY={TRUSTED} xhost -'),
    Auth('x11_localuser', f'DISPLAY=:0 XAUTHORITY={TRUSTED} xhost +si:localuser:stremio',
         env={'DISPLAY': ':0'}, status='(ok|warn)', summary='(?i)without|no cookie|trusted',
         hint='.', after=f'DISPLAY=:0 XAUTHORITY={TRUSTED} xhost -si:localuser:stremio'),
    Socket('x11_screen_number', env=display(':0.0'), status='ok', summary='.'),
    Socket('x11_unix_prefix', env=display('unix:0'), status='ok', summary='.'),
    Socket('x11_remote', env=display('far-away:0'), status='skip', summary='(?i)not checked'),
    Socket('x11_remote_screen', env=display('192.0.2.1:0.1'), status='skip',
           summary='(?i)not checked'),
    Socket('x11_display_nonsense', env=display('nonsense'), status='fail',
           summary='(?i)DISPLAY', hint='.'),
    Socket('x11_display_unset', env={'XAUTHORITY': TRUSTED}, status='(skip|fail)',
           summary='DISPLAY', hint=r'DISPLAY|attach'),
    Socket('x11_no_socket', env=display(':7'), status='fail',
           summary='(?i)no (such )?(socket|file)|does not exist|nothing', hint='attach|DISPLAY'),
    Socket('x11_plain_file', 'mount -t tmpfs none /tmp/.X11-unix; echo > /tmp/.X11-unix/X5',
           env=display(':5'), status='fail', summary='(?i)not a socket|refused', hint='.'),
    Socket('x11_stale_socket', 'mount -t tmpfs none /tmp/.X11-unix; chmod 755 /tmp/.X11-unix; '
           'python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'/tmp/.X11-unix/X5\')";'
           'chmod 777 /tmp/.X11-unix/X5', env=display(':5'), status='fail',
           summary='(?i)refused|nobody|no server|gone', hint='.'),
    Socket('x11_socket_forbidden', 'mount -t tmpfs none /tmp/.X11-unix; chmod 755 /tmp/.X11-unix; '
           'python3 -c "import socket; s = socket.socket(socket.AF_UNIX); '
           's.bind(\'/tmp/.X11-unix/X5\'); s.listen()"; chmod 600 /tmp/.X11-unix/X5',
           env=display(':5'), status='fail', summary='(?i)permission denied', hint='.'),

    Pulse('pulse_socket', status='ok', summary='(?i)pulse|protocol|answer'),
    Pulse('pulse_server_named', env={'PULSE_SERVER': f'unix:{RUNTIME}/pulse/native'},
          status='ok', summary='.'),
    Pulse('pulse_remote', env={'PULSE_SERVER': 'tcp:far-away:4713'}, status='skip',
          summary='(?i)not checked'),
    Pulse('pulse_no_socket', f'mount -t tmpfs none {RUNTIME}/pulse', status='fail',
          summary='(?i)no (such )?(socket|file)|does not exist|nothing', hint='attach|pulse'),
    Pulse('pulse_directory_of_another', f'chown 0:0 {RUNTIME}/pulse; chmod 700 {RUNTIME}/pulse',
          status='fail', summary='(?i)permission denied', hint='.',
          after=f'chown 1000:1000 {RUNTIME}/pulse; chmod 700 {RUNTIME}/pulse'),
    PipeWire('pipewire_socket', status='ok', summary='(?i)pipewire|answer|protocol'),
    PipeWire('pipewire_plain_file', f'mkdir /run/p; mount -t tmpfs -o mode=711 none {RUNTIME}; '
             f'echo > {RUNTIME}/pipewire-0; chown -R 1000:1000 {RUNTIME}', status='fail',
             summary='(?i)not a socket|refused', hint='.', after='rmdir /run/p'),
    Wayland('wayland_socket', status='ok', summary='(?i)global|wl_|registry|compositor'),
    Wayland('wayland_no_socket', env={**SESSION, 'WAYLAND_DISPLAY': 'wayland-9'}, status='fail',
            summary='(?i)no (such )?(socket|file)|does not exist|nothing', hint='.'),
]

# (server, signal before, situation, signal after): the server's own state is the situation.
FROZEN = [
    ('xorg', signal.SIGSTOP, Socket('x11_server_frozen', status='(ok|fail)', summary='.',
                                    hint=None, check='x11.socket'), signal.SIGCONT),
    ('xorg', signal.SIGSTOP, Auth('x11_frozen_no_answer', status='fail',
                                  summary='(?i)no answer|not answer|time', hint='.'),
     signal.SIGCONT),
    ('pulseaudio', signal.SIGSTOP, Pulse('pulse_frozen', status='fail',
                                         summary='(?i)no answer|not answer|time', hint='.'),
     signal.SIGCONT),
    ('pipewire', signal.SIGSTOP, PipeWire('pipewire_frozen', status='fail',
                                          summary='(?i)no answer|not answer|time', hint='.'),
     signal.SIGCONT),
    ('weston', signal.SIGSTOP, Wayland('wayland_frozen', status='fail',
                                       summary='(?i)no answer|not answer|time', hint='.'),
     signal.SIGCONT),
    ('weston', signal.SIGKILL, Wayland('wayland_killed', status='fail',
                                       summary='(?i)refused|nobody|gone', hint='.'), None),
    ('pipewire', signal.SIGKILL, PipeWire('pipewire_killed', status='fail',
                                          summary='(?i)refused|nobody|gone', hint='.'), None),
    ('pulseaudio', signal.SIGKILL, Pulse('pulse_killed', status='fail',
                                         summary='(?i)refused|nobody|gone', hint='.'), None),
    ('xorg', signal.SIGKILL, Socket('x11_killed', status='fail',
                                    summary='(?i)refused|nobody|gone', hint='.'), None),
]
