#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The first thing of ours that the guest runs; the machine powers off when it ends.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root
udevadm settle --timeout=60
port=/dev/virtio-ports/results
[ -c "$port" ] || { echo "start: no $port"; ls -l /dev/virtio-ports /dev/vport*; exit 1; }
{
	if grep -q machine.gl=1 /proc/cmdline; then
		if grep -qx media_figures /tests/wanted; then
			python3 -B /tests/driver.py figures || echo "not ok figures: ended with $?"
		else
			sh /tests/media.sh
		fi
	else
		python3 -B /tests/driver.py || echo "not ok driver: ended with $?"
		sh /tests/incus.sh
		sh /tests/podman.sh
	fi
	echo '# end'
} > "$port"
