#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, here and RIG are set by run.sh
#
# What comes of a command of stremio-incus: its exit status and what it says, and each option does what it
# says, is refused, or says why it does not.

# exec_ends STATUS TEXT: a client whose `exec` ends so.
exec_ends() {
	mkdir -p "$session/bin"
	cat > "$session/bin/incus" <<-END
	#!/bin/sh
	[ "\$1" != exec ] || { printf '%s' '$2' >&2; exit $1; }
	exec /usr/bin/incus "\$@"
	END
	chmod 755 "$session/bin/incus"
}

# 0, 64, 69 and 1 are all there are, whatever the question in the instance has come to.
test_host_launch_passes_on_no_status_of_another_program() {
	session_up
	player one --display=none
	export SESSION_PATH=/home/bin:/usr/local/bin:/usr/bin:/bin
	exec_ends 5 ''
	host_fails 1 'self-test: it ended with status 5.*stremio-incus logs one' launch one --display=none
	host_fails 1 'self-test: it ended with status 5' -q launch one --display=none
	exec_ends 127 'Error: Command not found'
	host_fails 1 'self-test: Error: Command not found' launch one --display=none
}

# Whoever asked for less is still told what he must do something about; so is who clicked.
test_host_launch_says_what_is_wrong_when_it_is_to_be_quiet() {
	session_up
	player one --display=none
	host_ok -q launch one --display=none --no-self-test
	[ ! -s "$RIG/out" ] || die "all is well, and it says: $(cat "$RIG/out")"
	incus config set one environment.STREMIO_REQUIRE=gpu
	host_fails 69 'self-test: a required device is not good .*stremio-incus doctor one' -q launch one --display=none
	grep -q '^  fail  gpu.render  .*is empty of GPUs' "$RIG/err" || die "$(cat "$RIG/err")"
	grep -A1 '^  fail  gpu.render ' "$RIG/err" | grep -q '^ *-> .*incus config device add one' || die "no remedy: $(cat "$RIG/err")"
	grep -q '^  ok' "$RIG/err" && die 'it says what is good'
	[ ! -s "$RIG/out" ] || die "on stdout: $(cat "$RIG/out")"
	printf '#!/bin/sh\necho "$*" > /home/notified\n' > "$session/notify-send"
	mkdir -p "$session/bin"
	install -m 755 "$session/notify-send" "$session/bin/notify-send"
	SESSION_PATH=/home/bin:/usr/local/bin:/usr/bin:/bin \
		host_fails 69 'self-test: ' --desktop launch one --display=none
	grep -q 'self-test: .*gpu.render.*is empty of GPUs' "$session/notified" || die "shown: $(cat "$session/notified")"
}

# Over ssh there is no display, and an instance that is to have none lacks nothing.
test_host_doctor_finds_no_fault_where_no_display_is_wanted() {
	session_up
	player one --display=none
	incus config set one environment.STREMIO_DEVICES=none
	VARIABLES='-u DISPLAY -u XAUTHORITY' host doctor one
	rc=$?
	grep '^fail' "$RIG/out" && die 'a fault'
	[ $rc = 0 ] || die "status $rc: $(cat "$RIG/out")"
	grep -q '^ok    host.x11 .*one is to have none' "$RIG/out" || die "$(grep host.x11 "$RIG/out")"
	# One that is attached lacks it.
	host_ok attach one --trusted
	VARIABLES='-u DISPLAY -u XAUTHORITY' host doctor one && die 'attached, and all is well'
	grep -q '^fail  host.x11 .*DISPLAY is not set' "$RIG/out" || die "$(grep host.x11 "$RIG/out")"
}

# image_of ALIAS: its fingerprint.
image_of() {
	incus query "/1.0/images/aliases/$1" | sed -n 's/.*"target": "\(.*\)".*/\1/p'
}

# An image that was made anew, or is named too late, does not run by being asked for.
test_host_launch_says_that_the_instance_is_of_another_image() {
	session_up
	trap '{ gone one; for i in other mine; do incus image alias delete $i; done; incus image delete "$other"; } > /dev/null 2>&1
		session_down' EXIT
	incus image alias create mine "$(image_of busybox)" > "$RIG/out" 2>&1 || die "$(cat "$RIG/out")"
	host_ok launch one --image=mine --no-self-test --display=none
	host_ok stop one
	incus publish one --alias other > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	other=$(image_of other)
	case $other in
	''|"$(image_of mine)") die "images: $(incus image list -f csv)" ;;
	esac
	host_fails 69 'image: .*no image nothing' launch one --image=nothing
	host_fails 69 'image: local:nothing: .*not found' launch one --image=local:nothing
	host_fails 69 "image: nowhere:mine: .*doesn't exist" launch one --image=nowhere:mine
	[ "$(state one)" = Stopped ] || die "state $(state one)"
	for image in '' --image=busybox --image=local:busybox "--image=$(image_of mine)"; do
		# shellcheck disable=SC2086
		host_ok launch one --no-self-test $image
		grep 'image' "$RIG/out" && die "$image: it is of that one"
	done
	for image in other local:other "$other"; do
		host_ok launch one --no-self-test "--image=$image"
		grep -q "^stremio-incus: image: one was made from another image than $image,.*incus delete one.*--image=$image)\$" \
			"$RIG/out" || die "$image: $(cat "$RIG/out")"
	done
	# As `image build` leaves it.
	incus image alias delete mine
	incus image alias create mine "$other" > /dev/null
	host_ok launch one --no-self-test
	[ "$(grep -c 'one was made from another image than mine' "$RIG/out")" = 1 ] || die "made anew: $(cat "$RIG/out")"
	# Of one that is gone there is nothing to be said.
	incus image alias delete mine
	host_ok launch one --no-self-test
	grep 'image' "$RIG/out" && die 'the image is gone'
	true
}

# nested_is PROGRAM DISPLAY: it is that one which runs, with its window there, and the instance's only one.
nested_is() {
	pid=$(cat "$session/run/stremio-incus/one/server.pid")
	[ "$(cat "/proc/$pid/comm")" = "$1" ] || die "the server is $(cat "/proc/$pid/comm"), not $1"
	[ -z "$2" ] || tr '\0' '\n' < "/proc/$pid/environ" | grep -qx "DISPLAY=$2" || die "its window is not on $2"
	[ "$(inside one ls /tmp/.X11-unix)" = "X$(cat "$session/run/stremio-incus/one/number")" ] ||
		die "sockets: $(inside one ls /tmp/.X11-unix)"
	sees_display one || die "$1 $2: $(inside one xclient)"
}

# Another one is asked for while the first still runs: it is that which comes, not that which is there.
test_host_nested_server_is_the_one_that_was_asked_for() {
	session_up
	compositor_up
	Xvfb -displayfd 3 -auth "$session/server" -nolisten tcp -noreset 3> "$RIG/number" > "$RIG/second.log" 2>&1 &
	second=$!
	trap 'kill $second; session_down' EXIT
	until_true 20 test -s "$RIG/number" || die "Xvfb: $(tail -n 1 "$RIG/second.log")"
	other=:$(cat "$RIG/number")
	xauth -q -f "$session/.Xauthority" add "$(uname -n)/unix$other" . \
		"$(xauth -f "$session/server" list | awk '{ print $3 }')" 2> /dev/null
	chown "$USER_ID" "$session/.Xauthority"
	player one
	host_ok attach one --nested
	nested_is Xephyr ":$DISPLAY_NUMBER"
	first=$pid
	host_ok attach one
	[ "$(cat "$session/run/stremio-incus/one/server.pid")" = "$first" ] || die 'the same is made anew'
	host_ok attach one --nested "--display=$other"
	until_true 10 sh -c "! kill -0 $first" || die 'the first one is left'
	nested_is Xephyr "$other"
	first=$pid
	host_ok attach one --nested "--display=$other"
	[ "$(cat "$session/run/stremio-incus/one/server.pid")" = "$first" ] || die 'the same display makes it anew'
	host_ok attach one --nested=xwayland
	until_true 10 sh -c "! kill -0 $first" || die 'Xephyr is left'
	nested_is Xwayland ''
}

# As for the other displays, what is printed does what would be done.
test_host_dry_run_of_a_nested_server_is_a_script_that_does_the_same() {
	session_up
	player one
	host_ok stop one
	user stremio-incus attach one --nested --dry-run > "$session/script" 2> /dev/null || die 'the dry run'
	user sh -e /home/script > "$RIG/script" 2>&1 < /dev/null || die "the script: $(tail -n 1 "$RIG/script")"
	# shellcheck disable=SC2016
	grep -F '$(cat' "$session/script" && die 'a name that only a shell knows'
	start one
	until_true 10 is_ready one || die "state $(state one)"
	nested_is Xephyr ":$DISPLAY_NUMBER"
	host_ok attach one --nested --dry-run
	grep -E '^incus config|Xephyr' "$RIG/out" && die 'the script left something undone'
	first=$pid
	host_ok stop one
	until_true 10 sh -c "! kill -0 $first" || die 'stop does not know the server'
}

# help_of WORD...: that is the text of image, wherever the word stands.
help_of() {
	user stremio-incus "$@" > "$RIG/out" 2> "$RIG/err" < /dev/null || die "$*: status $?: $(cat "$RIG/err")"
	grep -q '^usage: image build ' "$RIG/out" || die "$*: $(cat "$RIG/out")"
}

test_host_help_may_stand_anywhere() {
	session_up
	for word in --help -h; do
		help_of image $word
		help_of image build $word
		help_of image build --package=mpv $word
		help_of image import-oci $word
		help_of --dry-run image build $word --bogus
		user stremio-incus launch one $word > "$RIG/out" 2>&1 < /dev/null || die "launch: $(cat "$RIG/out")"
		grep -q '^usage: stremio-incus ' "$RIG/out" || die "launch: $(cat "$RIG/out")"
	done
	# A word of an image's own command is none of this tool's.
	host_ok --dry-run image import-oci /nowhere -- sh --help
	grep -q ' -- sh --help$' "$RIG/out" || die "$(cat "$RIG/out")"
}
