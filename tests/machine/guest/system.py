# SPDX-License-Identifier: Apache-2.0
"""Shared memory, directories, the loopback interface and the sandbox itself."""

from functools import partial

from servers import RUNTIME
from situation import Situation

Shm = partial(Situation, check='shm', target='/dev/shm')
Runtime = partial(Situation, check='runtime-dir', env={'XDG_RUNTIME_DIR': RUNTIME}, target=RUNTIME)
Home = partial(Situation, check='home', env={'HOME': '/home/stremio'}, target='/home/stremio')
Loopback = partial(Situation, check='loopback', target='127.0.0.1')

EXEC = 'incus exec stremio-machine -- '
CREATE = 'incus file create --create-dirs --type=directory '
TMPFS = 'incus config set stremio-machine environment.STREMIO_TMPFS='
SHM = 'mount -t tmpfs -o mode={},size={} shm /dev/shm; '
RUN = f'mount -t tmpfs -o mode={{}},uid={{}},gid={{}} run {RUNTIME}; '
HOME = 'mount -t tmpfs -o mode=700,uid={},gid={},size={} home /home/stremio; '

SITUATIONS = [
    Shm('shm', status='ok', summary=r'^\d+ MiB, tmpfs, exec$'),
    Shm('shm_enough', SHM.format(1777, '64m'), status='ok', summary='^64 MiB, tmpfs, exec$'),
    Shm('shm_small', SHM.format(1777, '32m'), status='warn', summary='^32 MiB, tmpfs',
        hint='^browsers crash when it is full: .*incus profile edit stremio: size=256m in '),
    Shm('shm_tiny', SHM.format(1777, '1m'), status='fail', summary='^1 MiB, tmpfs',
        hint='^browsers crash when it is full: .*incus profile edit stremio: size=256m in '),
    Shm('shm_noexec', SHM.format(1777, '256m,noexec'), status='ok',
        summary='^256 MiB, tmpfs, noexec$'),
    Shm('shm_read_only', SHM.format(1777, '256m') + 'mount -o remount,ro /dev/shm', status='fail',
        summary='^cannot be written to: Read-only file system$',
        hint=f'{EXEC}findmnt /dev/shm, and incus config show stremio-machine --expanded$'),
    Shm('shm_of_root_alone', SHM.format(755, '256m'), status='fail',
        summary='^cannot be written to: Permission denied$', hint=f'{EXEC}chmod 1777 /dev/shm'),
    Shm('shm_on_disk', 'mkdir -m 1777 /var/disk; mount --bind /var/disk /dev/shm', status='warn',
        summary='^[0-9]+ MiB, no tmpfs', hint='^shared memory goes to the disk: .*' + TMPFS + '/dev/shm:mode=1777,size=256m', after='rmdir /var/disk'),
    Runtime('runtime_dir', RUN.format(700, 1000, 1000), status='ok', summary='^1000:1000 0?700$'),
    Runtime('runtime_dir_of_root', RUN.format(700, 0, 0), status='fail',
            summary="^0:0 0?700, not the application's own$",
            hint=f'{TMPFS}{RUNTIME}:mode=0700,uid=1000,gid=1000, then: '),
    Runtime('runtime_dir_open', RUN.format(755, 1000, 1000), status='warn',
            summary='^1000:1000 0?755, open to others$', hint=f'incus exec stremio-machine --user 1000 --group 1000 -- chmod 700 {RUNTIME}$'),
    Runtime('runtime_dir_read_only', RUN.format(700, 1000, 1000) + f'mount -o remount,ro {RUNTIME}',
            status='fail', summary=', cannot be written to: Read-only file system$',
            hint=f'{EXEC}findmnt -T {RUNTIME}$'),
    Runtime('runtime_dir_absent', 'mount -t tmpfs run /run', status='fail',
            summary='^not there: No such file or directory$',
            hint=f'{CREATE}--mode=0700 --uid=1000 --gid=1000 stremio-machine{RUNTIME}$'),
    Runtime('runtime_dir_a_file', f'umount {RUNTIME} 2> /dev/null || :; mount -t tmpfs run '
            f'/run/user; echo > {RUNTIME}', status='fail',
            summary='^cannot be used: Not a directory$', hint=f'{EXEC}namei -l {RUNTIME}$'),
    Home('home', status='ok', summary=r'^1000:1000 0?7\d\d, at least 64 MiB free$'),
    Home('home_read_only', HOME.format(1000, 1000, '128m') + 'mount -o remount,ro /home/stremio',
         status='fail', summary='^cannot be written to: Read-only file system$',
         hint='--tmpfs=/home/stremio'),
    Home('home_of_root', HOME.format(0, 0, '128m'), status='fail',
         summary='^cannot be .*: Permission denied$',
         hint=f'{EXEC}chown 1000:1000 /home/stremio'),
    Home('home_of_another_and_open', HOME.format(0, 0, '128m') + 'chmod 1777 /home/stremio',
         status='warn', summary='^0:0 ', hint=f'{EXEC}chown 1000:1000 /home/stremio'),
    Home('home_small', HOME.format(1000, 1000, '8m'), status='warn', summary='[78] MiB free$',
         hint='^make room, or enlarge the disk: .*size=10GiB'),
    Home('home_absent', 'mount -t tmpfs -o mode=755 home /home', status='fail',
         summary='^not there: ', hint='--type=directory --mode=0700 --uid=1000 --gid=1000 stremio-machine/home/stremio$'),
    Loopback('loopback', status='ok', summary='^up$'),
    Loopback('loopback_down', wrap=('unshare', '--net'), status='fail',
             summary='^the loopback interface is down: ', hint='^the streaming server listens there: .*incus restart stremio-machine'),
    Loopback('loopback_dropped', 'nft -f - <<-END\ntable inet machine { chain out { type filter '
             'hook output priority 0; oifname "lo" tcp flags syn drop; }; }\nEND',
             status='fail', summary='^does not connect: ', hint=f'{EXEC}nft list ruleset$',
             after='nft delete table inet machine'),
    Loopback('loopback_rejected', 'nft -f - <<-END\ntable inet machine { chain out { type filter '
             'hook output priority 0; oifname "lo" tcp flags syn reject with tcp reset; }; }\nEND',
             status='fail', summary='^does not connect: Connection refused$',
             hint=f'{EXEC}nft list ruleset$', after='nft delete table inet machine'),
    Situation('sandbox_caps', check='sandbox.caps', status='ok',
              summary='^none, and an empty bounding set$'),
    Situation('sandbox_nnp', check='sandbox.nnp', status='ok', summary='^no new privileges$'),
    Situation('sandbox_seccomp', check='sandbox.seccomp', status='ok', summary='^filtered by '),
    Situation('sandbox_landlock', check='sandbox.landlock', status='ok', summary='are closed$'),
    Situation('sandbox_landlock_off', check='sandbox.landlock', status='warn',
              env={'STREMIO_LANDLOCK': 'off'}, summary='^not in force',
              hint='/sys/kernel/security/lsm, and no --landlock=off'),
    Situation('sandbox_userns', check='sandbox.userns', status='ok', summary='are denied: '),
    Situation('sandbox_userns_allowed', check='sandbox.userns', status='warn',
              env={'STREMIO_USERNS': 'allow'}, summary='^user namespaces can be made$',
              hint='--userns=allow'),
    Situation('sandbox_policy_none', check='sandbox.seccomp', status='warn',
              env={'STREMIO_POLICY': 'none'}, summary='^no system call filter$',
              hint='leave out --policy=none'),
]
