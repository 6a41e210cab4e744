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

# What the archives and the root take, of memory or of the disk.
STACK_SPACE=$((4 << 20))

stack_files() {
	mkdir -p "$1/usr/share/stack" "$1/opt/stack" "$1/opt/stremio-shim"
	image_skeleton "$1" /usr/bin/node /opt/stack/app.js qt
	chroot "$1" ffmpeg -nostdin -v error \
		-f lavfi -i testsrc2=s=640x360:r=30 -f lavfi -i sine=440:r=48000 -t 10 \
		-c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac -movflags +faststart \
		/usr/share/stack/clip.mp4 >&2
	[ -s "$1/usr/share/stack/clip.mp4" ]
}

# usage: stack_in ROOT PROGRAM [ARG]...
stack_in() {
	in=$1
	shift
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		DEBCONF_NONINTERACTIVE_SEEN=true chroot "$in" "$@"
}

# The scripts of the packages: what dpkg does when all is unpacked, after what it does before.
# The essential ones first; the others count on them without saying so.
# usage: stack_configure ROOT
stack_configure() {
	mkdir -p "$1/dev" "$1/proc"
	for node in null zero full random urandom tty; do
		: > "$1/dev/$node"
		mount --bind "/dev/$node" "$1/dev/$node"
	done
	ln -s /proc/self/fd "$1/dev/fd"
	mount -t proc proc "$1/proc"
	# Nobody starts a daemon in here.
	printf '#!/bin/sh\nexit 101\n' > "$1/usr/sbin/policy-rc.d"
	chmod 755 "$1/usr/sbin/policy-rc.d"
	for script in "$1"/var/lib/dpkg/info/*.preinst; do
		package=${script##*/}
		package=${package%.preinst}
		stack_in "$1" env DPKG_ROOT= DPKG_MAINTSCRIPT_NAME=preinst \
			DPKG_MAINTSCRIPT_PACKAGE="${package%%:*}" \
			DPKG_MAINTSCRIPT_ARCH="$(dpkg --print-architecture)" \
			"/var/lib/dpkg/info/${script##*/}" install || {
			echo "E: the preinst script of $package failed"
			return 1
		}
	done
	# shellcheck disable=SC2046
	stack_in "$1" dpkg --configure --force-unsafe-io $(image_closure | cut -d' ' -f1) &&
		stack_in "$1" dpkg --configure --force-unsafe-io -a || return 1
	rm "$1/usr/sbin/policy-rc.d"
	umount "$1/proc"
	for node in null zero full random urandom tty; do
		umount "$1/dev/$node"
		rm "$1/dev/$node"
	done
}

# The root, in namespaces of its own (mounts, processes), and packed. usage: stack_make FILE
stack_make() {
	umask 022
	mkdir -p "$1.work"
	# In memory when there is twice the room: nothing of it has to outlive this.
	if [ "$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)" -ge $((2 * STACK_SPACE)) ]; then
		mount -t tmpfs -o "mode=755,size=${STACK_SPACE}k" stack "$1.work"
	fi
	root=$1.work/root archives=$1.work/archives
	mkdir -p "$root" "$archives/partial"
	image_say 'fetching and unpacking'
	# shellcheck disable=SC2086
	python3 "$top/tests/stack/unpack.py" "$root" "$archives" \
		apt-get -c "$BUILD/apt/apt.conf" -o Dir::State::status=/dev/null \
		-o Dir::Cache::pkgcache=empty-pkgcache.bin -o Dir::Cache::archives="$archives" \
		-y --no-install-recommends --download-only install '?essential' $STACK_PACKAGES || return 1
	image_say 'configuring'
	stack_configure "$root" || return 1
	image_say 'making the clip'
	stack_files "$root" || return 1
	image_say 'packing'
	image_squash "$1" "$root"
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
	file=$({ echo "$closure"; cat "$top/tests/stack/root.sh" "$top/tests/stack/unpack.py"; } |
		image_name "$1" root)
	if ! image_there "$file"; then
		image_say "making ${file##*/} from $(echo "$closure" | wc -l) packages"
		status=0
		unshare --mount --pid --fork sh "$top/tests/stack/root.sh" --make "$file" "$image_t0" \
			3>&2 > "$file.log" 2>&1 9>&- || status=$?
		rm -rf "$file.work"
		[ $status = 0 ] || {
			echo "stack: $(grep -m1 -E '^(E:|dpkg: error|image:|[A-Za-z]*Error)' "$file.log" ||
				tail -n 1 "$file.log") (see $file.log)" >&2
			return 1
		}
		image_meta "$file" "Debian with Stremio's components"
		image_say "done, $(($(stat -c %s "$file.squashfs") / 1048576)) MiB"
		# Older ones are of no use any more.
		find "$1" -maxdepth 1 -name 'root-*' ! -name "${file##*/}.*" -delete
	fi
	echo "$file"
}

case ${1:-} in
--make)
	image_t0=$3
	# The log has everything, the caller's standard error what image_say tells.
	image_say() {
		line=$(printf 'image: [%3d s] %s' $(($(date +%s) - image_t0)) "$*")
		echo "$line"
		echo "$line" >&3
	}
	stack_make "$2" ;;
*) stack_root "${1:-$BUILD/stack}" ;;
esac
