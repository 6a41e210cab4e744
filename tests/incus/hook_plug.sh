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
