#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The machine tier: a whole Debian system with AppArmor, virtio-gpu, vgem, an Intel HDA codec,
# snd-aloop, Xorg, PulseAudio, Incus and podman below QEMU.
#
#   tests/machine/run.sh [NAME-PART]...    only tests whose name contains one of them
#
# MACHINE_KERNELS="6.1 6.12", the default, runs both kernels side by side. The first run makes the
# disk (disk.sh). $BUILD/machine/KERNEL.table has a row for each situation: what was
# brought about, and the finding, status, summary and hint that came of it.
# At last a guest of the first kernel has a GPU with this machine's OpenGL behind it, and runs the
# stack tier's Qt application in its Incus (guest/media.sh); names that begin with "media" are of
# that guest alone. There media_figures does something else: it times the self-test beside the
# programs that people run.
# Software emulation on purpose: it works wherever the tests do, in virtual machines too, and
# what is tested is not the speed.
#
# What is tested comes on a second disk, made here; results come line by line through a
# virtio-serial port, and the serial console is kept in $BUILD/machine/KERNEL.console. A guest
# that says nothing on either for MACHINE_SILENCE seconds is ended; what it said counts.

set -eu
cd "$(dirname "$0")/../.."
top=$PWD
BUILD=${BUILD:-build}
mkdir -p "$BUILD"
BUILD=$(cd "$BUILD" && pwd)
export BUILD
# shellcheck source=hooks/lib/packages.sh
. "$top/hooks/lib/packages.sh"
# shellcheck source=hooks/lib/image.sh
. "$top/hooks/lib/image.sh"
# shellcheck source=hooks/lib/display.sh
. "$top/hooks/lib/display.sh"

work=$BUILD/machine
silence=${MACHINE_SILENCE:-300}
kernels=${MACHINE_KERNELS:-6.1 6.12}
said=$work/said
guests=
stack=

absent() {
	kind=skip counts='0 0 1'
	[ "${CI:-}" != true ] || { kind='not ok' counts='0 1 0'; }
	echo "$kind machine: $1"
	echo "# passed failed skipped: $counts"
	[ "$kind" = skip ]
	exit
}

stop_guests() {
	# shellcheck disable=SC2086 # process ids
	[ -z "$guests" ] || kill -TERM $guests 2> /dev/null || :
	guests=
	display_stop "$work/x11"
}

# The disk with what is tested. Uncompressed: reading it is emulated, too.
second_disk() {
	tree=$work/tests
	rm -rf "$tree"
	mkdir -p "$tree/hooks"
	cp -R tests/machine/guest/. "$tree/"
	cp -R hooks/lib "$tree/hooks/"
	cp README.md tests/incus/readme.sh "$tree/"
	# As an administrator installs it.
	${MAKE:-make} -s --no-print-directory install DESTDIR="$tree/install" prefix=/usr/local \
		> "$work/install.log" 2>&1 || {
		echo "machine: make install: $(tail -n 1 "$work/install.log") (see $work/install.log)" >&2
		return 1
	}
	busybox=$(image_busybox "$BUILD/images") || return 1
	cp "$busybox.meta.tar" "$tree/busybox.meta.tar"
	cp "$busybox.squashfs" "$tree/busybox.squashfs"
	musl-gcc -static -Os -o "$tree/hello" tests/incus/teller.c || return 1
	mkdir -p "$tree/stack"
	cp -R tests/stack/app tests/stack/*.py tests/container/harness.py "$tree/stack/"
	printf '%s\n' "$@" > "$tree/wanted"
	rm -f "$work/tests.img"
	mksquashfs "$tree" "$work/tests.img" -quiet -no-progress -all-root \
		-noI -noD -noF -noX > "$work/tests.log" 2>&1 || {
		echo "machine: mksquashfs: $(tail -n 1 "$work/tests.log")" >&2
		return 1
	}
}

# The root file system of the stack tier as a disk: where Incus would have unpacked an image of it,
# which takes minutes there and seconds here.
stack_disk() {
	root=$(sh tests/stack/root.sh) || return 1
	stack=$work/${root##*/}.ext4
	[ ! -s "$stack" ] || return 0
	rm -rf "$work/stack" "$work"/root-*.ext4
	mkdir -p "$work/stack"
	if ! unsquashfs -quiet -no-progress -dest "$work/stack/root" "$root.squashfs" > "$work/stack.log" 2>&1 ||
	   ! mke2fs -q -t ext4 -O ^has_journal,^metadata_csum -m 0 -d "$work/stack" "$stack.new" 4G \
		>> "$work/stack.log" 2>&1; then
		echo "machine: the stack's disk: $(tail -n 1 "$work/stack.log") (see $work/stack.log)" >&2
		return 1
	fi
	rm -rf "$work/stack"
	mv "$stack.new" "$stack"
}

# usage: wants_media [NAME-PART]..., wants_others likewise
wants_media() {
	case ${1-media} in media*) ;; *) return 1 ;; esac
}

wants_others() {
	case ${1-} in media*) return 1 ;; esac
}

# usage: guest KERNEL [gl]: runs it to its end and shows its lines. Called in a process of its own.
# One processor each: there are as many guests as kernels, and emulation is all they do. -icount:
# the guest's clock counts its instructions, so that no timeout in there tells of a busy host.
guest() {
	kernel=$1 name=$1${2:+-$2}
	results=$work/$name.results console=$work/$name.console start=$(date +%s)
	more='-icount shift=2 -m 2048 -display none -device virtio-gpu-pci'
	[ -z "${2:-}" ] || more='-icount shift=2 -m 2048 -display sdl,gl=on -device virtio-gpu-gl-pci'
	# A browser, whose time-outs and film are a person's: its processor does four times as much a second.
	[ -z "${2:-}" ] || [ -z "$stack" ] || more="-icount shift=0 -m 3072 -display sdl,gl=on
		-device virtio-gpu-gl-pci -drive file=$stack,if=virtio,format=raw,cache=unsafe"
	# By EGL: QEMU makes a client's context current in its processor's thread, too, where -icount has
	# its timers, and with GLX uses it there when the client has gone: it dies of that.
	export SDL_VIDEO_X11_FORCE_EGL=1
	: > "$results"
	: > "$console"
	# shellcheck disable=SC2086 # options
	# The disk is shared by all guests and never written to: -snapshot.
	TMPDIR=$work setpriv --pdeathsig KILL qemu-system-x86_64 -accel tcg -cpu max -smp 1 \
		-machine pc -nodefaults -no-user-config -no-reboot -snapshot \
		-kernel "$disk.$1.vmlinuz" -initrd "$disk.$1.initrd" \
		-append 'console=ttyS0 quiet panic=-1 mitigations=off nokaslr random.trust_cpu=on systemd.show_status=0 audit_backlog_limit=0'"${2:+ machine.$2=1}" \
		-drive "file=$disk.ext4,if=virtio,format=raw,cache=unsafe" \
		-drive "file=$work/tests.img,if=virtio,format=raw,readonly=on" \
		-chardev "file,id=console,path=$console" -serial chardev:console \
		-device virtio-serial-pci -chardev "file,id=results,path=$results" \
		-device virtserialport,chardev=results,name=results \
		-device virtio-rng-pci $more -vga none \
		-audiodev none,id=sound -device intel-hda -device hda-duplex,audiodev=sound \
		> "$work/$name.qemu" 2>&1 < /dev/null &
	qemu=$!
	trap 'kill -KILL "$qemu" 2> /dev/null; exit 143' TERM
	shown=0 size=0 since=$start
	while kill -0 "$qemu" 2> /dev/null; do
		sleep 1
		show
		now=$(cat "$results" "$console" | wc -c)
		if [ "$now" != "$size" ]; then
			size=$now since=$(date +%s)
		elif [ $(($(date +%s) - since)) -gt "$silence" ]; then
			echo "# $name: silent for $silence s, ended"
			kill -KILL "$qemu" 2> /dev/null || :
		fi
	done
	wait "$qemu" 2> /dev/null || :
	show
	grep '^|' "$results" > "$work/$name.table" || :
	if ! grep -q '^# end$' "$results"; then
		tell "not ok machine.$name.finished: the guest ended early ($(last_words))"
	fi
	echo "# $name: $(($(date +%s) - start)) s"
}

last_words() {
	tail -n 1 "$work/$name.qemu" | grep . ||
		tr -d '\r' < "$work/$name.console" | grep . | tail -n 1 | cut -c1-160 | grep . ||
		echo 'it said nothing'
}

tell() {
	printf '%s\n' "$1" | tee -a "$said"
}

# Lines that have come whole since the last time; the table's rows are for its file.
show() {
	lines=$(wc -l < "$results")
	[ "$lines" -gt "$shown" ] || return 0
	sed -n "$((shown + 1)),${lines}{/^|/d;s/^\(ok\|not ok\|skip\) /\1 machine.$name./;p}" "$results" |
		tee -a "$said"
	sed -n "$((shown + 1)),${lines}s/^# shot //p" "$results" | while read -r shot; do
		xwd -silent -root 2>&1 | xwdtopnm -quiet > "$work/$name.$shot.pnm" 2>&1 || :
	done
	shown=$lines
}

# The player's guest, and two pictures of its screen.
media() {
	mkdir -p "$work/x11"
	if ! packages_install machine-gl run >&2 || ! { [ "${2-}" = media_figures ] || stack_disk; } ||
	   ! display_server "$work/x11" Xvfb -screen 0 1920x1200x24; then
		kind=skip
		[ "${CI:-}" != true ] || kind='not ok'
		tell "$kind machine.$1-gl.media: no OpenGL or no disk for the guest (see above)"
		return
	fi
	DISPLAY=:$(cat "$work/x11/number") XAUTHORITY=$work/x11/cookie
	export DISPLAY XAUTHORITY
	rm -f "$work/$1-gl".*.pnm
	guest "$1" gl
	[ "${2-}" != media_figures ] || return 0
	if ! colours=$(ppmhist -quiet -noheader "$work/$1-gl.2.pnm" | wc -l) || [ "$colours" -lt 100 ]; then
		tell "not ok machine.$1-gl.media_is_seen: ${colours:-0} colours on the screen"
	elif cmp -s "$work/$1-gl.1.pnm" "$work/$1-gl.2.pnm"; then
		tell "not ok machine.$1-gl.media_is_seen: it does not move"
	else
		pnmtopng -quiet "$work/$1-gl.2.pnm" > "$work/$1-gl.png"
		tell "ok machine.$1-gl.media_is_seen"
	fi
}

count() {
	grep -c "^$1 machine" "$said" || :
}

[ "$(id -u)" = 0 ] || absent 'needs root (mmdebstrap keeps owners and device nodes)'
[ "$(uname -m)" = x86_64 ] || absent "its guest is x86_64, this machine $(uname -m)"
command -v apt-get > /dev/null || absent 'needs apt-get (its disk is made of Debian packages)'
mkdir -p "$work"
: > "$said"
disk=$(sh tests/machine/disk.sh) || absent 'no disk for the guest (see above)'
second_disk "$@" || absent 'no second disk (see above)'
trap stop_guests EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
if wants_others "$@"; then
	for kernel in $kernels; do
		guest "$kernel" &
		guests="$guests $!"
	done
	# shellcheck disable=SC2086 # process ids
	wait $guests || :
fi
if wants_media "$@"; then
	media "${kernels%% *}" "$@" &
	guests=$!
	wait $guests || :
fi
guests=
failed=$(count 'not ok')
echo "# passed failed skipped: $(count ok) $failed $(count skip)"
[ "$failed" = 0 ]
