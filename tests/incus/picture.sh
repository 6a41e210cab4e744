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
	run_demo STREMIO="$RIG/image.tar" && die 'it took an empty file'
	grep -q 'not an OCI or Docker image' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
	run_demo STREMIO=oci:/no/such && die 'it took a directory that is not there'
	grep -q 'run: STREMIO=oci:/no/such: .*no such file' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
	run_demo STREMIO=/no/such.deb && die 'it took a file that is not there'
	grep -q '/no/such.deb: cannot read' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
	run_demo WAIT=soon && die 'it took a word for a number of seconds'
	grep -q '^run: WAIT=soon: not a number of seconds' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
	run_demo DISPLAY=:4711 && die 'it took a display that is not there'
	grep -q 'x11: DISPLAY=:4711: no socket' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
	run_demo DISPLAY=elsewhere:0 && die 'it took a display of another machine'
	grep -q 'x11: DISPLAY=elsewhere:0 is not' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
}

# A desktop's server, whose cookie is keyed to the host's name as display managers write it.
test_run_uses_the_display_of_this_session() {
	packages_install run > /dev/null || die 'no Xvfb'
	desk=$RIG/desk
	mkdir "$desk"
	xauth -q -f "$desk/cookies" add "$(uname -n)/unix:0" . "$(mcookie)" 2> /dev/null
	Xvfb -displayfd 3 -auth "$desk/cookies" -screen 0 800x600x24 -nolisten tcp -noreset \
		3> "$desk/number" > "$desk/log" 2>&1 &
	server=$!
	until_true 10 test -s "$desk/number" || { kill $server; die "$(tail -n 1 "$desk/log")"; }
	number=$(cat "$desk/number")
	xauth -q -f "$desk/cookies" add "$(uname -n)/unix:$number" . \
		"$(xauth -f "$desk/cookies" list | awk '{ print $3 }')" 2> /dev/null
	run_demo DISPLAY=":$number" XAUTHORITY="$desk/cookies"
	rc=$?
	kill $server
	[ $rc = 0 ] || die "$(tail -n 1 "$RIG/demo")"
	grep -q "display: this session's display :$number" "$RIG/demo" || die "$(grep display: "$RIG/demo")"
}

# Daemons of `make run`; those of this tier are elsewhere.
left_running() {
	# shellcheck disable=SC2009
	ps -e -o args= | grep -F -e "$BUILD/incus " -e "$BUILD/incus/" -e "$BUILD/run/" | grep -v grep
}

test_kept_run_is_left_running_until_it_is_stopped() {
	run_demo KEEP=1 || die "$(tail -n 1 "$RIG/demo")"
	left_running > /dev/null || die 'nothing runs'
	env -u INCUS_DIR -u INCUS_CONF BUILD="$BUILD" sh "$top/hooks/run.sh" stop || die 'stop failed'
	left_running && die 'it still runs'
	true
}

test_interrupted_run_leaves_nothing() {
	run_demo &
	until_true 60 grep -q 'starting' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
	pid=$(ps -e -o pid=,args= | awk -v s="$top/hooks/run.sh" '$2 == "sh" && $3 == s { print $1; exit }')
	kill -TERM "$pid"
	wait
	left_running && die 'something still runs'
	true
}
