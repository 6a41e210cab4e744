#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top and here are set by run.sh
#
# `make run` itself: hooks/run.sh with a display and a daemon of its own.

# run_demo [NAME=VALUE]...: its output in $RIG/demo, its exit status.
run_demo() {
	env -u DISPLAY -u XAUTHORITY -u INCUS_DIR -u INCUS_CONF BUILD="$BUILD" "$@" \
		sh "$top/hooks/run.sh" > "$RIG/demo" 2>&1
}

test_run_shows_a_moving_picture_and_a_tone() {
	run_demo || die "$(tail -n 1 "$RIG/demo")"
	for line in 'picture: [0-9]* colours' 'picture: it moves' 'sound: 4[0-9.]* Hz' \
		    'no_new_privs  *1 ' 'incus stop took'; do
		grep -q "$line" "$RIG/demo" || die "no line: $line"
	done
	[ -s "$BUILD/run/window.png" ] || die 'no screenshot'
}

test_run_refuses_what_it_cannot_run() {
	echo > "$RIG/image.tar"
	run_demo STREMIO="$RIG/image.tar" && die 'it took a tar file'
	grep -q 'only a Debian package' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
	run_demo STREMIO=/no/such.deb && die 'it took a file that is not there'
	grep -q '/no/such.deb: cannot read' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
	run_demo DISPLAY=:4711 && die 'it took a display that is not there'
	grep -q 'x11: DISPLAY=:4711: no socket' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
	run_demo DISPLAY=elsewhere:0 && die 'it took a display of another machine'
	grep -q 'x11: DISPLAY=elsewhere:0 is not' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
}
