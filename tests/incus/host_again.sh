#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, here and RIG are set by run.sh
#
# What stremio-incus makes of an instance and a profile that something else has changed since its
# last launch: a network of another subnet, a copy, a person.

# bridge NAME ADDRESS: a managed one, of that /24. bridges_gone ends a test with them.
bridge() {
	incus network create "$1" ipv6.address=none "ipv4.address=$2/24" ipv4.nat=true > "$RIG/out" 2>&1 ||
		die "$(tail -n 1 "$RIG/out")"
}

bridges_gone() {
	gone one two
	for name in incusbr0 left; do
		incus network delete $name
	done > /dev/null 2>&1
	session_down
}

# Its own address is not taken by somebody else.
test_host_launch_with_a_bridge_gives_the_address_it_has() {
	session_up
	trap bridges_gone EXIT
	bridge left 10.97.5.1
	host_ok launch one --image=busybox --no-self-test --display=none --network=left
	host_ok launch two --image=busybox --no-self-test --display=none --network=left
	host_ok stop two
	incus query /1.0/instances/two | grep -v '"volatile\.' | sed -n '/"devices": {/,/}/p' > "$RIG/before"
	grep -q 10.97.5.253 "$RIG/before" || die "$(cat "$RIG/before")"
	# One that is free now does not draw it there, either.
	gone one
	host_ok launch two --no-self-test --display=none --network=left
	incus query /1.0/instances/two | grep -v '"volatile\.' | sed -n '/"devices": {/,/}/p' |
		diff "$RIG/before" - > "$RIG/out" || die "it has changed: $(grep '^[<>].*address' "$RIG/out" | tr -d '\n')"
}
