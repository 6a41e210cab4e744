# SPDX-License-Identifier: Apache-2.0
"""/dev/dri with real nodes of virtio-gpu and vgem behind it."""

from functools import partial

from situation import ADD, APPARMOR, CGROUP, DEVICE, Situation

Gpu = partial(Situation, devices='gpu', check='gpu.render', target=r'/dev/dri/renderD\d+')
Directory = partial(Situation, devices='gpu', check='gpu.render', target='/dev/dri')
Primary = partial(Situation, devices='gpu', check='gpu.primary', target=r'/dev/dri/card\d+')

NOT_A_DEVICE = f'^remove it; it was not opened.*{ADD} renderD128 unix-char path=/dev/dri/renderD128 '
WRONG_DEVICE = f'^another device under this name; .*{DEVICE} remove stremio-machine'
GONE = f'^the node is there, its GPU is not: .*{DEVICE} remove stremio-machine'
NO_GPU = f'{ADD} render unix-char path=/dev/dri/renderD128 gid=1000 mode=0660 required=false$'

SITUATIONS = [
    Gpu('gpu_virtio', 'dri $VIRTIO', status='ok', summary=r'^virtio_gpu \d+\.\d+\.\d+$'),
    Gpu('gpu_vgem', 'dri $VGEM', status='ok', summary=r'^vgem \d+\.\d+\.\d+$'),
    Gpu('gpu_both', 'dri $VIRTIO $VGEM', status='ok', summary='^vgem '),
    Gpu('gpu_as_the_system_made_it', 'true', status='ok', summary='^virtio_gpu '),
    Gpu('gpu_other_group', 'dri $VGEM; chown 0:4711 $VGEM; chmod 0660 $VGEM', status='ok',
        summary='^vgem '),
    Gpu('gpu_of_root_alone', 'dri $VGEM; chown 0:0 $VGEM; chmod 0600 $VGEM', status='fail',
        summary=r'^forbidden by its owner and mode \(0:0 0?600, the application is 1000:1000\)',
        hint=f'^group 0 is never handed .*{DEVICE} set stremio-machine DEVICE gid=1000 mode=0660'),
    Gpu('gpu_of_group_root', 'dri $VGEM; chown 0:0 $VGEM; chmod 0660 $VGEM', status='fail',
        summary='^forbidden by its owner and mode', hint='^group 0 is never handed .*gid=1000'),
    Gpu('gpu_of_nobody', 'dri $VGEM; chown 65534:65534 $VGEM; chmod 0660 $VGEM', status='fail',
        summary='^forbidden: it belongs to nobody here',
        hint=f"^the host's own node, .*{ADD} renderD[0-9]+ unix-char path=/dev/dri/renderD"),
    Gpu('gpu_read_only_for_its_group', 'dri $VGEM; chown 0:44 $VGEM; chmod 0640 $VGEM',
        status='fail', summary=r'^forbidden by its mode to its group and others \(0:44 0640, ',
        hint=f'^its mode lets nobody but its owner write: .*{DEVICE} set stremio-machine DEVICE '
        'mode=0660 gid=1000'),
    Gpu('gpu_world_readable', 'dri $VGEM; chown 0:0 $VGEM; chmod 0664 $VGEM',
        status='fail', summary='^may be read only', hint='^its mode lets .* read only'),
    Gpu('gpu_null_device', 'dri; mknod -m 666 /dev/dri/renderD128 c 1 3', status='fail',
        summary='^is device 1:3, not one of major 226$', hint=WRONG_DEVICE),
    Gpu('gpu_sound_device', 'dri; cp -a /dev/snd/timer /dev/dri/renderD128', status='fail',
        summary=r'^is device 116:\d+, not one of major 226$', hint=WRONG_DEVICE),
    Gpu('gpu_primary_under_its_name', 'dri $CARD; mv $CARD /dev/dri/renderD128; '
        'chmod 666 /dev/dri/renderD128', status='fail', summary=r'^is no render node: minor \d+$',
        hint=WRONG_DEVICE),
    Gpu('gpu_block_device', 'dri; mknod -m 666 /dev/dri/renderD128 b 254 0', status='fail',
        summary='^is a block device', hint=NOT_A_DEVICE),
    Gpu('gpu_never_there', 'dri; mknod -m 666 /dev/dri/renderD190 c 226 190', status='fail',
        summary='^its GPU is gone: No such device$', hint=GONE),
    Gpu('gpu_module_unloaded', 'dri $VGEM; rmmod vgem', status='fail',
        summary='^its GPU is gone: No such device$', hint=GONE,
        after='modprobe vgem; udevadm settle'),
    Gpu('gpu_in_use_is_kept', 'dri $VGEM; exec 8<> $VGEM; if rmmod vgem 2> /dev/null; '
        'then exit 1; fi', status='ok', summary='^vgem '),
    Gpu('gpu_unplugged_while_in_use', 'dri $VIRTIO; exec 8<> $VIRTIO; '
        'ls /sys/bus/virtio/drivers/virtio_gpu | grep ^virtio > /run/unplugged; '
        'cat /run/unplugged > /sys/bus/virtio/drivers/virtio_gpu/unbind', status='fail',
        summary='^its GPU is gone: No such device$', hint=GONE,
        after='cat /run/unplugged > /sys/bus/virtio/drivers/virtio_gpu/bind; udevadm settle'),
    Gpu('gpu_read_only_mount', 'dri $VGEM; mount -o remount,bind,ro /dev/dri', status='ok',
        summary='^vgem '),
    Gpu('gpu_mounted_nodev', 'dri $VGEM; mount -o remount,bind,nodev /dev/dri', status='fail',
        summary='^lies on a file system mounted nodev', hint=f'^the file system .*nodev.*{ADD} '),
    Gpu('gpu_forbidden_by_cgroup', 'dri $VGEM', wrap=CGROUP, status='fail',
        summary='^the device cgroup does not let it be opened',
        hint=f'^the device cgroup forbids it: .*{ADD} renderD[0-9]+ unix-char'),
    Gpu('gpu_forbidden_by_apparmor', 'dri $VGEM', wrap=APPARMOR, status='fail',
        summary='^forbidden, though its mode allows it', hint=r'AppArmor .*dmesg \| grep DENIED'),
    Directory('gpu_directory_empty', 'dri', status='fail', summary='^is empty of GPUs$',
              hint='^a directory without GPU: .*' + NO_GPU),
    Directory('gpu_only_primary', 'dri $CARD', status='fail',
              summary='^has a primary node and no render node$',
              hint='^a primary node is no substitute: .*' + NO_GPU),
    Directory('gpu_no_directory', 'mkdir -p /run/d; mount -t tmpfs -o mode=755 none /run/d; '
              'cp -a /dev/null /dev/zero /dev/urandom /dev/random /run/d; '
              'mount --move /run/d /dev', status='fail',
              summary='^no GPU here: No such file or directory$',
              hint='^no GPU was given to this instance: .*' + NO_GPU),
    Directory('gpu_directory_closed', 'dri $VGEM; chmod 700 /dev/dri', status='fail',
              summary='^is closed to the application: Permission denied$',
              hint='^the application must be let into the directory: .*chmod 755 /dev/dri'),
    Gpu('gpu_symlink', 'dri; ln -s /dev/null /dev/dri/renderD128', status='fail',
        summary='^is a symbolic link', hint=NOT_A_DEVICE),
    Gpu('gpu_symlink_to_node', 'dri $VGEM; mv $VGEM /dev/dri/x; ln -s x /dev/dri/renderD128',
        status='fail', summary='^is a symbolic link', hint=NOT_A_DEVICE),
    Gpu('gpu_symlink_loop', 'dri; ln -s renderD128 /dev/dri/renderD128', status='fail',
        summary='^is a symbolic link', hint=NOT_A_DEVICE),
    Gpu('gpu_fifo', 'dri; mkfifo -m 666 /dev/dri/renderD128', status='fail',
        summary='^is a FIFO', hint=NOT_A_DEVICE),
    Gpu('gpu_regular_file', 'dri; echo > /dev/dri/renderD128', status='fail',
        summary='^is a regular file', hint=NOT_A_DEVICE),
    Gpu('gpu_directory_as_node', 'dri; mkdir /dev/dri/renderD128', status='fail',
        summary='^is a directory', hint=NOT_A_DEVICE),
    Gpu('gpu_one_of_two_forbidden', 'dri $VIRTIO $VGEM; chown 0:0 $VGEM; chmod 0600 $VGEM',
        status='ok', summary='^virtio_gpu '),
    Primary('gpu_primary_open', 'dri $CARD $VIRTIO; chmod 0666 $CARD', status='warn',
            summary='^virtio_gpu .*, usable: a client can become DRM master$',
            hint=f'DRM master, which rendering does not need: .*{DEVICE} remove stremio-machine'),
    Primary('gpu_primary_closed', 'dri $CARD $VIRTIO; chown 0:0 $CARD; chmod 0600 $CARD',
            status='ok', summary='^not usable, and not needed'),
    Primary('gpu_primary_masked', 'dri $VIRTIO; mknod -m 666 /dev/dri/card0 c 1 3', status='ok',
            summary='^no usable primary node, and none is needed$'),
    Primary('gpu_primary_absent', 'dri $VIRTIO', target='/dev/dri', status='ok',
            summary='^has no primary node, and none is needed$'),
]
