#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The root file system of the stack tier: Debian with what Stremio is made of, a clip with a
# moving picture and a 440 Hz tone, and user stremio. The applications themselves are not in
# it: they are mounted at /opt/stack.
#
#   root.sh [DIR]    make it below DIR (default $BUILD/stack) unless it is there; prints FILE.
#
# FILE.squashfs and FILE.meta.tar make an Incus image as they are (hooks/lib/image.sh has
# image_import). The name holds a hash of this recipe and of every package's version.

set -eu
top=$(CDPATH='' cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$top/build}
mkdir -p "$BUILD"
BUILD=$(cd "$BUILD" && pwd)
export BUILD
# shellcheck source=hooks/lib/packages.sh
. "$top/hooks/lib/packages.sh"
# shellcheck source=hooks/lib/image.sh
. "$top/hooks/lib/image.sh"

# Qt WebEngine, libmpv and Node.js are Stremio 4; GTK 4, WebKitGTK and libmpv Stremio 5;
# Chromium stands in for the builds with CEF.
STACK_PACKAGES='xvfb mpv ffmpeg nodejs libgl1-mesa-dri libasound2-plugins fonts-dejavu-core
	qmlscene qml-module-qtwebengine qml-module-qtquick-window2
	python3-gi gir1.2-gtk-4.0 gir1.2-webkit-6.0 libmpv2 chromium'

# Run inside mmdebstrap's customize step with ROOT.
stack_files() {
	mkdir -p "$1/usr/share/stack" "$1/opt/stack" "$1/opt/stremio-shim"
	image_skeleton "$1" /usr/bin/node /opt/stack/app.js qt
	chroot "$1" ffmpeg -nostdin -v error \
		-f lavfi -i testsrc2=s=640x360:r=30 -f lavfi -i sine=440:r=48000 -t 10 \
		-c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac -movflags +faststart \
		/usr/share/stack/clip.mp4 >&2
	[ -s "$1/usr/share/stack/clip.mp4" ]
}

# usage: stack_debootstrap FILE: the tar file, packed by the caller.
stack_debootstrap() {
	# shellcheck disable=SC2086
	include=$(echo $STACK_PACKAGES | tr ' ' ',')
	log=$1.log
	{
		rc=0
		mmdebstrap --variant=essential --format=tar --include="$include" \
			--aptopt='APT::Install-Recommends "false"' \
			--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
			--dpkgopt='path-include=/usr/share/doc/*/copyright' \
			--dpkgopt='path-exclude=/usr/share/man/*' \
			--dpkgopt='path-exclude=/usr/share/info/*' \
			--dpkgopt='path-exclude=/usr/share/locale/*' \
			--customize-hook="sh '$top/tests/stack/root.sh' --files \"\$1\"" \
			"$(apt_codename)" "$1.tar" "$BUILD/apt/sources.list.d/private.sources" \
			2>&1 < /dev/null || rc=$?
		echo "$rc" > "$log.rc"
	} | tee "$log" | while read -r tag line; do
		case "$tag $line" in
		'I: downloading packages'*|'I: extracting archives'*|'I: installing '*|'I: creating tarball'*)
			image_say "${line%%...*}" ;;
		'I: running --customize-hook'*) image_say 'making the clip' ;;
		esac
	done
	[ "$(cat "$log.rc")" = 0 ] || {
		echo "stack: mmdebstrap: $(grep -m1 -E '^(E:|dpkg: error)' "$log" || tail -n 1 "$log") (see $log)" >&2
		rm -f "$1.tar"
		return 1
	}
	rm -f "$log.rc"
}

stack_root() {
	mkdir -p "$1"
	exec 9> "$1/lock"
	flock 9
	packages_install image >&2
	image_t0=$(date +%s)
	image_lists
	# shellcheck disable=SC2086
	closure=$(image_closure $STACK_PACKAGES)
	[ -n "$closure" ] || {
		echo "stack: apt: $(grep -m1 ^E: "$BUILD/apt/resolve.log") (see $BUILD/apt/resolve.log)" >&2
		return 1
	}
	file=$({ echo "$closure"; cat "$top/tests/stack/root.sh"; } | image_name "$1" root)
	if ! image_there "$file"; then
		image_say "making ${file##*/} from $(echo "$closure" | wc -l) packages"
		stack_debootstrap "$file"
		image_say 'packing'
		image_squash "$file" - -tar < "$file.tar"
		rm -f "$file.tar"
		image_meta "$file" "Debian with Stremio's components"
		image_say "done, $(($(stat -c %s "$file.squashfs") / 1048576)) MiB"
		# Older ones are of no use any more.
		find "$1" -maxdepth 1 -name 'root-*' ! -name "${file##*/}.*" -delete
	fi
	echo "$file"
}

case ${1:-} in
--files) stack_files "$2" ;;
*) stack_root "${1:-$BUILD/stack}" ;;
esac
