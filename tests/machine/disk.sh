#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The disk of the machine tier: a Debian system with two kernels, an X server, sound, AppArmor,
# Incus and podman. Nothing of the project is in it but what starts the tests from the second disk, so
# it is made once and used until the packages or this recipe change.
#
#   disk.sh [DIR]    make it below DIR (default $BUILD/images) unless it is there; prints FILE
#
# FILE.ext4 is the root file system, FILE.KERNEL.vmlinuz and FILE.KERNEL.initrd start it for
# each KERNEL (6.1, 6.12) that FILE.kernels names.

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

# Podman as it comes: netavark calls iptables, crun asks systemd for the control group by D-Bus. Incus
# is content with iptables, the tests call nft.
MACHINE_PACKAGES='systemd-sysv udev kmod iproute2 procps python3-minimal libpython3-stdlib
	alsa-utils xserver-xorg-core xauth x11-utils x11-xserver-utils vainfo mesa-va-drivers pulseaudio
	pipewire weston
	apparmor incus-base incus-client lxcfs squashfs-tools busybox-static
	podman crun netavark iptables nftables dbus'

# What a guest with virtio devices and two sound cards never loads is two thirds of a kernel
# package; leaving it out saves the unpacking and depmod's time.
MACHINE_EXCLUDE='drivers/net/ethernet drivers/net/wireless drivers/net/can drivers/net/usb
	drivers/media drivers/infiniband drivers/staging drivers/iio drivers/scsi drivers/usb
	drivers/hwmon drivers/isdn drivers/mtd drivers/md drivers/ata drivers/nvme drivers/hid
	drivers/bluetooth drivers/gpu/drm/amd drivers/gpu/drm/i915 drivers/gpu/drm/nouveau
	drivers/gpu/drm/radeon drivers/gpu/drm/xe drivers/platform drivers/target drivers/comedi
	drivers/mmc drivers/edac drivers/power drivers/i2c drivers/thermal
	sound/soc sound/usb sound/isa sound/firewire net/bluetooth net/wireless net/mac80211 net/netfilter/ipset
	fs/xfs fs/btrfs fs/ocfs2 fs/gfs2 fs/ceph fs/nfs fs/nfsd fs/f2fs fs/smb fs/bcachefs fs/ubifs
	fs/jfs fs/reiserfs fs/ntfs3 fs/afs fs/nilfs2 fs/dlm fs/orangefs fs/cifs'

# The kernel of the release and the newer one: since 2025 as a package of the release itself, on
# mirrors without it as that of -backports, whatever its number is there.
machine_kernels() {
	echo linux-image-amd64
	if apt-cache -c "$BUILD/apt/apt.conf" show linux-image-6.12-amd64 > /dev/null 2>&1; then
		echo linux-image-6.12-amd64
	else
		apt-cache -c "$BUILD/apt/apt.conf" show linux-image-amd64 |
			sed -n 's/^Depends: \(linux-image-[^ ]*\).*/\1/p' | sort -V | tail -n 1
	fi
}

# The few modules that lead to the root file system, in the order in which they load.
# usage: machine_initrd ROOT VERSION FILE
machine_initrd() {
	ram=$(mktemp -d)
	mkdir -p "$ram/bin" "$ram/lib" "$ram/dev" "$ram/proc" "$ram/root"
	cp "$1/bin/busybox" "$ram/bin/busybox"
	for module in virtio_pci virtio_blk ext4 crc32c_generic; do
		chroot "$1" modprobe --set-version="$2" --show-depends "$module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' > "$ram/order"
	while read -r module; do
		name=${module##*/}
		case $name in
		*.xz) name=${name%.xz}; xz -dc "$1$module" > "$ram/lib/$name" ;;
		*) cp "$1$module" "$ram/lib/" ;;
		esac
		echo "insmod /lib/$name"
	done < "$ram/order" > "$ram/load"
	cat > "$ram/init" <<-'END'
	#!/bin/busybox sh
	# Everything up to the root file system; the system's own init does the rest.
	/bin/busybox --install -s /bin
	export PATH=/bin
	mount -t proc proc /proc
	mount -t devtmpfs dev /dev
	. /load
	mount -t ext4 -o noatime /dev/vda /root || exec sh
	mount --move /dev /root/dev
	umount /proc
	exec switch_root /root /sbin/init
	END
	chmod 755 "$ram/init"
	(cd "$ram" && find . | sort | busybox cpio -o -H newc -R 0:0 2>/dev/null) > "$3"
	rm -rf --one-file-system "$ram"
}

# Inside mmdebstrap's customize step: what starts the tests, and what no test needs taken out
# of the way to them.
machine_files() {
	root=$1
	echo 'stremio-machine' > "$root/etc/hostname"
	echo '127.0.0.1 localhost stremio-machine' > "$root/etc/hosts"
	mkdir -p "$root/tests" "$root/usr/local/lib/stremio-shim/guest"
	install -m 644 "$top/tests/machine/guest/machine-tests.service" \
		"$top/tests/machine/guest/machine.target" "$root/etc/systemd/system/"
	ln -sf /etc/systemd/system/machine.target "$root/etc/systemd/system/default.target"
	for unit in serial-getty@ttyS0.service getty@tty1.service systemd-timesyncd.service \
		systemd-random-seed.service systemd-update-utmp.service systemd-journal-flush.service \
		incus-startup.service systemd-journal-catalog-update.service \
		systemd-machine-id-commit.service ldconfig.service systemd-logind.service \
		systemd-binfmt.service systemd-hwdb-update.service systemd-update-done.service \
		e2scrub_reap.service alsa-restore.service alsa-state.service pulseaudio.service \
		systemd-pcrphase.service systemd-pcrphase-sysinit.service \
		systemd-boot-system-token.service dev-hugepages.mount dev-mqueue.mount \
		sys-kernel-debug.mount sys-kernel-tracing.mount; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	# The journal is read from the serial console, or not at all.
	mkdir -p "$root/etc/systemd/journald.conf.d"
	printf '[Journal]\nStorage=volatile\nForwardToConsole=no\n' \
		> "$root/etc/systemd/journald.conf.d/machine.conf"
	useradd --root "$root" --uid 1000 --user-group --create-home --shell /bin/sh stremio
	grep -q ^root: "$root/etc/subuid" || echo root:1000000:1000000000 >> "$root/etc/subuid"
	grep -q ^root: "$root/etc/subgid" || echo root:1000000:1000000000 >> "$root/etc/subgid"
}

# usage: machine_build FILE KERNEL-PACKAGE...
machine_build() {
	file=$1
	shift
	tree=$file.root
	log=$file.log
	rm -rf --one-file-system "$tree"
	# shellcheck disable=SC2086
	include=$(echo $MACHINE_PACKAGES "$@" | tr ' ' ',')
	set -- --variant=essential --format=directory --include="$include" \
		--aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-include=/usr/share/doc/*/copyright' \
		--dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*'
	for part in $MACHINE_EXCLUDE; do
		set -- "$@" --dpkgopt="path-exclude=/lib/modules/*/kernel/$part/*"
	done
	# initramfs-tools comes with the kernels; its image would be 40 MB that unpack slowly.
	INITRD=No mmdebstrap "$@" \
		--customize-hook="sh '$top/tests/machine/disk.sh' --files \"\$1\"" \
		"$(apt_codename)" "$tree" "$BUILD/apt/sources.list.d/private.sources" \
		> "$log" 2>&1 < /dev/null || {
		echo "machine: mmdebstrap: $(grep -m1 -E '^(E:|dpkg: error)' "$log" || tail -n 1 "$log") (see $log)" >&2
		return 1
	}
	machine_pack "$file" "$tree"
}

# usage: machine_pack FILE ROOT
machine_pack() {
	image_say 'making the initial file systems'
	: > "$1.kernels.new"
	for vmlinuz in "$2"/boot/vmlinuz-*; do
		version=${vmlinuz##*/vmlinuz-}
		kernel=$(echo "$version" | cut -d. -f1-2)
		machine_initrd "$2" "$version" "$1.$kernel.initrd"
		cp "$vmlinuz" "$1.$kernel.vmlinuz"
		echo "$kernel" >> "$1.kernels.new"
	done
	image_say 'packing'
	rm -rf "${2:?}"/boot/* "$2"/var/cache/apt/archives/*.deb
	# No loop mount: that needs a module and a privilege which a builder may lack.
	rm -f "$1.ext4"
	mke2fs -q -t ext4 -O ^has_journal,^metadata_csum -m 0 -d "$2" "$1.ext4" 4G > "$1.mke2fs" 2>&1 || {
		echo "machine: mke2fs: $(tail -n 1 "$1.mke2fs")" >&2
		return 1
	}
	rm -rf "$2" "$1.mke2fs"
	mv "$1.kernels.new" "$1.kernels"
}

machine_image() {
	mkdir -p "$1"
	exec 9> "$1/machine.lock"
	flock 9
	packages_install machine >&2 || return 1
	image_t0=$(date +%s)
	image_lists || return 1
	# shellcheck disable=SC2046
	set -- "$1" $(machine_kernels)
	dir=$1
	shift
	# shellcheck disable=SC2086
	closure=$(image_closure $MACHINE_PACKAGES "$@")
	[ -n "$closure" ] || {
		echo "machine: apt: $(grep -m1 ^E: "$BUILD/apt/resolve.log") (see $BUILD/apt/resolve.log)" >&2
		return 1
	}
	file=$({
		echo "$closure"
		cat "$top/tests/machine/disk.sh" "$top"/tests/machine/guest/machine*
	} | image_name "$dir" machine)
	if [ ! -s "$file.kernels" ]; then
		image_say "making ${file##*/} from $(echo "$closure" | wc -l) packages"
		machine_build "$file" "$@" || return 1
		image_say "done, $(du -m "$file.ext4" | cut -f1) MiB"
		# Older ones are of no use any more.
		find "$dir" -maxdepth 1 -name 'machine-*' ! -name "${file##*/}.*" -exec rm -rf --one-file-system {} +
	fi
	echo "$file"
}

case ${1:-} in
--files) machine_files "$2" ;;
*) machine_image "${1:-$BUILD/images}" ;;
esac
