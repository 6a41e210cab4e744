#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The tests in a Debian system that has nothing but what its release calls required: whether the
# project's own scripts install what they need, or only this machine happened to have it. As root.
#
#   tests/fresh_root.sh [TIER]...
#
# With tiers, `make packages` and those; without, .ci/run as it is. A clone of what is committed
# is tested, in namespaces of its own (mounts, processes), and nothing is left of it. The network
# and the control groups are the machine's. It ends with the status of the run.

set -eu
top=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$top/build}
mkdir -p "$BUILD"
BUILD=$(cd "$BUILD" && pwd)
# shellcheck source=hooks/lib/packages.sh
. "$top/hooks/lib/packages.sh"

fail() {
	echo "fresh_root: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || fail 'needs root (it makes a Debian system)'
command -v git > /dev/null || fail 'needs git (apt-get install git)'
packages_install image
[ -z "$(git -C "$top" status --porcelain)" ] || echo 'fresh_root: what is not committed is not tested'

work=$(mktemp -d "$BUILD/fresh.XXXXXX")
inside=
# The first process of its namespaces takes all the others and the mounts with it.
# shellcheck disable=SC2317
end() {
	[ -z "$inside" ] || kill -KILL "$inside" 2> /dev/null || :
	wait
	rm -rf --one-file-system "$work"
}
trap end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
umask 022
chmod 755 "$work"
apt_private_list "$work/apt" deb
git clone -q "$top" "$work/tree"

# pivot_root, not chroot: the kernel refuses a user namespace to who is in a chroot, and no
# container starts without. In the background, because a shell heeds no signal while it waits
# for a program before it.
# shellcheck disable=SC2016
unshare --mount --pid --fork --kill-child --mount-proc sh -euc '
	mmdebstrap --quiet --variant=minbase --include=ca-certificates "$2" "$1/root" \
		"$1/apt/sources.list.d/private.sources"
	cd "$1/root"
	mv "$1/tree" tree
	cp /etc/resolv.conf /etc/hosts etc/
	# mmdebstrap leaves the mode of its target as it finds it.
	chmod 755 .
	mount --bind . .
	cd "$1/root"
	for d in dev sys; do mount --rbind "/$d" "$d"; done
	mount -t proc proc proc
	mount -t tmpfs -o mode=755 run run
	mkdir old
	pivot_root . old
	cd /
	umount -l old
	rmdir old
	shift 2
	exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		TIERS="$*" sh -euc "
		cd /tree
		[ -n \"\$TIERS\" ] || exec .ci/run
		export CI=true DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
		apt-get -qq update
		apt-get -qq -y --no-install-recommends install make
		make packages
		sh tests/run.sh \$TIERS"' fresh "$work" "$(apt_codename)" "$@" < /dev/null &
inside=$!
status=0
wait "$inside" || status=$?
inside=
exit "$status"
