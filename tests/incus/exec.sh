#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What still works on a running instance after PID 1 has given up its privileges.

running() {
	instance "$1" -- /bin/sleep 1000
	start "$1"
	until_true 10 is_ready "$1" || die "state $(state "$1")"
}

test_exec_keeps_working() {
	running on
	[ "$(incus exec on -- id -u)" = 0 ] || die 'no root shell'
	[ "$(incus exec on --user 1000 --group 1000 -- id -u)" = 1000 ] || die 'cannot become the user'
	incus exec on -- false && die 'its exit status is lost'
	# The bounding set of PID 1 is theirs: launch, that is SETGID SETUID SETPCAP and KILL.
	incus exec on -- grep -E '^(CapEff|CapBnd)' /proc/self/status > "$RIG/caps"
	for set in CapEff CapBnd; do
		caps=$(sed -n "s/^$set:[[:space:]]*//p" "$RIG/caps")
		[ $((0x$caps & 0x1c0)) = $((0x1c0)) ] || die "$set $caps lacks what a launch needs"
		[ $((0x$caps & ~0x1e0)) = 0 ] || die "$set $caps has more"
	done
}

test_exec_through_the_shim_is_confined() {
	running on
	incus exec on -- /opt/stremio-shim/stremio-shim -- cat /proc/self/status > "$RIG/status" ||
		die 'it fails'
	for line in 'Uid: 1000 1000 1000 1000' 'Gid: 1000 1000 1000 1000' 'Groups: ' \
		    'CapPrm: 0000000000000000' 'CapEff: 0000000000000000' 'CapBnd: 0000000000000000' \
		    'NoNewPrivs: 1' 'Seccomp: 2'; do
		tr '\t' ' ' < "$RIG/status" | sed 's/ *$//' | grep -qx "${line% }" ||
			die "not $line but $(grep "^${line%%:*}:" "$RIG/status")"
	done
	incus exec on -- /opt/stremio-shim/stremio-shim -- sh -c 'exit 5'
	[ $? = 5 ] || die 'its exit status is lost'
}

test_exec_bounding_is_chosen() {
	all=$(printf '%016x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))
	for chosen in none full; do
		instance on "--exec-bounding=$chosen" -- /bin/sleep 1000
		start on
		until_true 10 is_ready on || die "state $(state on)"
		caps=$(incus exec on -- sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
		case $chosen in
		none) [ "$caps" = 0000000000000000 ] || die "none leaves $caps" ;;
		full) [ "$caps" = "$all" ] || die "full leaves $caps" ;;
		esac
		gone on
	done
}

test_files_can_be_pushed_and_pulled() {
	running on
	echo hello | incus file push -q - on/home/stremio/x --uid 1000 --gid 1000 || die 'push'
	[ "$(incus file pull -q on/home/stremio/x -)" = hello ] || die 'pull'
	incus exec on --user 1000 --group 1000 -- sh -c 'echo more >> /home/stremio/x' || die 'not its own'
}

test_devices_can_be_added_and_removed() {
	running on
	incus config device add on zero unix-char source=/dev/zero path=/dev/extra \
		uid=1000 mode=0600 > /dev/null || die 'cannot add a node'
	incus exec on --user 1000 --group 1000 -- head -c 4 /dev/extra > "$RIG/zeros" || die 'cannot open it'
	[ "$(stat -c %s "$RIG/zeros")" = 4 ] || die 'it gives nothing'
	incus config device remove on zero > /dev/null || die 'cannot remove it'
	incus exec on -- test -e /dev/extra && die 'it is still there'
	mkdir -p "$RIG/dir"
	echo here > "$RIG/dir/file"
	incus config device add on dir disk source="$RIG/dir" path=/mnt/dir readonly=true > /dev/null ||
		die 'cannot add a directory'
	[ "$(incus exec on -- cat /mnt/dir/file)" = here ] || die 'it is not there'
	incus config device remove on dir > /dev/null || die 'cannot remove the directory'
}

test_snapshot_restore_and_copy_work() {
	instance first <<-'END'
	#!/bin/sh
	echo start >> ~/starts
	exec sleep 1000
	END
	start first
	wait_home first starts
	stop first
	incus snapshot create first s1 || die 'snapshot'
	start first
	until_true 10 lines first starts 2 || die "starts: $(home first starts | wc -l)"
	stop first
	incus snapshot restore first s1 || die 'restore'
	[ "$(home first starts | wc -l)" = 1 ] || die 'not as it was'
	incus copy first second > /dev/null || die 'copy'
	start second
	until_true 10 is_ready second || die "the copy: state $(state second)"
}
