#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # FAKE and RIG are set by run.sh and the rig
#
# What stremio-hook makes of an event of udev's where not all is as it should be. The everyday ones,
# and the verbs that these tests are written in, are in hook.sh.

# In no namespace but the host's own: not a container of anybody's.
test_hook_forgets_an_instance_whose_number_a_host_process_has() {
	# shellcheck disable=SC2016
	pid=$(in_daemon sh -c 'mkdir -p -m 700 /run/stremio-shim/ghost; sleep 1000 > /dev/null & echo $!
		printf "pid %s\nstart 1\ngid 1000\ndevices gpu\n" $! > /run/stremio-shim/ghost/wired')
	# Not the one with devices: it leaves that namespace before it looks.
	rc=0
	in_daemon "$FAKE/real-hook" plug > "$RIG/out" 2>&1 || rc=$?
	in_daemon kill "$pid" || die 'the process was ended'
	[ $rc = 0 ] || die "plug: $rc, $(cat "$RIG/out")"
	has_state ghost && die 'still there'
	true
}

test_hook_takes_none_away_for_being_one_too_many() {
	fake_desktop
	rm -rf "${FAKE:?}/dev"
	mkdir "$FAKE/dev"
	mknod "$FAKE/dev/nvidia0" c 195 0
	trap 'rm -r "$FAKE/dev"' EXIT
	idle crowd
	for i in $(seq 140); do
		fake_sound "pcmC1D${i}p" $((100 + i))
	done
	fake_gone timer
	hook plug --dry-run > "$RIG/plan" 2>&1 && die 'no complaint'
	grep -o '^remove [^ ]*' "$RIG/plan" | grep -vx 'remove /dev/snd/timer' && die 'more is to go'
	hook plug > "$RIG/out" 2>&1 && die 'no complaint'
	grep -v '^stremio-hook: discover: more than 128 nodes' "$RIG/out" && die 'it says more'
	nodes_in crowd > "$RIG/all"
	for n in dri/renderD128 snd/controlC0 snd/pcmC0D32p nvidia0; do
		grep -qx $n "$RIG/all" || die "no $n"
	done
	grep -qx snd/timer "$RIG/all" && die 'what is gone is there'
	# And the name of the primary node.
	[ "$(wc -l < "$RIG/all")" = 127 ] || die "$(wc -l < "$RIG/all") nodes"
}
