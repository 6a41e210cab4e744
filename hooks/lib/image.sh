#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Incus images made from the machine's own Debian packages. Each function prints the base name
# FILE of an image on its last line; FILE.meta.tar and FILE.squashfs make the image.
#
#   image_media DIR            Debian, mpv, a clip with a moving picture and a 440 Hz tone
#   image_package DIR PACKAGE  Debian and the application PACKAGE, a .deb file or a name, which
#                              brings /usr/bin/stremio, /opt/stremio/stremio or /usr/bin/NAME
#   image_busybox DIR          BusyBox only, for tests: starts in a fraction of a second
#   image_import FILE ALIAS    give it to Incus unless it has it already
#
# The name holds a hash of this recipe, of the name and version of every package that goes in
# (as apt resolves them for an empty system), of a .deb file and of the program IMAGE_SHIM: what has
# not changed is made once. IMAGE_SHIM, where set, goes into the image as /opt/stremio-shim's shim;
# otherwise only a profile brings one. With IMAGE_SYSTEM=1 systemd is there and stays the init.
# Needs packages.sh image (or busybox) and, for a private list of packages, apt-sources.sh.

# Sourced: of who says where it is (top, the tree's).
lib=${lib:-${top:+$top/hooks/lib}}
lib=${lib:-$(CDPATH='' cd "$(dirname "$0")" && pwd)}
BUILD=${BUILD:-$(CDPATH='' cd "$lib/../.." && pwd)/build}
# shellcheck source=hooks/lib/apt-sources.sh
. "$lib/apt-sources.sh"

image_say() {
	[ "${quiet:-0}" = 1 ] || printf 'image: [%3d s] %s\n' $(($(date +%s) - image_t0)) "$*" >&2
}

# The same without the time.
image_tell() {
	[ "${quiet:-0}" = 1 ] || echo "image: $*" >&2
}

# Every package of an empty system with these in it, with its version, one a line. Kept for
# as long as the lists are the same: apt takes some seconds.
image_closure() {
	key=$({ echo "$*"; ls -l "$BUILD/apt/lists" "$@" 2>/dev/null; } | sha256sum | cut -c1-16)
	if [ ! -s "$BUILD/apt/closure-$key" ]; then
		image_resolve "$@" > "$BUILD/apt/closure.new"
		[ -s "$BUILD/apt/closure.new" ] || return 0
		mv "$BUILD/apt/closure.new" "$BUILD/apt/closure-$key"
	fi
	cat "$BUILD/apt/closure-$key"
}

image_resolve() {
	# A cache file of its own, or it and the one of the real system rebuild each other (3 s).
	apt-get -c "$BUILD/apt/apt.conf" -o Dir::State::status=/dev/null \
		-o Dir::Cache::pkgcache=empty-pkgcache.bin \
		-s --no-install-recommends install '?essential' "$@" 2> "$BUILD/apt/resolve.log" |
		sed -n 's/^Inst \([^ ]*\) (\([^ ]*\).*/\1 \2/p' | sort
}

image_lists() {
	[ -z "$(find "$BUILD/apt/apt.conf" -mmin -1440 2>/dev/null)" ] || return 0
	image_say 'reading the package lists'
	# The date of this file is that of the lists.
	{ apt_private_list "$BUILD/apt" deb backports && apt_private_update "$BUILD/apt"; } || {
		rm -f "$BUILD/apt/apt.conf"
		return 1
	}
}

# metadata.yaml is all Incus needs beside the root file system.
# usage: image_meta FILE DESCRIPTION
image_meta() {
	m=$(mktemp -d) || return 1
	cat > "$m/metadata.yaml" <<-END
	architecture: $(uname -m)
	creation_date: $(date +%s)
	properties:
	  description: "$2"
	  os: stremio
	END
	tar -C "$m" --owner=0 --group=0 -cf "$1.meta.tar.new" metadata.yaml && rm -rf "$m" &&
		mv "$1.meta.tar.new" "$1.meta.tar"
}

# The fastest compressor on the way to a first start: 1 s for 550 MB where gzip takes 36.
# A tar file's own top does not count there: without a mode, anybody could write to /.
# usage: image_squash FILE ROOT [OPTION]... (ROOT - with -tar: a tar file on standard input)
image_squash() {
	sq=$1.squashfs from=$2
	shift 2
	mksquashfs "$from" "$sq.new" -noappend -quiet -no-progress \
		-comp zstd -Xcompression-level 1 -root-mode 755 "$@" > "$sq.log" 2>&1 || {
		echo "image: mksquashfs: $(tail -n 1 "$sq.log")" >&2
		return 1
	}
	rm -f "$sq.log"
	mv "$sq.new" "$sq"
}

# The user and the files every image of ours has. usage: image_skeleton ROOT COMMAND [ARG]...
image_skeleton() {
	skel=$1
	shift
	mkdir -p "$skel/etc" "$skel/sbin" "$skel/home/stremio" "$skel/opt" "$skel/run" "$skel/tmp"
	# mmdebstrap copies this machine's. Its name server is often its own loopback's, which in an instance
	# answers nobody; the name is the instance's.
	rm -f "$skel/etc/resolv.conf" "$skel/etc/hostname"
	grep -q ^stremio: "$skel/etc/passwd" 2>/dev/null || {
		echo 'stremio:x:1000:1000:Stremio:/home/stremio:/bin/sh' >> "$skel/etc/passwd"
		echo 'stremio:x:1000:' >> "$skel/etc/group"
	}
	chown 1000:1000 "$skel/home/stremio"
	chmod 700 "$skel/home/stremio"
	chmod 1777 "$skel/tmp"
	# Where the profile is not used the shim may still be the init.
	if [ -n "${IMAGE_SHIM:-}" ]; then
		install -D -m 755 "$IMAGE_SHIM" "$skel/opt/stremio-shim/stremio-shim" || return 1
		if [ -e "${IMAGE_SHIM%/*}/stremio-probe" ]; then
			install -m 755 "${IMAGE_SHIM%/*}/stremio-probe" "$skel/opt/stremio-shim/"
		fi
	fi
	[ -n "${IMAGE_SYSTEM:-}" ] || ln -sf /opt/stremio-shim/stremio-shim "$skel/sbin/init"
	printf '%s\n' -- "$@" > "$skel/etc/stremio-shim.args"
}

# Documentation and translations are a third of the files and of the time. Told to dpkg here:
# of mmdebstrap's own options it makes a filter for tar, which takes longer than what it leaves out.
# Run inside mmdebstrap's setup step with ROOT, and again when the essential packages are extracted.
image_without_documentation() {
	mkdir -p "$1/etc/dpkg/dpkg.cfg.d"
	printf '%s\n' 'path-exclude=/usr/share/doc/*' 'path-include=/usr/share/doc/*/copyright' \
		'path-exclude=/usr/share/man/*' 'path-exclude=/usr/share/info/*' \
		'path-exclude=/usr/share/locale/*' > "$1/etc/dpkg/dpkg.cfg.d/without-documentation"
	# dpkg brings the copyrights again.
	rm -rf "$1/usr/share/doc" "$1/usr/share/man" "$1/usr/share/info" "$1/usr/share/locale"
}

# Run inside mmdebstrap's customize step with ROOT: the player's part.
image_player_files() {
	mkdir -p "$1/usr/share/stremio-demo"
	# Not --vo=x11: that shows nothing where the X server cannot attach its shared memory, as
	# here, in another IPC namespace. SDL notices, and does without.
	image_skeleton "$1" /usr/bin/mpv --no-config --vo=sdl --ao=pulse,sdl --audio-format=s16 \
		--audio-samplerate=48000 --audio-channels=mono --loop-file=180 \
		--title='stremio-shim' --geometry=+0+0 --no-osc \
		--term-status-msg= --script=/usr/share/stremio-demo/status.lua \
		/usr/share/stremio-demo/clip.mkv
	# An hour at most: where the sound goes to a file (run.sh), that file has an end.
	# The player itself reads what the kernel says of it and writes it into the picture.
	cat > "$1/usr/share/stremio-demo/status.lua" <<-'END'
	local status = {}
	for line in io.lines("/proc/self/status") do
		local key, value = line:match("^(%w+):%s*(.-)%s*$")
		if key then status[key] = value end
	end
	local function first(key) return (status[key] or "?"):match("^%S*") end
	local groups = status.Groups ~= "" and status.Groups or "none"
	local filter = { ["0"] = "off", ["2"] = "filter" }
	local overlay = mp.create_osd_overlay("ass-events")
	overlay.res_x, overlay.res_y = 640, 360
	overlay.data = "{\\an7\\pos(0,298)\\bord0\\shad0\\1c&H000000&\\1a&H40&\\p1}" ..
		"m 0 0 l 640 0 640 62 0 62{\\p0}\n{\\an1\\fs15\\bord0\\1c&HFFFFFF&\\4c&H000000&\\shad1.2\\b1}" ..
		"The kernel on this player  (/proc/self/status)\\N{\\b0}" ..
		"uid " .. first("Uid") .. "   gid " .. first("Gid") .. "   groups " .. groups ..
		"   no_new_privs " .. first("NoNewPrivs") ..
		"   seccomp " .. (filter[first("Seccomp")] or first("Seccomp")) .. "\\N" ..
		"capabilities  effective " .. first("CapEff") .. "   bounding " .. first("CapBnd")
	overlay:update()
	END
	# 20 s: the tone has whole periods, so that the loop is seamless.
	chroot "$1" mpv --no-config --really-quiet --length=20 \
		--o=/usr/share/stremio-demo/clip.mkv \
		--ovc=libx264 --ovcopts=preset=ultrafast,crf=20,g=25 --oac=flac \
		--audio-file=av://lavfi:sine=frequency=440:sample_rate=48000:duration=20 \
		'av://lavfi:testsrc2=size=640x360:rate=25:duration=20' >&2 || return 1
	[ -s "$1/usr/share/stremio-demo/clip.mkv" ]
}

# The same for an application package, named IMAGE_PACKAGE.
image_package_files() {
	for program in /usr/bin/stremio /opt/stremio/stremio "/usr/bin/$IMAGE_PACKAGE"; do
		if chroot "$1" test -x "$program"; then
			image_skeleton "$1" "$program"
			return
		fi
	done
	echo "image: the package brought none of /usr/bin/stremio, /opt/stremio/stremio, /usr/bin/$IMAGE_PACKAGE" >&2
	return 1
}

# usage: image_debian FILE FUNCTION [MMDEBSTRAP OPTION]...
image_debian() {
	file=$1 fn=$2
	shift 2
	log=$file.log
	codename=$(apt_codename)
	own="sh '$lib/image.sh'"
	rm -f "$file.made.squashfs"
	# Packed while it is written; the file gets its name when both have ended well.
	{
		{
			rc=0
			mmdebstrap --variant=essential --format=tar \
				--aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
				--setup-hook="$own --image_without_documentation \"\$1\"" \
				--extract-hook="$own --image_without_documentation \"\$1\"" \
				--customize-hook="$own --$fn \"\$1\"" "$@" \
				"$codename" - "$BUILD/apt/sources.list.d/private.sources" \
				2>&3 < /dev/null || rc=$?
			echo "$rc" > "$log.rc"
		} | image_squash "$file.made" - -tar 2> "$log.squash" >&3
	} 3>&1 | tee "$log" | while read -r tag line; do
		case "$tag $line" in
		'I: downloading packages'*|'I: extracting archives'*|'I: installing '*) image_say "${line%%...*}" ;;
		'I: creating tarball'*) image_say 'packing' ;;
		'I: running --customize-hook'*/image.sh*) image_say 'adding the files of our own' ;;
		image:*|stremio-*) echo "$tag $line" >&2 ;;
		esac
	done
	rc=$(cat "$log.rc")
	if [ "$rc" != 0 ] || [ ! -e "$file.made.squashfs" ]; then
		if [ "$rc" != 0 ]; then
			echo "image: mmdebstrap: $(grep -m1 -E '^(E:|image:|dpkg: error)' "$log" || tail -n 1 "$log") (see $log)"
		fi >&2
		# Also why it could not write on, if it was this that stopped it.
		cat "$log.squash" >&2
		rm -f "$file.made.squashfs" "$log.rc" "$log.squash"
		return 1
	fi
	rm -f "$log.rc" "$log.squash"
	mv "$file.made.squashfs" "$file.squashfs"
}

# usage: SOMETHING | image_name DIR NAME: FILE for an image made from what is piped in.
image_name() {
	hash=$({
		echo "${IMAGE_SYSTEM:-}"
		cat - "$lib/image.sh"
		[ -z "${IMAGE_SHIM:-}" ] || cat "$IMAGE_SHIM"
		[ ! -e "${IMAGE_SHIM:+${IMAGE_SHIM%/*}/stremio-probe}" ] || cat "${IMAGE_SHIM%/*}/stremio-probe"
	} | sha256sum | cut -c1-16)
	mkdir -p "$1" && echo "$(cd "$1" && pwd)/$2-$hash"
}

image_there() {
	[ -s "$1.squashfs" ] && [ -s "$1.meta.tar" ]
}

image_media() {
	image_t0=$(date +%s)
	image_lists || return 1
	closure=$(image_closure mpv)
	[ -n "$closure" ] || {
		echo "image: mpv: $(grep -m1 ^E: "$BUILD/apt/resolve.log") (see $BUILD/apt/resolve.log)" >&2
		return 1
	}
	file=$(echo "$closure" | image_name "$1" media) || return 1
	if image_there "$file"; then
		image_say "reusing ${file##*/}"
	else
		image_say "making ${file##*/} from $(echo "$closure" | wc -l) packages (mpv and what it needs)"
		image_debian "$file" image_player_files --include=mpv || return 1
		image_meta "$file" 'Debian with mpv and a test clip' || return 1
		image_say "done, $(($(stat -c %s "$file.squashfs") / 1048576)) MiB"
	fi
	echo "$file"
}

image_package() {
	image_t0=$(date +%s)
	case $2 in
	*.deb)
		deb=$(readlink -f "$2") || deb=$2
		dpkg-deb --field "$deb" Package > /dev/null || {
			echo "image: $2: not a Debian package (STREMIO=FILE.deb)" >&2
			return 1
		}
		set -- "$1" "$deb" --hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount
		IMAGE_PACKAGE=$(dpkg-deb --field "$deb" Package)
		# shellcheck disable=SC2016
		what=$(dpkg-deb -W --showformat='${Package} ${Version}' "$deb") ;;
	*) IMAGE_PACKAGE=$2 what=$2 ;;
	esac
	export IMAGE_PACKAGE
	image_lists || return 1
	closure=$(image_closure "$2" ${IMAGE_SYSTEM:+systemd-sysv dbus})
	[ -n "$closure" ] || {
		echo "image: $2: $(grep -m1 ^E: "$BUILD/apt/resolve.log") (see $BUILD/apt/resolve.log)" >&2
		return 1
	}
	file=$({
		[ ! -f "$2" ] || sha256sum < "$2"
		echo "$closure"
	} | image_name "$1" package) || return 1
	if image_there "$file"; then
		image_say "reusing ${file##*/}"
	else
		image_say "making ${file##*/} with $what"
		# A package's file must be seen inside under the same name: the hook mounts it. Its name is
		# not split at commas: what else is wanted has a word of its own.
		deb=$2
		shift 2
		image_debian "$file" image_package_files --include="$deb" ${IMAGE_SYSTEM:+--include=systemd-sysv,dbus} "$@" || return 1
		image_meta "$file" "Debian with $what" || return 1
		image_say "done, $(($(stat -c %s "$file.squashfs") / 1048576)) MiB"
	fi
	echo "$file"
}

image_busybox() {
	image_t0=$(date +%s)
	bb=$(command -v busybox) || {
		echo 'image: no busybox here (hooks/lib/packages.sh busybox installs it)' >&2
		return 1
	}
	file=$(image_name "$1" busybox < "$bb") || return 1
	if image_there "$file"; then
		echo "$file"
		return 0
	fi
	root=$(mktemp -d) || return 1
	chmod 755 "$root"
	mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/etc" "$root/root"
	cp "$bb" "$root/bin/busybox"
	for applet in $("$bb" --list); do
		[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
	echo 'root:x:0:' > "$root/etc/group"
	image_skeleton "$root" /bin/sleep 1000000
	image_squash "$file" "$root" || return 1
	rm -rf "$root"
	image_meta "$file" 'BusyBox, for tests' || return 1
	echo "$file"
}

# image_aliases: lines ALIAS,FINGERPRINT of the project in use, the latter's first twelve digits.
image_aliases() {
	incus image alias list -f csv -c af 2> /dev/null
}

# The name is given to another image once that is there, and what nothing names any more is removed: by
# its fingerprint, for a name that is none might be the beginning of another image's.
# usage: image_import FILE ALIAS
image_import() {
	sum=$(cat "$1.meta.tar" "$1.squashfs" | sha256sum | cut -d' ' -f1)
	old=$(image_aliases | awk -F, -v alias="$2" '$1 == alias { print $2 }')
	case $sum in
	"${old:-none}"*) return 0 ;;
	esac
	incus image info "$sum" > /dev/null 2>&1 ||
		incus image import "$1.meta.tar" "$1.squashfs" > /dev/null || return 1
	[ -z "$old" ] || incus image alias delete "$2" > /dev/null || return 1
	incus image alias create "$2" "$sum" > /dev/null || return 1
	[ -z "$old" ] || image_aliases | grep -q ",$old\$" || incus image delete "$old" > /dev/null 2>&1 || :
}

if [ "${0##*/}" = image.sh ]; then
	set -eu
	case ${1:-} in
	--image_without_documentation|--image_player_files|--image_package_files) "${1#--}" "$2" ;;
	media|busybox) image_"$1" "${2:-$BUILD/images}" ;;
	package) image_package "${3:-$BUILD/images}" "${2:?usage: image.sh package PACKAGE [DIR]}" ;;
	*) echo 'usage: image.sh media|busybox [DIR] | package PACKAGE [DIR]' >&2; exit 64 ;;
	esac
fi
