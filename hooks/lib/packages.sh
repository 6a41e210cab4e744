#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install what a task needs from the machine's own Debian mirror, only what is missing.
#
#   packages.sh SET...     see package_sets below; quiet when there is nothing to do
#   packages.sh --list SET...   print what would be installed, install nothing
#
# Incus is in no Debian 12 suite but -backports; the lists for that live below build/apt, so
# the system's own sources stay as they are (apt-sources.sh).

# Sourced: of who says where it is (top, the tree's).
lib=${lib:-${top:+$top/hooks/lib}}
lib=${lib:-$(CDPATH='' cd "$(dirname "$0")" && pwd)}
BUILD=${BUILD:-$(CDPATH='' cd "$lib/../.." && pwd)/build}
# shellcheck source=hooks/lib/apt-sources.sh
. "$lib/apt-sources.sh"

# The packages of one set, by name.
package_set() {
	case $1 in
	build) echo gcc make musl-tools libc6-dev linux-libc-dev libseccomp-dev libudev-dev pkgconf \
		dpkg-dev ca-certificates xz-utils bzip2 patch libx11-dev libxcb1-dev libxau-dev libxdmcp-dev ;;
	unit) echo libcmocka-dev libseccomp-dev libcap-ng-dev ;;
	container) echo python3 python3-jsonschema python3-prometheus-client strace util-linux \
		procps xvfb xauth pulseaudio pipewire weston ;;
	bench) echo python3 tini catatonit dumb-init bubblewrap firejail crun \
		golang-github-containers-common libseccomp-dev xvfb xauth x11-utils alsa-utils vainfo \
		pulseaudio ;;
	fuzz) echo clang libclang-rt-dev ;;
	lint) echo clang-format clang-tidy cppcheck shellcheck ;;
	incus) echo incus-base incus-client lxcfs iproute2 procps util-linux squashfs-tools ;;
	image) echo mmdebstrap squashfs-tools ca-certificates ;;
	oci) echo skopeo umoci jq squashfs-tools util-linux uidmap ;;
	recipes) echo runc crun podman tini curl ;;
	busybox) echo busybox-static squashfs-tools ;;
	machine) echo qemu-system-x86 mmdebstrap e2fsprogs squashfs-tools busybox-static ca-certificates \
		python3 util-linux xz-utils ;;
	machine-gl) echo qemu-system-gui libvirglrenderer1 libgl1-mesa-dri mmdebstrap squashfs-tools ;;
	session) echo xvfb xauth x11-utils xserver-xephyr xwayland dnsmasq-base nftables python3 \
		musl-tools strace pulseaudio pulseaudio-utils ;;
	run) echo xvfb xauth x11-utils x11-apps netpbm util-linux curl ;;
	*) echo "packages: $1: no such set (build unit container bench lint fuzz incus image oci recipes busybox machine machine-gl session run)" >&2
		return 64 ;;
	esac
}

have_incus() {
	command -v incus >/dev/null 2>&1 || return 1
	[ -x /usr/libexec/incus/incusd ] || [ -x /opt/incus/bin/incusd ] ||
		command -v incusd >/dev/null 2>&1
}

# Those of the given packages that are not installed, one a line.
packages_missing() {
	{
		# Of all in one call, which takes as long as that of one.
		# shellcheck disable=SC2016
		dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2> /dev/null | grep '^installed '
		for p in "$@"; do
			case $p in
			# Another packager's Incus will do: what counts is that the programs are there.
			incus-base|incus-client) ! have_incus || continue ;;
			esac
			echo "wanted $p"
		done
	} | awk '$1 == "installed" { there[$2] = 1 } $1 == "wanted" && !($2 in there) { print $2 }' | sort -u
}

# Show how far apt is: a line that is rewritten on a terminal, else one now and then.
apt_progress() {
	tty=0
	[ ! -t 1 ] || tty=1
	awk -v total="$1" -v tty="$tty" '
	/^Get:/ { if (tty) printf "\r\033[Kpackages: fetching %s", $5; next }
	/^(Unpacking|Setting up) / {
		n++
		sub(/:.*/, "", $2)
		if (tty)
			printf "\r\033[Kpackages: %3d%% %s", 100 * n / (2 * total),
				$1 == "Setting" ? $3 : $2
		else if (n % 40 == 0)
			printf "packages: %3d%%\n", 100 * n / (2 * total)
		fflush()
	}
	END { if (tty) printf "\r\033[K" }'
}

# packages_install SET... : 0 when all is there afterwards.
packages_install() {
	names=
	for set in "$@"; do
		more=$(package_set "$set") || return $?
		names="$names $more"
	done
	# shellcheck disable=SC2086
	missing=$(packages_missing $names | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "packages: no apt-get on this machine (install yourself: $missing)" >&2
		return 1
	fi
	if [ "$(id -u)" != 0 ]; then
		echo "packages: not root, cannot install: $missing(run as root, or: sudo apt-get install $missing)" >&2
		return 1
	fi
	start=$(date +%s)
	mkdir -p "$BUILD" || return 1
	conf=$BUILD/apt/apt.conf
	log=$BUILD/apt/install.log
	# A day old is new enough, unless a package is gone from the mirror by then.
	for try in 1 2; do
		if [ $try = 2 ] || [ -z "$(find "$conf" -mmin -1440 2>/dev/null)" ]; then
			echo 'packages: reading the package lists'
			apt_private_list "$BUILD/apt" deb backports || return 1
			apt_private_update "$BUILD/apt" || { rm -f "$conf"; return 1; }
		fi
		# shellcheck disable=SC2086
		if apt-get -c "$conf" -s --no-install-recommends install $missing > "$log" 2>&1; then
			total=$(grep -c '^Inst ' "$log")
			echo "packages: installing $total: $missing"
			# shellcheck disable=SC2086
			{
				rc=0
				LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -c "$conf" -y \
					--no-install-recommends install $missing 2>&1 || rc=$?
				echo "$rc" > "$log.rc"
			} < /dev/null | tee "$log" | apt_progress "$total"
			[ "$(cat "$log.rc")" != 0 ] || {
				echo "packages: done in $(($(date +%s) - start)) s"
				apt-get -c "$conf" clean
				return 0
			}
		fi
	done
	echo "packages: apt-get install: $(grep -m1 '^E:' "$log" || tail -n1 "$log") (see $log)" >&2
	return 1
}

if [ "${0##*/}" = packages.sh ]; then
	set -eu
	case ${1:-} in
	--list)
		shift
		for set in "$@"; do package_set "$set"; done | tr ' ' '\n' | sort -u ;;
	''|-*) echo 'usage: packages.sh [--list] SET...' >&2; exit 64 ;;
	*) packages_install "$@" ;;
	esac
fi
