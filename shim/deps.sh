#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fetches and builds libcap-ng, which Debian packages for glibc only.
#
#   deps.sh musl    static library for the shim      -> $BUILD/deps/musl/{include,lib}
#   deps.sh host    the same source with the host cc -> $BUILD/deps/host/{include,lib}
#
# The source is the distribution's, pinned by version and SHA-256, fetched with apt-get through
# a package list of its own: no root, nothing below /etc or /var/lib changes.
#
#   BUILD=DIR       build products (default: build)
#   CAPNG_SRC=FILE  a libcap-ng tarball to use instead of fetching one (offline, other systems,
#                   or a libcap-ng of your own: see "Licence of the binary" in CONTRIBUTING.md)
#   MUSL_CC, HOST_CC, MAKE  tools (default: musl-gcc, gcc, make)

set -eu

version=0.8.3
sha256=bed6f6848e22bb2f83b5f764b2aef0ed393054e803a8e3a8711cb2a39e6b492d

top=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-build}
mkdir -p "$BUILD/deps"
deps=$(cd "$BUILD/deps" && pwd)
kind=${1:-musl}
make=${MAKE:-make}

# fail STEP MESSAGE
fail() {
	printf 'deps: %s: %s\n' "$1" "$2" >&2
	exit 1
}

# need PROGRAM PACKAGE
need() {
	command -v "$1" >/dev/null 2>&1 ||
		fail tools "$1 not found (apt-get install $2)"
}

checksum() {
	sha256sum < "$1" | cut -d' ' -f1
}

# Leaves the tarball's name in $tarball.
find_source() {
	tarball=$deps/libcap-ng_$version.orig.tar.gz
	if [ -n "${CAPNG_SRC:-}" ]; then
		[ -r "$CAPNG_SRC" ] || fail fetch "CAPNG_SRC=$CAPNG_SRC: cannot be read"
		tarball=$CAPNG_SRC
		if [ "$(checksum "$tarball")" = "$sha256" ]; then
			return 0
		fi
		case ${tarball##*/} in
		*$version.*)
			fail checksum "$tarball: not libcap-ng $version as released (SHA-256 is not $sha256; name a changed one differently to build with it)" ;;
		esac
		echo "deps: using $tarball, which is not the pinned libcap-ng $version: checksum not checked" >&2
		return 0
	fi
	if [ -f "$tarball" ] && [ "$(checksum "$tarball")" = "$sha256" ]; then
		return 0
	fi
	rm -f "$tarball"
	fetch
	[ -f "$tarball" ] ||
		fail fetch "the distribution has another libcap-ng than $version (give the source with CAPNG_SRC=FILE)"
	[ "$(checksum "$tarball")" = "$sha256" ] || {
		mv "$tarball" "$tarball.bad"
		fail checksum "$tarball.bad: SHA-256 is not $sha256 (fetch again, or give the source with CAPNG_SRC=FILE)"
	}
}

fetch() {
	command -v apt-get >/dev/null 2>&1 ||
		fail fetch "no apt-get here (give libcap-ng-$version's source with CAPNG_SRC=FILE)"
	# shellcheck source=../hooks/lib/apt-sources.sh
	. "$top/hooks/lib/apt-sources.sh"
	apt_private_list "$deps/apt" deb-src || exit 1
	echo "deps: fetching the source of libcap-ng $version" >&2
	apt_private_update "$deps/apt" || exit 1
	# As root apt may hand the download to _apt, which cannot write here: let it fetch as us.
	(cd "$deps" && apt-get -c "$deps/apt/apt.conf" -o APT::Sandbox::User=root -qq \
		source --download-only libcap-ng) > "$deps/fetch.log" 2>&1 ||
		fail fetch "apt-get source libcap-ng: $(grep -m1 '^E:' "$deps/fetch.log" || echo failed) (network? else give the source with CAPNG_SRC=FILE)"
	rm -rf "$deps/apt" "$deps"/libcap-ng_*.dsc "$deps"/libcap-ng_*.debian.tar.* "$deps/fetch.log"
}

# musl has no kernel headers of its own and must not see glibc's: a directory of links.
kernel_headers() {
	arch=$(gcc -print-multiarch 2>/dev/null || :)
	asm=/usr/include/$arch/asm
	[ -d "$asm" ] || asm=/usr/include/asm
	for d in /usr/include/linux /usr/include/asm-generic "$asm"; do
		[ -d "$d" ] || fail headers "$d is missing (apt-get install linux-libc-dev)"
	done
	mkdir -p "$deps/kernel"
	ln -sfn /usr/include/linux "$deps/kernel/linux"
	ln -sfn /usr/include/asm-generic "$deps/kernel/asm-generic"
	ln -sfn "$asm" "$deps/kernel/asm"
}

# build CC CFLAGS LDFLAGS: unpack, configure, install the archive, its header and its licence.
build() {
	work=$deps/$kind.work
	rm -rf "$work" "${deps:?}/$kind"
	mkdir -p "$work" "$deps/$kind/include" "$deps/$kind/lib"
	tar -xf "$tarball" --strip-components=1 -C "$work" ||
		fail unpack "$tarball: tar failed (is it a libcap-ng tarball?)"
	[ -f "$work/src/cap-ng.c" ] ||
		fail unpack "$tarball: holds no src/cap-ng.c (is it a libcap-ng tarball?)"
	log=$deps/$kind.log
	echo "deps: building libcap-ng ($kind)" >&2
	# pthread.h serves only an atfork handler that would make the launched child read its
	# state from /proc again; the shim has one thread and passes its state on.
	(
		cd "$work"
		ac_cv_header_pthread_h=no ./configure --disable-shared --enable-static \
			--without-python --without-python3 CC="$1" LDFLAGS="$3" \
			CFLAGS="$2 -ffile-prefix-map=$work=libcap-ng" &&
		$make -C src libcap-ng.la
	) > "$log" 2>&1 || fail build "libcap-ng ($kind) did not build (see $log)"
	cp "$work/src/.libs/libcap-ng.a" "$deps/$kind/lib/"
	cp "$work/src/cap-ng.h" "$deps/$kind/include/"
	# What the licence asks to go along with the binary: text, notices and this very source.
	mkdir -p "$deps/$kind/source"
	cp "$work/COPYING.LIB" "$deps/$kind/"
	cp "$tarball" "$deps/$kind/source/"
	[ "$kind" != musl ] || [ ! -f /usr/share/doc/musl-dev/copyright ] ||
		cp /usr/share/doc/musl-dev/copyright "$deps/$kind/musl.copyright"
	rm -rf "$work"
}

need sha256sum coreutils
need tar tar
unset MAKEFLAGS MFLAGS MAKELEVEL
need "$make" make
case $kind in
musl)
	need "${MUSL_CC:-musl-gcc}" musl-tools
	find_source
	kernel_headers
	build "${MUSL_CC:-musl-gcc}" \
		"-Os -ffunction-sections -fdata-sections -fno-pie -isystem $deps/kernel" \
		"-static -no-pie"
	;;
host)
	need "${HOST_CC:-gcc}" gcc
	find_source
	build "${HOST_CC:-gcc}" "-O1 -g" ""
	;;
*)
	echo 'usage: deps.sh musl|host' >&2
	exit 64
	;;
esac
