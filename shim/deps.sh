#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fetches and builds libcap-ng, which Debian packages for glibc only.
#
#   deps.sh musl    static library for the shim      -> $BUILD/deps/musl/{include,lib}
#   deps.sh host    the same source with the host cc -> $BUILD/deps/host/{include,lib}
#
# The source is the distribution's, pinned by version and SHA-256 (deps_common.sh).
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

library=libcap-ng suffix=gz variable=CAPNG_SRC given=${CAPNG_SRC:-}
# shellcheck source=deps_common.sh
. "$top/shim/deps_common.sh"

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
	rm -rf "${deps:?}/$kind"
	mkdir -p "$deps/$kind/include" "$deps/$kind/lib"
	unpack "$work" src/cap-ng.c
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
		"-Os -ffunction-sections -fdata-sections -fno-pie -fno-asynchronous-unwind-tables -isystem $deps/kernel" \
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
