# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What the tests in the guest's Incus have in common. For sourcing.
set -u
top=/tests
BUILD=/run/build
SHARE=/usr/local/share/stremio-shim
export BUILD
mkdir -p "$BUILD"
# shellcheck source=hooks/lib/incusd.sh
. "$top/hooks/lib/incusd.sh"
# shellcheck source=hooks/lib/image.sh
. "$top/hooks/lib/image.sh"

die() {
	echo "$*"
	exit 1
}

# try NAME: run test_NAME in a subshell and say how it came out. They build upon each other:
# all of them run, or none.
try() {
	before=$(cut -d. -f1 /proc/uptime)
	if ("test_$1") > "$BUILD/out" 2>&1; then
		echo "ok $1"
	else
		echo "not ok $1: $(tail -n 5 "$BUILD/out" | tr '\n' '|' | cut -c1-600)"
	fi
	echo "incus: $1: $(($(cut -d. -f1 /proc/uptime) - before)) s" >&2
}

# until_true SECONDS COMMAND...
until_true() {
	tries=$(($1 * 4))
	shift
	while [ $tries -gt 0 ]; do
		if "$@" > /dev/null 2>&1; then
			return 0
		fi
		sleep 0.25
		tries=$((tries - 1))
	done
	return 1
}

pid_of() {
	incus query "/1.0/instances/$1/state" | sed -n 's/^\t"pid": \([0-9]*\),*$/\1/p'
}

# The machine's own daemon, with an image of the second disk and the profile as it is shipped.
# usage: incus_ready IMAGE
incus_ready() {
	systemctl start lxcfs.service incus.service || die "systemctl: $(journalctl -n 5 -u incus)"
	incus_use "$BUILD/private" || die 'no Incus'
	[ "$INCUS_PRIVATE" = 0 ] || die "not the machine's own"
	image_import "/tests/$1" "$1" || die 'no image'
	incus profile create stremio < "$SHARE/incus-profile.yaml"
}
