# SPDX-License-Identifier: Apache-2.0
"""Shared memory, directories, the loopback interface and the sandbox itself."""

from functools import partial

from servers import RUNTIME
from situation import Situation

Shm = partial(Situation, check='shm')
Runtime = partial(Situation, check='runtime-dir', env={'XDG_RUNTIME_DIR': RUNTIME})
Home = partial(Situation, check='home', env={'HOME': '/home/stremio'})
Loopback = partial(Situation, check='loopback')

SITUATIONS = [
    Shm('shm', status='ok', summary='MiB|GiB'),
    Shm('shm_tiny', 'mount -t tmpfs -o size=1m,mode=1777 none /dev/shm', status='(warn|fail)',
        summary='1(.0)? ?(MiB|024 KiB)', hint='size='),
    Shm('shm_noexec', 'mount -t tmpfs -o noexec,size=256m,mode=1777 none /dev/shm',
        status='(ok|warn)', summary='(?i)noexec|exec', hint='(?i)exec'),
    Shm('shm_read_only', 'mount -t tmpfs -o ro,size=256m,mode=1777 none /dev/shm', status='fail',
        summary='(?i)read-only|not writable', hint='.'),
    Shm('shm_mode', 'mount -t tmpfs -o size=256m,mode=755 none /dev/shm', status='fail',
        summary='(?i)permission denied|not writable', hint='.'),
    Runtime('runtime_dir', status='ok', summary='.'),
    Runtime('runtime_dir_owner', f'mount -t tmpfs -o mode=700,uid=0 none {RUNTIME}',
            status='fail', summary='(?i)owner|belongs|permission', hint='chown|owner|uid'),
    Runtime('runtime_dir_mode', f'mount -t tmpfs -o mode=755,uid=1000,gid=1000 none {RUNTIME}',
            status='(warn|fail)', summary='0?755|(?i:mode|others)', hint='0?700'),
    Home('home', status='ok', summary='.'),
    Home('home_read_only', 'mount -t tmpfs -o ro,mode=700,uid=1000,gid=1000 none /home/stremio',
         status='(warn|fail)', summary='(?i)read-only', hint='.'),
    Home('home_of_another', 'mount -t tmpfs -o mode=700,uid=0 none /home/stremio',
         status='(warn|fail)', summary='(?i)permission denied|not writable|owner|belongs', hint='.'),
    Home('home_full', 'mount -t tmpfs -o mode=700,uid=1000,gid=1000,size=4k none /home/stremio; '
         'dd if=/dev/zero of=/home/stremio/x bs=4k count=1 2>/dev/null', status='(warn|fail)',
         summary='(?i)no space|full', hint='.'),
    Loopback('loopback', status='ok', summary='.'),
    Situation('sandbox_caps', check='sandbox.caps', status='ok', summary='.'),
    Situation('sandbox_nnp', check='sandbox.nnp', status='ok', summary='.'),
    Situation('sandbox_seccomp', check='sandbox.seccomp', status='ok', summary='.'),
    Situation('sandbox_landlock', check='sandbox.landlock', status='ok', summary='ABI'),
    Situation('sandbox_userns', check='sandbox.userns', status='ok', summary='.'),
]
