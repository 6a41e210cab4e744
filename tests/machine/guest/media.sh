#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Brings up what media.py looks at: Xorg on virtio-gpu, the guest's Incus, and an instance of the
# shipped profile with the stack tier's root file system, read-only, from a disk of its own. Prints
# the lines of a tier's runner.
# shellcheck source=tests/machine/guest/rig.sh
. /tests/rig.sh
# shellcheck source=hooks/lib/display.sh
. "$top/hooks/lib/display.sh"

test_media_prepared() {
	cp -R /tests/install/usr/local/. /usr/local/
	udevadm control --reload
	modprobe snd-aloop pcm_substreams=2
	udevadm settle
	display_server "$BUILD" Xorg -novtswitch vt7 -logfile "$BUILD/xorg.log" || exit 1
	grep -q 'glamor X acceleration enabled on virgl' "$BUILD/xorg.log" ||
		die "Xorg: $(grep -E 'glamor|EE' "$BUILD/xorg.log" | tail -n 3)"
	incus_ready busybox
	mount -t ext4 -o noatime /dev/vdc /mnt || die 'no disk with the root file system'
	mkdir /mnt/pool
	incus storage create stack dir source=/mnt/pool || die 'incus storage create'
	incus init busybox m2 --no-profiles --profile stremio --storage stack < /dev/null || die 'incus init'
	# In the place of the image's: as Incus would have unpacked it.
	rm -rf --one-file-system /mnt/pool/containers/m2/rootfs
	mv /mnt/root /mnt/pool/containers/m2/rootfs || exit 1
	# A mount point that a read-only root must bring along.
	incus file create -q -p --type=directory m2/tmp/.X11-unix || die 'incus file create'
	DISPLAY=:$(cat "$BUILD/number") XAUTHORITY=$BUILD/cookie \
		/usr/local/bin/stremio-incus attach m2 --sound=none || die 'stremio-incus attach'
	incus config device set m2 root readonly=true || die 'incus config device set'
}

try media_prepared
python3 -B /tests/media.py ":$(cat "$BUILD/number")" || echo "not ok media: ended with $?"
