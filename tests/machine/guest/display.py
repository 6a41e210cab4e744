# SPDX-License-Identifier: Apache-2.0
"""X11 with a real Xorg :0 on virtio-gpu, PulseAudio, PipeWire and Weston (servers.py)."""

import signal
from functools import partial

from servers import COOKIES, RUNTIME, TRUSTED
from situation import ATTACH, DEVICE, Situation

X0 = '/tmp/.X11-unix/X0'
X5 = '/tmp/.X11-unix/X5'
NATIVE = f'{RUNTIME}/pulse/native'
PIPEWIRE = f'{RUNTIME}/pipewire-0'
WAYLAND = f'{RUNTIME}/wayland-1'


def cookie(name):
    """The environment with this cookie file."""
    return {'DISPLAY': ':0', 'XAUTHORITY': f'{COOKIES}/{name}'}


def display(value):
    """The environment with this display and the trusted cookie."""
    return {'DISPLAY': value, 'XAUTHORITY': TRUSTED}


def listening(path, mode):
    """Shell: a socket that somebody listens on and never answers."""
    return ("python3 -c 'import socket, time; s = socket.socket(socket.AF_UNIX); "
            f's.bind("{path}"); s.listen(); time.sleep(1000)\' & '
            f'while ! [ -S {path} ]; do sleep 0.1; done; chmod {mode} {path}; ')


def stale(path):
    """Shell: a socket whose server has ended."""
    return (f"python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"{path}\")'; "
            f'chmod 666 {path}; ')


EMPTY = 'mount -t tmpfs -o mode=1777 x11 /tmp/.X11-unix; '
RUN = f'mount -t tmpfs -o mode=700,uid=1000,gid=1000 run {RUNTIME}; mkdir {RUNTIME}/pulse; '
SESSION = {'XDG_RUNTIME_DIR': RUNTIME}
HOST = f'DISPLAY=:0 XAUTHORITY={TRUSTED} xhost '

Socket = partial(Situation, devices='x11', check='x11.socket', env=display(':0'))
Socket5 = partial(Situation, devices='x11', check='x11.socket', env=display(':5'), target=X5)
Auth = partial(Situation, devices='x11', check='x11.auth')
Extensions = partial(Situation, devices='x11', check='x11.extensions', env=display(':0'))
Pulse = partial(Situation, devices='pulse', check='pulse.socket', env=SESSION, target=NATIVE)
PipeWire = partial(Situation, devices='pulse', check='pipewire.socket', env=SESSION,
                   target=PIPEWIRE)
Wayland = partial(Situation, devices='wayland', check='wayland.socket',
                  env={**SESSION, 'WAYLAND_DISPLAY': 'wayland-1'}, target=WAYLAND)

STALE = '^stale: no server listens any more$'
SILENT = '^accepts connections and does not answer$'
NO_SOCKET = '^is not a socket$'
FORBIDDEN = '^cannot be connected to: Permission denied$'

SITUATIONS = [
    Socket('x11_answers', status='ok', summary='^answers$', target=f'@?{X0}'),
    Auth('x11_trusted_cookie', env=cookie('trusted'), status='ok',
         summary='^trusted cookie accepted$',
         hint=f'^a trusted X client can read the keyboard .*{ATTACH} --untrusted'),
    Auth('x11_untrusted_cookie', env=cookie('untrusted'), status='ok',
         summary='^untrusted cookie accepted$'),
    Extensions('x11_extensions', status='ok', summary='^GLX .*Present MIT-SHM XInput2'),
    Extensions('x11_extensions_untrusted', env=cookie('untrusted'), status='warn',
               summary='missing: .*GLX', hint='^an untrusted cookie hides it'),
    Auth('x11_no_cookie', env={'DISPLAY': ':0'}, status='fail',
         summary='^no cookie: there is no such file; the server says: ',
         hint=f'^no cookie came with the display: .*{ATTACH}$'),
    Auth('x11_no_cookie_file', env=cookie('none'), status='fail',
         summary='^no cookie: there is no such file', hint=f'^no cookie came .*{ATTACH}$'),
    Auth('x11_empty_cookie_file', env=cookie('empty'), status='fail',
         summary='^no cookie: the file is empty', hint=ATTACH),
    Auth('x11_cookie_of_another_display', env=cookie('display9'), status='fail',
         summary='^no cookie for this display in the file',
         hint='^the file has cookies, none for this display: .*xauth list'),
    Auth('x11_wrong_cookie', env=cookie('wrong'), status='fail', summary='^wrong cookie',
         hint=f'^the server has another cookie, as after a new login: .*{ATTACH}$'),
    Auth('x11_cookie_of_another_host', env=cookie('elsewhere'), status='fail',
         summary='^no cookie for this host, one keyed to host elsewhere', hint='FamilyWild'),
    Auth('x11_cookie_file_garbage', env=cookie('garbage'), status='fail',
         summary='^no cookie: the file is not an Xauthority file',
         hint='^not a file that xauth wrote: .*detach'),
    Auth('x11_cookie_file_unreadable', env=cookie('unreadable'), status='fail',
         summary='^no cookie: the file cannot be read: Permission denied',
         hint=fr'^the application \(uid 1000\) cannot read {COOKIES}/unreadable: '),
    Auth('x11_cookie_file_a_fifo', env=cookie('fifo'), status='fail',
         summary='^no cookie: not a regular file', hint='^not a file that xauth wrote'),
    Auth('x11_access_control_off', HOST + '+ > /dev/null', env={'DISPLAY': ':0'}, status='warn',
         summary='^lets clients in without a cookie$', hint='xhost -', after=HOST + '-'),
    Auth('x11_access_control_off_with_cookie', HOST + '+ > /dev/null', env=cookie('trusted'),
         status='warn', summary='^lets clients in without a cookie$', hint='xhost -',
         after=HOST + '-'),
    Auth('x11_local_user_let_in', HOST + '+si:localuser:stremio > /dev/null',
         env={'DISPLAY': ':0'}, status='warn', summary='^lets clients in without a cookie$',
         hint='xhost -', after=HOST + '-si:localuser:stremio'),
    Socket('x11_screen_0', env=display(':0.0'), status='ok', summary='^answers$'),
    Extensions('x11_no_such_screen', env=display(':0.7'), status='fail',
               summary='^the server has no such screen$', hint='environment.DISPLAY=:0$'),
    Socket('x11_unix_prefix', env=display('unix:0'), status='ok', summary='^answers$'),
    Socket('x11_remote', env=display('far-away:0'), status='skip',
           summary='^a display of another machine: not checked$', hint='DISPLAY=:0$'),
    Socket('x11_remote_screen', env=display('192.0.2.1:0.1'), status='skip',
           summary='^a display of another machine: not checked$', hint='DISPLAY=:0$'),
    Socket('x11_display_nonsense', env=display('nonsense'), status='fail',
           summary='^DISPLAY names no display$', hint='^a display is :0, :0.1, unix:0 or host:0'),
    Socket('x11_display_unset', env={'XAUTHORITY': TRUSTED}, status='fail',
           summary='^DISPLAY is not set$', hint=f'^no display was given .*{ATTACH}$'),
    Socket5('x11_no_socket', status='fail', summary='^not there$',
            hint=f'^there is no such display here: .*{ATTACH}$'),
    Socket5('x11_plain_file', f'{EMPTY}echo > {X5}; chmod 666 {X5}', status='fail',
            summary=NO_SOCKET, hint='^an X server.s socket should be here: .*detach'),
    Socket5('x11_stale_socket', EMPTY + stale(X5), status='fail', summary=STALE,
            hint='^the server that made this socket is gone: '),
    Socket5('x11_socket_forbidden', EMPTY + listening(X5, '600'), status='fail',
            summary=FORBIDDEN, hint='^the socket belongs to somebody else: '),
    Socket5('x11_never_answers', EMPTY + listening(X5, '666'), status='fail', summary=SILENT,
            hint='^the server takes connections and does not answer: .*ps -o stat,args -C Xorg'),
    Socket5('x11_another_server', EMPTY + f'ln -s {WAYLAND} {X5}', status='fail',
            summary='without an answer$|not that of an X server$', hint=f'{DEVICE} show'),
    # In another network namespace the abstract name is not there, as in a container.
    Socket('x11_by_its_path', wrap=('unshare', '--net'), status='ok', summary='^answers$',
           target=X0),

    Pulse('pulse_answers', status='ok', summary=r'^answers, protocol \d+$'),
    Pulse('pulse_server_named', env={'PULSE_SERVER': f'unix:{NATIVE}'}, status='ok',
          summary=r'^answers, protocol \d+$'),
    Pulse('pulse_remote', env={'PULSE_SERVER': 'tcp:far-away:4713'}, status='skip', target='.*',
          summary='not checked$', hint='environment.PULSE_SERVER=unix:PATH$'),
    Pulse('pulse_no_socket', RUN, status='fail', summary='^not there$',
          hint=f'^no sound server was given .*{ATTACH}$'),
    Pulse('pulse_plain_file', RUN + f'echo > {NATIVE}; chmod -R 777 {RUNTIME}', status='fail',
          summary=NO_SOCKET, hint='^the sound server.s socket should be here: .*detach'),
    Pulse('pulse_stale', RUN + f'chmod 711 {RUNTIME}/pulse; ' + stale(NATIVE), status='fail',
          summary=STALE, hint='systemctl --user restart pipewire-pulse'),
    Pulse('pulse_directory_closed', RUN + f'chmod 700 {RUNTIME}/pulse', status='fail',
          summary=FORBIDDEN, hint='^the sound server.s socket belongs to somebody else'),
    # Weston waits for the rest of what it takes for a message of its own.
    Pulse('pulse_another_server', env={'PULSE_SERVER': f'unix:{WAYLAND}'}, status='fail',
          summary=SILENT, hint='^the sound server takes connections and does not answer',
          target=WAYLAND),
    PipeWire('pipewire_answers', status='ok', summary=r'^answers, PipeWire \d+\.\d+\.\d+ \('),
    PipeWire('pipewire_absent', RUN, status='skip', summary='^not there$'),
    PipeWire('pipewire_named_and_absent', env={**SESSION, 'PIPEWIRE_REMOTE': 'other'},
             status='warn', summary='^not there$', hint='^PIPEWIRE_REMOTE names a socket',
             target=f'{RUNTIME}/other'),
    PipeWire('pipewire_plain_file', RUN + f'echo > {PIPEWIRE}; chmod 666 {PIPEWIRE}',
             status='fail', summary=NO_SOCKET, hint='^PipeWire.s socket should be here: .*detach'),
    PipeWire('pipewire_stale', RUN + stale(PIPEWIRE), status='fail', summary=STALE,
             hint='systemctl --user restart pipewire,'),
    Wayland('wayland_answers', status='ok', summary=r'^\d+ globals'),
    Wayland('wayland_display_unset', env=SESSION, status='fail', target='.*',
            summary='^WAYLAND_DISPLAY is not set$', hint=f'{ATTACH} --wayland$'),
    Wayland('wayland_no_socket', env={**SESSION, 'WAYLAND_DISPLAY': 'wayland-9'}, status='fail',
            summary='^not there$', hint=f'^there is no such socket here: .*{ATTACH} --wayland$',
            target=f'{RUNTIME}/wayland-9'),
    Wayland('wayland_stale', RUN + stale(WAYLAND), status='fail', summary=STALE,
            hint='^the compositor that made this socket is gone'),
    Wayland('wayland_forbidden', RUN + listening(WAYLAND, '600'), status='fail',
            summary=FORBIDDEN, hint=f'{DEVICE} set stremio-machine DEVICE uid=1000 gid=1000'),
    Wayland('wayland_plain_file', RUN + f'echo > {WAYLAND}; chmod 666 {WAYLAND}', status='fail',
            summary=NO_SOCKET, hint='^a compositor.s socket should be here'),
    Wayland('wayland_another_server', env={**SESSION, 'WAYLAND_DISPLAY': 'pipewire-0'},
            status='fail', summary=SILENT, hint='^the compositor takes connections',
            target=PIPEWIRE),
]

# (server, signal before, situation, signal after): the server's own state is the situation.
FROZEN = [
    ('xorg', signal.SIGSTOP, Socket('x11_server_stopped', status='fail', summary=SILENT,
                                    hint='ps -o stat,args -C Xorg'), signal.SIGCONT),
    ('xorg', signal.SIGCONT, Socket('x11_server_continued', status='ok', summary='^answers$'),
     None),
    ('pulseaudio', signal.SIGSTOP, Pulse('pulse_stopped', status='fail', summary=SILENT,
                                         hint='systemctl --user restart'), signal.SIGCONT),
    ('pipewire', signal.SIGSTOP, PipeWire('pipewire_stopped', status='warn', summary=SILENT,
                                          hint='systemctl --user restart pipewire'),
     signal.SIGCONT),
    ('weston', signal.SIGSTOP, Wayland('wayland_stopped', status='fail', summary=SILENT,
                                       hint='^the compositor takes connections'),
     signal.SIGCONT),
    ('weston', signal.SIGKILL, Wayland('wayland_killed', status='fail', summary=STALE,
                                       hint='^the compositor that made this socket is gone'),
     None),
    ('pipewire', signal.SIGKILL, PipeWire('pipewire_killed', status='warn', summary=STALE,
                                          hint='systemctl --user restart pipewire,'), None),
    ('pulseaudio', signal.SIGKILL, Pulse('pulse_killed', status='fail', summary=STALE,
                                         hint='systemctl --user restart pipewire-pulse'), None),
    ('xorg', signal.SIGKILL, Socket('x11_killed', status='fail', summary=STALE, target=X0,
                                    hint='^the server that made this socket is gone'), None),
]
