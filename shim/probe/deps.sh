#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fetches and builds alsa-lib as a static library for stremio-probe, with what it needs of it:
# controls and the hw PCM. Debian packages the shared one only.
#
#   deps.sh         -> $BUILD/deps/alsa/{include,lib}
#
# The source is the distribution's, pinned by version and SHA-256 (../deps_common.sh).
#
#   BUILD=DIR       build products (default: build)
#   ALSA_SRC=FILE   an alsa-lib tarball to use instead of fetching one (offline, other systems,
#                   or an alsa-lib of your own: see "Licences" in CONTRIBUTING.md)
#   HOST_CC, MAKE   tools (default: gcc, make)

set -eu

version=1.2.8
sha256=1ab01b74e33425ca99c2e36c0844fd6888273193bd898240fe8f93accbcbf347

top=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-build}
mkdir -p "$BUILD/deps"
deps=$(cd "$BUILD/deps" && pwd)
make=${MAKE:-make}

library=alsa-lib suffix=bz2 variable=ALSA_SRC given=${ALSA_SRC:-}
# shellcheck source=../deps_common.sh
. "$top/shim/deps_common.sh"

# No assert: what a driver says must not end the probe. 256 is the kernel's largest
# CONFIG_SND_MAX_CARDS. The probe opens no file of configuration, so where alsa-lib would look
# for it does not matter, but must not name the place of the build.
build() {
	work=$deps/alsa.work
	log=$deps/alsa.log
	rm -rf "${deps:?}/alsa"
	mkdir -p "$deps/alsa/include" "$deps/alsa/lib"
	unpack "$work" src/pcm/pcm_hw.c
	echo "deps: building alsa-lib" >&2
	(
		cd "$work"
		./configure --quiet --prefix=/usr --sysconfdir=/etc --localstatedir=/var \
			--disable-shared --enable-static --disable-mixer --disable-rawmidi \
			--disable-hwdep --disable-seq --disable-ucm --disable-topology \
			--disable-aload --disable-python --disable-alisp --without-debug \
			--without-versioned --without-libdl --with-pcm-plugins=no \
			--with-ctl-plugins=no --with-max-cards=256 CC="$1" \
			CFLAGS="$2 -ffile-prefix-map=$work=alsa-lib" &&
		$make -C include && $make -C src &&
		$make -C include install DESTDIR="$work/dest"
	) > "$log" 2>&1 || fail build "alsa-lib did not build (see $log)"
	cp "$work/src/.libs/libasound.a" "$deps/alsa/lib/"
	cp -R "$work/dest/usr/include/alsa" "$deps/alsa/include/"
	# What the licence asks to go along with the binary: text, notices and this very source.
	mkdir "$deps/alsa/source"
	cp "$work/COPYING" "$deps/alsa/"
	cp "$tarball" "$deps/alsa/source/"
	rm -rf "$work"
}

need sha256sum coreutils
need tar tar
need bzip2 bzip2
unset MAKEFLAGS MFLAGS MAKELEVEL
need "$make" make
need "${HOST_CC:-gcc}" gcc
find_source
build "${HOST_CC:-gcc}" "-O2 -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong"
