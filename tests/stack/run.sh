#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The stack tier: applications made of Stremio's components under the shim as PID 1.
#
#   tests/stack/run.sh [NAME-PART]...     (run.py tells more)
#
# The first run makes a Debian root file system below $BUILD/stack (two to three minutes).

set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
SHIM=${SHIM:-$BUILD/stremio-shim}
export BUILD SHIM

absent() {
	kind=skip
	counts='0 0 1'
	if [ -n "${CI:-}" ]; then
		kind='not ok'
		counts='0 1 0'
	fi
	echo "$kind stack: $1"
	echo "# passed failed skipped: $counts"
	[ "$kind" = skip ]
	exit
}

[ "$(id -u)" = 0 ] || absent 'needs root (namespaces with several uids)'
command -v python3 > /dev/null || absent 'needs python3 (apt-get install python3)'
command -v apt-get > /dev/null || absent 'needs apt-get (its root is made of Debian packages)'
unshare -mpinuf true 2> /dev/null || absent 'this machine does not let root make namespaces'
grep -q squashfs /proc/filesystems || modprobe squashfs 2> /dev/null ||
	absent 'this kernel has no squashfs'
root=$(sh tests/stack/root.sh) || absent 'no root file system (see above)'
exec python3 tests/stack/run.py "$root.squashfs" "$@"
