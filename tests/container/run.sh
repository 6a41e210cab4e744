#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The container tier: tests/container/run.sh [NAME-PART]... (run.py tells more)

set -eu
cd "$(dirname "$0")/../.."
tier=${TIER:-container}

absent() {
	kind=skip
	counts='0 0 1'
	if [ -n "${CI:-}" ]; then
		kind='not ok'
		counts='0 1 0'
	fi
	echo "$kind $tier: $1"
	echo "# passed failed skipped: $counts"
	[ "$kind" = skip ]
	exit
}

command -v python3 > /dev/null || absent 'needs python3 (apt-get install python3)'
[ "$(id -u)" = 0 ] || absent 'needs root (namespaces with several uids)'
unshare -mpinuf true 2> /dev/null || absent 'this machine does not let root make namespaces'
# The distribution's own, where there are several: it finds the distribution's modules.
[ ! -x /usr/bin/python3 ] || exec /usr/bin/python3 tests/container/run.py "$@"
exec python3 tests/container/run.py "$@"
