#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top is set by run.sh
#
# The rig of the Incus tier: a private daemon, a BusyBox image, the shipped profile with its
# host paths rewritten, and the verbs the tests are written in. For sourcing by run.sh.

# Say why and end the test (each runs in a subshell of its own).
die() {
	echo "$*"
	exit 1
}

rig_up() {
	chmod 711 "$RIG"
	# shellcheck disable=SC2034 # for incusd_start
	! getent group incus-admin > /dev/null || INCUSD_GROUP=incus-admin
	incusd_start "$RIG/incus" || return 1
	image=$(image_busybox "$BUILD/images" 2> "$RIG/image.log") || {
		tail -n 1 "$RIG/image.log" >&2
		return 1
	}
	image_import "$image" busybox || return 1
	install -D "$BUILD/stremio-shim" "$RIG/guest/stremio-shim" || return 1
	install "$BUILD/stremio-probe" "$RIG/guest/stremio-probe" || return 1
	fake_up "$RIG/fake" "$BUILD/stremio-hook" || return 1
	sed -e "s|/usr/local/lib/stremio-shim/guest|$RIG/guest|" \
		-e "s|/usr/local/lib/stremio-shim/stremio-hook|$FAKE/stremio-hook|" \
		"$top/incus-profile.yaml" > "$RIG/profile.yaml"
	incus profile create stremio < "$RIG/profile.yaml" > /dev/null || return 1
}

rig_down() {
	[ -n "${RIG:-}" ] || return 0
	[ ! -d "$RIG/cluster" ] || hosts_down "$RIG/cluster"
	incusd_stop "$RIG/incus"
	rm -rf "$RIG"
}

# incus file push and pull. On a stopped instance a helper of Incus's serves them, which leaves
# when the last client has gone: who comes just then is told EOF.
push() {
	for attempt in 1 2 3; do
		incus file push -q "$@" 2> "$RIG/push" && return 0
		grep -q EOF "$RIG/push" || break
	done
	die "push, attempt $attempt: $(cat "$RIG/push")"
}

pull() {
	for attempt in 1 2 3; do
		incus file pull -q "$1" - 2> "$RIG/pull" && return 0
		grep -q EOF "$RIG/pull" || return 1
	done
	return 1
}

# instance NAME [WORD]...: make one whose default command line is WORD...; by default what is
# on standard input, a shell script, becomes the application. PLACE is a member of a cluster.
instance() {
	inst=$1
	shift
	[ $# != 0 ] || cat > "$RIG/app"
	# The client takes its standard input for a configuration.
	incus init busybox "$inst" --no-profiles --profile stremio ${PLACE:+--target="$PLACE"} < /dev/null \
		> "$RIG/out" 2>&1 || die "incus init: $(grep -m1 Error "$RIG/out")"
	if [ $# = 0 ]; then
		push "$RIG/app" "$inst/bin/app" --mode 0755
		set -- -- /bin/app
	fi
	printf '%s\n' "$@" > "$RIG/args"
	push "$RIG/args" "$inst/etc/stremio-shim.args" --mode 0644
}

start() {
	incus start "$1" > "$RIG/out" 2>&1 || {
		incus info "$1" --show-log | grep ERROR | tail -n 2
		die "incus start: $(grep -m1 Error "$RIG/out")"
	}
}

# Incus waits ten minutes by default.
stop() {
	incus stop "$1" --timeout 20 > "$RIG/out" 2>&1 || {
		said "$1" | tail -n 3
		die "incus stop: $(tail -n 1 "$RIG/out")"
	}
}

# Everything the application and the shim have said.
said() {
	incus console "$1" --show-log 2>/dev/null | tr -d '\r'
}

# Contents of a file of the application's home directory; works on stopped instances too.
home() {
	pull "$1/home/stremio/$2"
}

# until_true SECONDS COMMAND...: try every tenth of a second.
until_true() {
	tries=$(($1 * 10))
	shift
	while [ $tries -gt 0 ]; do
		if "$@" > /dev/null 2>&1; then
			return 0
		fi
		sleep 0.1
		tries=$((tries - 1))
	done
	return 1
}

# answered COMMAND...: what it says, and its status. Incus loses what a short command in an instance
# has said, once in some tens of times on a busy machine: one that ends well and has said nothing is
# asked again.
answered() {
	for _ in 1 2 3 4 5; do
		answer_rc=0
		"$@" > "$RIG/answer" < /dev/null || answer_rc=$?
		if [ "$answer_rc" != 0 ] || [ -s "$RIG/answer" ]; then
			break
		fi
	done
	cat "$RIG/answer"
	return "$answer_rc"
}

state() {
	incus query "/1.0/instances/$1" | sed -n 's/^\t"status": "\(.*\)",*$/\1/p'
}

is_stopped() { [ "$(state "$1")" = Stopped ]; }
is_ready() { [ "$(state "$1")" = Ready ]; }
has_home() { home "$1" "$2"; }
# lines NAME FILE N: that file of its home has N lines.
lines() { [ "$(home "$1" "$2" | wc -l)" = "$3" ]; }

wait_home() {
	until_true 10 has_home "$1" "$2" || { said "$1" | tail -n 3; die "$1: no ~/$2 after 10 s"; }
}

# How PID 1 ended: what the profile's log level is for. liblxc writes nothing for 0.
exit_status() {
	incus info "$1" --show-log 2>/dev/null |
		sed -n 's/.*Child <[0-9]*> ended on error (\([0-9]*\)).*/\1/p' | tail -n 1 | grep . || echo 0
}

ended() { exit_status "$1" | grep -qxE -- "$2"; }

# ended_with NAME STATUS: STATUS is a pattern. An instance is called stopped for a moment before
# it is, and until then Incus answers with an error in place of the log.
ended_with() {
	until_true 5 ended "$1" "$2" || die "exit status $(exit_status "$1"), not $2: $(said "$1" | tail -n 1)"
}

# Kept: asked once more, Incus may have nothing to show for a moment.
has_line() { said "$1" | grep '^stremio-shim: ' > "$RIG/line"; }

# fails_with NAME STATUS PATTERN: it stops by itself with that status (a pattern, too) and one
# line like that.
fails_with() {
	# A PID 1 that is gone within milliseconds can be gone before Incus has asked liblxc for it:
	# then the start is an error of Incus's own, without console and log, and says nothing.
	for attempt in 1 2 3; do
		incus start "$1" > "$RIG/out" 2>&1 || echo "start $attempt: $(cat "$RIG/out")"
		until_true 10 is_stopped "$1" || die "$1 still runs"
		until_true 3 ended "$1" "$2" && break
	done
	ended_with "$1" "$2"
	# liblxc's log, where the status stands, is written before the console's.
	until_true 5 has_line "$1" || die "no line on the console: $(said "$1" | tail -n 3)"
	line=$(cat "$RIG/line")
	[ "$(echo "$line" | wc -l)" = 1 ] || die "more than one line: $line"
	echo "$line" | grep -qE -- "$3" || die "the line is: $line"
}

# The first process of the daemon's namespaces.
daemon_pid() {
	read -r first < "$RIG/incus/pid"
	# Without a newline at its end, which read calls a failure.
	read -r child _ < "/proc/$first/task/$first/children" || :
	echo "$child"
}

# Run a command where the daemon runs: its mounts and process numbers.
in_daemon() {
	incusd_enter "$RIG/incus" "$@"
}

# An instance that is just ending is busy, and is not deleted then.
gone() {
	for g in "$@"; do
		until_true 20 no_instance "$g" || echo "$g is still there"
	done
}

no_instance() {
	incus delete --force "$1" > /dev/null 2>&1 || ! incus query "/1.0/instances/$1" > /dev/null 2>&1
}
