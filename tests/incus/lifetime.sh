#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Start, stop, restart: what survives of the application's work.

# An application that needs 0.3 s to save its work, and a process that was forked away from it
# twice and needs as long.
saver() {
	cat <<-'END'
	#!/bin/sh
	echo start >> ~/starts
	( setsid sh -c 'trap "sleep 0.3; echo saved > ~/leftover; exit" TERM
		echo up > ~/leftover-up
		while :; do sleep 60 & wait $!; done' & )
	trap 'sleep 0.3; echo saved > ~/app; exit 7' TERM
	while [ ! -e ~/leftover-up ]; do sleep 0.05; done
	echo up > ~/up
	while :; do sleep 60 & wait $!; done
	END
}

saved() {
	[ "$(home "$1" app)" = saved ] || die "the application's work is lost"
	[ "$(home "$1" leftover)" = saved ] || die "the leftover process's work is lost"
}

test_stop_runs_the_term_handler_to_its_end() {
	saver | instance saver
	start saver
	wait_home saver up
	stop saver
	saved saver
	ended_with saver 7
}

test_stop_is_quick() {
	instance quick -- /bin/sleep 1000
	start quick
	until_true 10 is_ready quick || die "state $(state quick)"
	began=$(date +%s%N)
	stop quick
	took=$((($(date +%s%N) - began) / 1000000))
	echo "$took ms"
	# 0.6 s of it are Incus and lxcfs; the default time-out would be 10 s.
	[ $took -lt 4000 ] || die "it took $took ms"
}

test_every_stop_signal_stops_in_order() {
	saver | instance saver
	for signal in 30 37 38 15; do
		incus file delete saver/home/stremio/app saver/home/stremio/leftover \
			saver/home/stremio/up saver/home/stremio/leftover-up > /dev/null 2>&1
		start saver
		wait_home saver up
		incus exec saver -- kill -$signal 1 || die "cannot send signal $signal"
		until_true 10 is_stopped saver || die "signal $signal: it still runs"
		( saved saver ) || die "signal $signal: work is lost"
		ended_with saver 7
	done
}

test_int_restarts_in_order() {
	saver | instance saver
	start saver
	wait_home saver up
	incus exec saver -- kill -INT 1
	until_true 15 lines saver starts 2 || die "starts: $(home saver starts | wc -l), state $(state saver)"
	saved saver
	until_true 5 is_ready saver || die "state $(state saver)"
}

test_incus_restart_restarts_in_order() {
	saver | instance saver
	start saver
	wait_home saver up
	incus restart saver --timeout 20 > "$RIG/out" 2>&1 || die "$(cat "$RIG/out")"
	until_true 10 lines saver starts 2 || die "starts: $(home saver starts | wc -l)"
	saved saver
}

test_end_of_the_application_stops_the_instance() {
	instance ends <<-'END'
	#!/bin/sh
	exit 42
	END
	start ends
	until_true 10 is_stopped ends || die 'it still runs'
	ended_with ends 42
}

test_an_application_that_ignores_term_is_killed_in_time() {
	instance deaf --stop-timeout=1 -- /bin/sh -c \
		'trap "" TERM HUP; echo up > ~/up; while :; do sleep 1; done'
	start deaf
	wait_home deaf up
	began=$(date +%s)
	stop deaf
	[ $(($(date +%s) - began)) -lt 6 ] || die "it took $(($(date +%s) - began)) s"
	ended_with deaf 137
}

test_ready_is_reported() {
	incus monitor --type=lifecycle --format=json > "$RIG/events" 2>/dev/null &
	monitor=$!
	sleep 0.5
	instance ready -- /bin/sleep 1000
	start ready
	until_true 10 is_ready ready || { kill $monitor; die "state $(state ready)"; }
	until_true 5 grep -q '"instance-ready"' "$RIG/events"
	seen=$?
	kill $monitor
	[ $seen = 0 ] || die 'no event instance-ready'
	# Each start anew.
	stop ready
	[ "$(state ready)" = Stopped ] || die "state $(state ready)"
	start ready
	until_true 10 is_ready ready || die "second start: state $(state ready)"
}

# Mounts, processes, control groups and files of the daemon's world. The instance's own files
# and Incus's database are not counted: it is still there, and they grow by design.
traces() {
	# shellcheck disable=SC2016
	in_daemon sh -c '
		cat /proc/self/mountinfo | awk "{ print \"mount\", \$5 }"
		ps -e -o comm= | grep -vE "^(ps|sh|grep|awk|cat|find|sed|sort)$" | sed "s/^/process /"
		find /sys/fs/cgroup -type d -path "*lxc.*"
		find "$1" \( -path "*/containers/*" -o -path "*/database" -o -path "*/logs" \
			-o -path "*/backups" \) -prune -o -print' traces "$RIG/incus" | sort
}

# Not before it is ready: what Incus sends to a PID 1 that has not been executed yet is lost, with
# any init, and it waits for the answer.
cycle() {
	start cycle
	until_true 10 is_ready cycle || die "state $(state cycle)"
	stop cycle
}

test_twenty_cycles_leave_nothing() {
	instance cycle -- /bin/sleep 1000
	cycle
	traces > "$RIG/before"
	i=0
	while [ $i -lt 20 ]; do
		cycle
		i=$((i + 1))
	done
	sleep 0.5
	traces > "$RIG/after"
	diff "$RIG/before" "$RIG/after" || die 'something is left'
}
