# SPDX-License-Identifier: Apache-2.0
"""/dev/dri with real nodes of virtio-gpu and vgem behind it."""

from functools import partial

from situation import Situation

Gpu = partial(Situation, devices='gpu', check='gpu.render')

SITUATIONS = [
    Gpu('gpu_virtio', 'dri $VIRTIO', status='ok', summary=r'^virtio_gpu \d+\.\d+', hint=None,
        target=r'/dev/dri/renderD\d+'),
    Gpu('gpu_vgem', 'dri $VGEM', status='ok', summary=r'^vgem \d+\.\d+'),
    Gpu('gpu_second_of_two', 'dri $VIRTIO $VGEM', status='ok', summary='vgem'),
    Gpu('gpu_other_group', 'dri $VGEM; chown 0:4711 $VGEM; chmod 0660 $VGEM', status='ok',
        summary='vgem'),
    Gpu('gpu_mode_0600', 'dri $VGEM; chown 0:0 $VGEM; chmod 0600 $VGEM', status='fail',
        summary='(?i)permission denied', hint=r'incus config device|stremio-hook|chmod|gid='),
    Gpu('gpu_group_root', 'dri $VGEM; chown 0:0 $VGEM; chmod 0660 $VGEM', status='fail',
        summary='(?i)permission denied', hint=r'gid='),
    Gpu('gpu_group_unmapped', 'dri $VGEM; chown 65534:65534 $VGEM; chmod 0660 $VGEM',
        status='fail', summary='(?i)permission denied', hint=r'.'),
    Gpu('gpu_group_may_only_read', 'dri $VGEM; chown 0:44 $VGEM; chmod 0640 $VGEM',
        status='fail', summary='(?i)permission denied', hint=r'.'),
    Gpu('gpu_wrong_major', 'dri; mknod -m 666 /dev/dri/renderD128 c 1 3', status='fail',
        summary=r'226|not a (GPU|DRM|render)', hint='.'),
    Gpu('gpu_minor_of_primary', 'dri; mknod -m 666 /dev/dri/renderD128 c 226 0', status='fail',
        summary='(?i)minor|primary|not a render', hint='.'),
    Gpu('gpu_block_device', 'dri; mknod -m 666 /dev/dri/renderD128 b 254 0', status='fail',
        summary='(?i)not a (character )?device|block', hint='.'),
    Gpu('gpu_no_driver', 'dri; mknod -m 666 /dev/dri/renderD190 c 226 190', status='fail',
        summary=r'(?i)no such device|no device|ENXIO|ENODEV', hint='.'),
    Gpu('gpu_module_gone', 'dri $VGEM; rmmod vgem', status='fail',
        summary=r'(?i)no such device|no device', hint='.',
        after='modprobe vgem; udevadm settle'),
    Gpu('gpu_read_only_mount', 'dri $VGEM; mount -o bind,remount,ro /dev/dri || '
        'mount -o remount,ro /dev/dri', status='ok', summary='vgem'),
    Gpu('gpu_mount_nodev', 'dri $VGEM; mount -o remount,nodev /dev/dri', status='fail',
        summary='(?i)permission denied|nodev', hint='(?i)nodev'),
    Gpu('gpu_directory_empty', 'dri', status='fail', summary='(?i)no render node|empty',
        hint='incus config device add|stremio-hook', target=''),
    Gpu('gpu_only_primary', 'dri $CARD', status='fail', summary='(?i)no render node', hint='.'),
    Gpu('gpu_no_directory', 'mount -t tmpfs none /dev/dri; umount /dev/dri; mkdir -p /run/d; '
        'mount -t tmpfs none /run/d; cp -a /dev/null /dev/zero /dev/urandom /dev/random /run/d; '
        'mount --move /run/d /dev', status='fail', summary='(?i)no /dev/dri|no such|does not exist|no render node',
        hint='incus config device add|stremio-hook'),
    Gpu('gpu_symlink', 'dri; ln -s /dev/null /dev/dri/renderD128', status='fail',
        summary='(?i)symbolic link|symlink|not a (character )?device', hint='.'),
    Gpu('gpu_symlink_to_node', 'dri $VGEM; mv $VGEM /dev/dri/x; ln -s x $VGEM', status='fail',
        summary='(?i)symbolic link|symlink|not a (character )?device', hint='.'),
    Gpu('gpu_symlink_loop', 'dri; ln -s renderD128 /dev/dri/renderD128', status='fail',
        summary='(?i)symbolic link|symlink|not a (character )?device', hint='.'),
    Gpu('gpu_fifo', 'dri; mkfifo -m 666 /dev/dri/renderD128', status='fail',
        summary='(?i)fifo|not a (character )?device', hint='.'),
    Gpu('gpu_regular_file', 'dri; echo > /dev/dri/renderD128', status='fail',
        summary='(?i)(regular|plain) file|not a (character )?device', hint='.'),
    Gpu('gpu_directory_as_node', 'dri; mkdir /dev/dri/renderD128', status='fail',
        summary='(?i)directory|not a (character )?device', hint='.'),
    Gpu('gpu_one_of_two_bad', 'dri $VIRTIO $VGEM; chown 0:0 $VGEM; chmod 0600 $VGEM',
        status='ok', summary='virtio_gpu'),
    Gpu('gpu_primary_open', 'dri $CARD $VIRTIO; chmod 0666 $CARD', check='gpu.primary',
        status='warn', summary='(?i)master', hint='.', target='card'),
    Gpu('gpu_primary_closed', 'dri $CARD $VIRTIO; chown 0:0 $CARD; chmod 0600 $CARD',
        check='gpu.primary', status='ok', summary='.', target='card|/dev/dri'),
]
