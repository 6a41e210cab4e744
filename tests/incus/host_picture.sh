#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, here and RIG are set by run.sh
#
# stremio-incus seen and heard: the pixels of the X server and the samples of the sound server.

# A real sound server of the session's, which lets in its own user only; what reaches its sink
# can be recorded.
sound_server_up() {
	mkdir -p "$session/run/pulse"
	chown "$USER_ID" "$session/run/pulse"
	user pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no \
		--load='module-null-sink sink_name=ear rate=48000 channels=1 format=s16le' \
		--load='module-native-protocol-unix socket=/home/run/pulse/native' \
		> "$RIG/pulse.log" 2>&1 < /dev/null &
	# shellcheck disable=SC2034 # session_down ends it
	sound_server=$!
	until_true 20 test -S "$session/run/pulse/native" || die "pulseaudio: $(tail -n 1 "$RIG/pulse.log")"
}

# mode_of_top INSTANCE: of /, which is the image's; whoever may write there has all of it.
mode_of_top() { answered incus exec "$1" -- stat -c '%a %u:%g' /; }

# The clip's tone in what reaches the sink from now on: as much of it as tone() wants, however long that
# takes to come.
sounds() {
	user timeout 20 parec --rate=48000 --channels=1 --format=s16le -d ear.monitor 2> /dev/null < /dev/null |
		head -c 384000 > "$RIG/tone.raw"
	tone_of_clip "$RIG/tone.raw"
}

# The whole way, with the default image: one command, and then what is to be seen and heard.
test_host_launch_is_a_moving_picture_and_a_tone() {
	packages_install run image > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	file=$(image_media "$BUILD/images" 2> "$RIG/out") || die "$(tail -n 1 "$RIG/out")"
	image_import "$file" stremio || die 'the image'
	session_up
	trap '{ gone stremio; incus image delete stremio; } > /dev/null 2>&1; session_down' EXIT
	sound_server_up
	host_ok launch --no-self-test
	top_mode=$(mode_of_top stremio)
	[ "$top_mode" = '755 0:0' ] || die "/ of the image is $top_mode"
	DISPLAY=:$DISPLAY_NUMBER XAUTHORITY=$session/.Xauthority
	export DISPLAY XAUTHORITY
	window=$(window_wait '' 60) || die "no window: $(said stremio | tail -n 1)"
	within 40 window_moves "$window" "$RIG/shot.1" "$RIG/shot.2" || die "after 40 s: $why"
	within 60 sounds || die "after 60 s: $why"
}
