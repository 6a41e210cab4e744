#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A player with an OpenGL output in the guest's Incus: the shipped profile, Xorg on virtio-gpu,
# which draws with the host's OpenGL, and snd-aloop, whose other end is recorded. Prints the lines
# of a tier's runner; a line "# shot NAME" asks the host for a picture of the guest's screen.
# shellcheck source=tests/machine/guest/rig.sh
. /tests/rig.sh
# shellcheck source=hooks/lib/display.sh
. "$top/hooks/lib/display.sh"
# shellcheck source=hooks/lib/tone.sh
. "$top/hooks/lib/tone.sh"

player() {
	pgrep -P "$(pid_of m2)" -x mpv
}

console() {
	incus console m2 --show-log | tr -d '\r'
}

# What the player says of itself, in all detail.
log() {
	cat "/proc/$(pid_of m2)/root/home/stremio/log"
}

# The players of the loopback card: is one at work?
plays() {
	grep -q RUNNING /proc/asound/Loopback/pcm0p/sub*/status
}

# Key frames only: each picture takes the emulated processor a large part of a second.
test_media_prepared() {
	cp -R /tests/install/usr/local/. /usr/local/
	udevadm control --reload
	modprobe snd-aloop pcm_substreams=2
	udevadm settle
	display_server "$BUILD" Xorg -novtswitch vt7 -logfile "$BUILD/xorg.log" || exit 1
	grep -q 'glamor X acceleration enabled on virgl' "$BUILD/xorg.log" ||
		die "Xorg: $(grep -E 'glamor|EE' "$BUILD/xorg.log" | tail -n 3)"
	incus_ready media
	incus init media m2 --no-profiles --profile stremio < /dev/null || die 'incus init'
	printf '%s\n' --require=gpu,sound,x11 --wait=60 -- \
		/usr/bin/mpv --no-config --log-file=/home/stremio/log --no-osc --no-input-default-bindings \
		--vo=gpu --gpu-api=opengl --gpu-context=x11egl --geometry=480x270+40+40 \
		--vd-lavc-skipframe=nonkey --vd-lavc-threads=1 --loop-file=inf \
		--ao=alsa --audio-device=alsa/plughw:CARD=Loopback,DEV=0 --audio-format=s16 \
		--audio-samplerate=48000 --audio-channels=stereo \
		/usr/share/stremio-demo/clip.mkv > "$BUILD/args"
	incus file push -q "$BUILD/args" m2/etc/stremio-shim.args --mode 0644 || die 'incus file push'
}

test_media_starts() {
	DISPLAY=:$(cat "$BUILD/number") XAUTHORITY=$BUILD/cookie \
		/usr/local/bin/stremio-incus attach m2 --sound=none || die 'stremio-incus attach'
	incus start m2 || die "$(incus info m2 --show-log | grep ERROR)"
	until_true 120 player || die "$(console | tail -n 3)"
}

# From /dev/snd in the instance to the other end of the card, out here. The sound begins with the
# first picture.
test_media_is_heard() {
	until_true 180 plays || die "it does not play: $(log | tail -n 3)"
	arecord -q -D plughw:Loopback,1,0 -f S16_LE -r 48000 -c 1 -d 6 "$BUILD/heard.wav" || exit 1
	hertz=$(tone "$BUILD/heard.wav") || die "silence: $(log | tail -n 3)"
	echo "$hertz Hz"
	awk -v f="$hertz" 'BEGIN { exit f < 435.6 || f > 444.4 }'
}

test_media_is_confined() {
	grep -E '^(NoNewPrivs|Seccomp|CapEff|CapBnd):' "/proc/$(player)/status" | tr -d '\t' |
		tr '\n' ' ' | tee "$BUILD/status"
	[ "$(cat "$BUILD/status")" = 'CapEff:0000000000000000 CapBnd:0000000000000000 NoNewPrivs:1 Seccomp:2 ' ] &&
		grep '^incus-m2_.*(enforce)$' "/proc/$(player)/attr/current"
}

test_media_stops() {
	incus stop m2 --timeout 60
}

try media_prepared
try media_starts
try media_is_heard
try media_is_confined
for shot in 1 2; do
	echo "# shot $shot"
	sleep 4
done
try media_stops
