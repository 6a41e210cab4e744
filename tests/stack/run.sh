#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The stack tier: applications made of Stremio's components under the shim as PID 1.
#
#   tests/stack/run.sh [NAME-PART]...     (run.py tells more)
#
# The first run makes a Debian root file system below $BUILD/stack (a minute or two).

set -eu
top=$(CDPATH='' cd "$(dirname "$0")/../.." && pwd)
cd "$top"
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
SHIM=${SHIM:-$BUILD/stremio-shim}
export BUILD SHIM
# shellcheck source=hooks/lib/packages.sh
. "$top/hooks/lib/packages.sh"
# shellcheck source=hooks/lib/incusd.sh
. "$top/hooks/lib/incusd.sh"
# shellcheck source=hooks/lib/image.sh
. "$top/hooks/lib/image.sh"
# shellcheck source=tests/stack/rig.sh
. "$top/tests/stack/rig.sh"

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
if [ "$(python3 tests/stack/run.py --wants-incus "$@")" = yes ]; then
	trap stack_rig_down EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	why=$BUILD/stack/rig.log
	stack_rig_up "$root" 2> "$why" || {
		STACK_NO_INCUS=$(tail -n 1 "$why")
		export STACK_NO_INCUS
	}
fi
status=0
python3 tests/stack/run.py "$root.squashfs" "$@" || status=$?
exit $status
