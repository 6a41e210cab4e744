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

profile_line() { incus profile show stremio | grep -qx -- "$1"; }

# says_changed WHEN: launch and doctor do, in one line each, and the command that doctor names brings
# the shipped profile back. The warning is all that launch has on standard error.
says_changed() {
	incus profile show stremio | grep -v '^- ' > "$RIG/changed"
	user stremio-incus launch one --image=busybox --display=none --no-self-test > "$RIG/out" 2> "$RIG/err" < /dev/null ||
		die "$1: launch: $(tail -n 1 "$RIG/err")"
	incus profile show stremio | grep -v '^- ' | diff "$RIG/changed" - > "$RIG/out" ||
		die "$1: it is overwritten: $(tail -n 1 "$RIG/out")"
	grep -v 'network: no network' "$RIG/err" > "$RIG/warning"
	[ "$(wc -l < "$RIG/warning")" = 1 ] || die "$1: not one line: $(cat "$RIG/warning")"
	host doctor one
	grep -q '^warn  profile  ' "$RIG/out" || die "$1: doctor: $(grep '  profile  ' "$RIG/out")"
	cure=$(sed -n '/^warn  profile  /{n;s/^ *-> //p;}' "$RIG/out")
	grep -qF "($cure brings the shipped one back)" "$RIG/warning" || die "$1: doctor says $cure; $(cat "$RIG/warning")"
	user sh -c "$cure" > "$RIG/out" 2>&1 < /dev/null || die "$1: $cure: $(tail -n 1 "$RIG/out")"
	called_fine "$1, and then $cure"
}

called_fine() {
	host_ok launch one --image=busybox --display=none --no-self-test
	grep profile "$RIG/out" && die "$1: launch: $(grep profile "$RIG/out")"
	host doctor one
	grep -q '^ok    profile  ' "$RIG/out" || die "$1: doctor: $(grep '  profile  ' "$RIG/out")"
}

test_host_profile_that_somebody_changed_is_left_and_called_so() {
	session_up
	trap '{ gone one; incus profile edit stremio < "$RIG/usr/share/stremio-shim/incus-profile.yaml"; } > /dev/null
		session_down' EXIT
	called_fine 'made by hand as it is shipped'
	incus profile unset stremio limits.processes
	says_changed 'a key removed'
	profile_line '  limits.processes: "512"' || die 'the key is not back'
	incus profile set stremio raw.lxc="$(incus profile get stremio raw.lxc | grep -v dev/shm)"
	says_changed 'no /dev/shm'
	incus profile device set stremio stremio-shim readonly=false
	says_changed 'a device weakened'
	sed 's/^  limits\.memory:.*/  limits.memory: 3GiB/' "$RIG/usr/share/stremio-shim/incus-profile.yaml" |
		incus profile edit stremio
	says_changed 'made by hand, and adjusted'
	# What nobody has touched follows the file, be it made by hand or by launch.
	for size in 3 4; do
		sed "s/^  limits\\.memory:.*/  limits.memory: ${size}GiB/" "$RIG/usr/share/stremio-shim/incus-profile.yaml" \
			> "$session/newer.yaml"
		# shellcheck disable=SC2034 # for user
		VARIABLES=STREMIO_PROFILE=/home/newer.yaml
		host_ok launch one --display=none --no-self-test
		grep -q 'profile stremio: updating it' "$RIG/out" || die "a newer file: $(cat "$RIG/out")"
		profile_line "  limits.memory: ${size}GiB" || die 'a newer file is not followed'
		called_fine 'a newer file'
	done
}
