# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# The verbs in which the situations are brought about. Their own mount namespace is private:
# what is mounted and made in it is seen by the self-test alone. The devices are the real ones,
# by their numbers. Builtins where they will do: a process takes its time in emulation.

# nodes_of ALIAS KIND: the nodes of the GPUs whose kernel alias begins so, KIND being render or card.
nodes_of() {
	for n in /sys/class/drm/"$2"*; do
		case ${n##*/} in
		*-*) continue ;;
		esac
		read -r alias < "$n/device/modalias" || continue
		case $alias in
		"$1"*) echo "/dev/dri/${n##*/}" ;;
		esac
	done
}

# vgem's is a platform device; virtio's parent in the tree depends on the kernel.
# shellcheck disable=SC2034 # they are what the situations are written with
VGEM=$(nodes_of platform:vgem render)
# shellcheck disable=SC2034
VIRTIO=$(nodes_of virtio: render; nodes_of pci:v00001AF4 render)
# shellcheck disable=SC2034
CARD=$(nodes_of virtio: card; nodes_of pci:v00001AF4 card)

# card NAME: the number of the sound card with that id, or with that driver.
card() {
	while read -r number id rest; do
		case "$id $rest" in
		"[$1 "*|"[$1]"*|"["*"]: $1 - "*) echo "$number" ;;
		esac
	done < /proc/asound/cards
}

# only DIRECTORY [NODE]...: the directory has these nodes and no others.
only() {
	dir=$1
	shift
	mkdir /run/save
	[ $# = 0 ] || cp -a "$@" /run/save/
	mount -t tmpfs -o mode=755,size=1m nodes "$dir"
	[ $# = 0 ] || mv /run/save/* "$dir/"
	rmdir /run/save
}

# dri [NODE]...: these, as the application may use them.
dri() {
	only /dev/dri "$@"
}

# snd [NAME]...: nodes of /dev/snd by name.
snd() {
	# shellcheck disable=SC2046 # names of nodes
	set -- $(for n in "$@"; do echo "/dev/snd/$n"; done)
	only /dev/snd "$@"
}

# card_nodes CARD: the names of its nodes, control first.
card_nodes() {
	(cd /dev/snd && echo "controlC$1" "pcmC${1}D"*)
}

# hold CARD DEVICE SUBDEVICE: a second opener of a playback PCM, until this situation ends.
hold() {
	aplay -q -D "hw:$1,$2,$3" -f S16_LE -r 48000 -c 2 /dev/zero 2> /dev/null &
	for _ in $(seq 100); do
		grep -q RUNNING "/proc/asound/card$1/pcm$2p/sub$3/status" && return 0
		sleep 0.1
	done
	echo "hw:$1,$2,$3 does not play" >&2
	return 1
}
