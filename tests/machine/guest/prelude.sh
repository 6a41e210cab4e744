# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# The verbs in which the situations are brought about. Their own mount namespace is private:
# what is mounted and made in it is seen by the self-test alone. The devices are the real ones,
# by their numbers.

# driver_of NODE: which driver is behind a node of /dev/dri. vgem's device has none, but its name.
driver_of() {
	device=/sys/class/drm/${1##*/}/device
	[ ! -e "$device/driver" ] || device=$device/driver
	basename "$(readlink -f "$device")"
}

# nodes_of DRIVER KIND: its nodes, KIND being render or card.
nodes_of() {
	for n in /sys/class/drm/"$2"*; do
		case ${n##*/} in
		*-*) continue ;;
		esac
		case $(driver_of "$n") in
		*"$1"*) echo "/dev/dri/${n##*/}" ;;
		esac
	done
}

# shellcheck disable=SC2034 # they are what the situations are written with
VGEM=$(nodes_of vgem render)
# shellcheck disable=SC2034
VIRTIO=$(nodes_of virtio render)
# shellcheck disable=SC2034
CARD=$(nodes_of virtio card)
# The id of the card with the HDA codec.
# shellcheck disable=SC2034
HDA=$(sed -n 's/^ *[0-9]* \[\([^ ]*\) *\]: HDA-Intel .*/\1/p' /proc/asound/cards | head -n 1)

# only DIRECTORY [NODE]...: the directory has these nodes and no others.
only() {
	dir=$1
	shift
	save=$(mktemp -d /run/save.XXXXXX)
	[ $# = 0 ] || cp -a "$@" "$save/"
	mount -t tmpfs -o mode=755,size=1m nodes "$dir"
	cp -a "$save/." "$dir/"
	chmod 755 "$dir"
	rm -r "$save"
}

dri() {
	only /dev/dri "$@"
}

# snd [NAME]...: nodes of /dev/snd by name.
snd() {
	# shellcheck disable=SC2046 # names of nodes
	set -- $(for n in "$@"; do echo "/dev/snd/$n"; done)
	only /dev/snd "$@"
}

# card ID: the number of the sound card with that id.
card() {
	sed -n "s/^ *\([0-9]*\) \[$1 *\].*/\1/p" /proc/asound/cards
}

# card_nodes ID: the names of its nodes, control first.
card_nodes() {
	n=$(card "$1")
	(cd /dev/snd && echo "controlC$n" "pcmC${n}D"* timer)
}

# number NODE: MAJOR MINOR for mknod.
number() {
	stat -c '0x%t 0x%T' "$1"
}

# hold PLAYBACK-PCM: a second opener of the device, until the end of this situation.
hold() {
	aplay -q -D "hw:$1" -f S16_LE -r 48000 -c 2 /dev/zero 2> /dev/null &
	n=${1%%,*}
	rest=${1#*,}
	for _ in $(seq 100); do
		grep -q RUNNING "/proc/asound/card$n/pcm${rest%%,*}p/sub${rest#*,}/status" && return 0
		sleep 0.1
	done
	return 1
}
