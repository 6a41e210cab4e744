#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # here is set by run.sh
#
# A fake /sys/class for stremio-hook, in a mount namespace of the hook's own: this machine need
# not have a GPU or a sound card for the hook to find some. What it finds there and what it
# does then is the shipped program's. For sourcing.
#
#   fake_up DIR HOOK       make DIR/stremio-hook, which runs HOOK with it
#   fake_drm NAME MINOR    a node in dri/
#   fake_sound NAME MINOR  a node in snd/
#   fake_card N ID         a sound card
#   fake_gone NAME         no longer
#   DIR/dev                when it is there, stands for /dev
#   fake_desktop           14 nodes: one GPU, a card with its HDMI outputs, the timer; and the
#                          name of a primary node

fake_up() {
	FAKE=$1
	mkdir -p "$FAKE/class/drm" "$FAKE/class/sound" || return 1
	gcc -shared -fPIC -O2 -nostdlib -Wl,-z,noseparate-code -o "$FAKE/fake_sysfs.so" \
		"$here/fake_sysfs.c" || return 1
	cp "$2" "$FAKE/real-hook" || return 1
	"${MUSL_CC:-musl-gcc}" -static -O1 -D_GNU_SOURCE -o "$FAKE/stremio-hook" "$here/fake_host.c" ||
		return 1
}

# usage: fake_node SUBSYSTEM NAME MAJOR MINOR DIRECTORY
fake_node() {
	d=$FAKE/class/$1/$2
	mkdir -p "$d"
	printf 'MAJOR=%s\nMINOR=%s\nDEVNAME=%s/%s\n' "$3" "$4" "$5" "$2" > "$d/uevent"
	echo "$3:$4" > "$d/dev"
	ln -sfn "../../$1" "$d/subsystem"
}

fake_drm() { fake_node drm "$1" 226 "$2" dri; }
fake_sound() { fake_node sound "$1" 116 "$2" snd; }

fake_card() {
	d=$FAKE/class/sound/card$1
	mkdir -p "$d"
	: > "$d/uevent"
	echo "$2" > "$d/id"
	ln -sfn ../../sound "$d/subsystem"
}

fake_gone() { rm -rf "$FAKE/class/drm/$1" "$FAKE/class/sound/$1"; }

fake_nothing() {
	rm -rf "$FAKE/class"
	mkdir -p "$FAKE/class/drm" "$FAKE/class/sound"
}

fake_desktop() {
	fake_nothing
	fake_card 0 PCH
	minor=2
	for n in controlC0 pcmC0D0p pcmC0D0c pcmC0D2c pcmC0D3p pcmC0D7p pcmC0D8p pcmC0D9p \
		 pcmC0D10p pcmC0D31p pcmC0D31c pcmC0D32p; do
		fake_sound $n $minor
		minor=$((minor + 1))
	done
	fake_sound timer 33
	fake_drm renderD128 128
	# What must not be wired unless it is asked for, but by its name, or at all.
	fake_drm card0 0
	fake_sound seq 1
	fake_sound hwC0D0 40
	fake_sound midiC0D0 41
}
