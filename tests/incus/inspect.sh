#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # RIG is set by run.sh
#
# The inspection in a real instance, with a real X server whose socket is attached to it.

shim=/opt/stremio-shim/stremio-shim

# An Xvfb of this test's own; DISPLAY and XAUTHORITY name it, also to later commands.
own_display() {
	packages_install run > /dev/null || die 'no Xvfb'
	DISPLAY=
	# shellcheck disable=SC1091
	. "$top/hooks/lib/display.sh"
	trap 'display_stop "$RIG/x11"' EXIT
	display_use "$RIG/x11" || die 'no display'
}

# shown_instance NAME WORD...: one that is given DISPLAY, with these words as its command line.
shown_instance() {
	instance "$@"
	incus config set "$1" environment.DISPLAY="$DISPLAY" \
		environment.XAUTHORITY=/home/stremio/.Xauthority || die 'config set'
}

attach_socket() {
	incus config device add "$1" x11 disk source=/tmp/.X11-unix path=/tmp/.X11-unix \
		readonly=true > /dev/null || die 'device add'
}

# give_cookie NAME FILE
give_cookie() {
	push "$2" "$1/home/stremio/.Xauthority" --uid 1000 --gid 1000 --mode 0600
}

# self_test NAME STATUS [OPTION]...: the report in $RIG/report
self_test() {
	wanted=$2
	name=$1
	shift 2
	status=0
	incus exec "$name" -- "$shim" --self-test=json "$@" > "$RIG/report" 2> "$RIG/err" || status=$?
	[ "$status" = "$wanted" ] || die "exit $status, not $wanted: $(cat "$RIG/err" "$RIG/report")"
}

# finds ID STATUS [PATTERN]: that check in the report, one line of it
finds() {
	found=$(tr '{' '\n' < "$RIG/report" | grep -F "\"id\":\"$1\"") || die "no $1: $(cat "$RIG/report")"
	echo "$found" | grep -q "\"status\":\"$2\"" || die "not $2: $found"
	echo "$found" | grep -Eq -- "${3:-}" || die "no $3: $found"
}

waits() { said "$1" | grep -q 'inspect: waits up to'; }

test_self_test_sees_what_the_instance_was_given() {
	own_display
	shown_instance seen -- /bin/sleep 1000
	attach_socket seen
	give_cookie seen "$XAUTHORITY"
	start seen
	until_true 20 is_ready seen || die "state $(state seen): $(said seen | tail -n 3)"
	self_test seen 0
	for check in x11.socket x11.auth x11.extensions shm runtime-dir home loopback sandbox.caps \
		sandbox.nnp sandbox.seccomp sandbox.userns; do
		finds "$check" ok
	done
	finds gpu.render fail 'incus config device add seen'
	grep -q '"uid":1000' "$RIG/report" || die "$(cat "$RIG/report")"
	incus exec seen -- "$shim" --self-test > "$RIG/text" || die "exit $? of the text"
	grep -q '^ok    x11.auth ' "$RIG/text" || die "$(cat "$RIG/text")"
	# Without root, too, and a device required by name that is not there.
	incus exec seen --user 1000 --group 1000 --env HOME=/home/stremio -- "$shim" --self-test \
		> /dev/null || die "exit $? as the user"
	self_test seen 69 --require=gpu
}

test_self_test_tells_the_ways_a_display_fails_apart() {
	own_display
	shown_instance apart --require=none -- /bin/sleep 1000
	attach_socket apart
	start apart
	until_true 20 is_ready apart || die "state $(state apart)"
	self_test apart 69 --require=x11
	finds x11.auth fail 'stremio-incus attach apart'
	xauth -q -f "$RIG/wrong" add "$DISPLAY" . "$(mcookie)" 2> /dev/null
	display_cookie "$RIG/wrong" "$DISPLAY" "$RIG/wrong-cookie" || die 'no wrong cookie'
	give_cookie apart "$RIG/wrong-cookie"
	self_test apart 69 --require=x11
	finds x11.auth fail
	grep -q '"id":"x11.socket"[^}]*"status":"ok"' "$RIG/report" || die "$(cat "$RIG/report")"
	display_stop "$RIG/x11"
	self_test apart 69 --require=x11
	finds x11.socket fail
}

test_start_waits_for_a_display_that_comes_later() {
	own_display
	shown_instance late --wait=60 -- /bin/sleep 1000
	give_cookie late "$XAUTHORITY"
	start late
	until_true 20 waits late || die "it does not say what it waits for: $(said late | tail -n 3)"
	is_ready late && die 'it is ready without its display'
	attach_socket late
	until_true 30 is_ready late || die "state $(state late): $(said late | tail -n 3)"
	stop late
}

test_start_without_its_display_ends_with_69_and_says_why() {
	DISPLAY=:4711
	shown_instance never --wait=0 -- /bin/sleep 1000
	fails_with never 69 'x11.socket: .*X4711.* \(.*stremio-incus attach never'
}
