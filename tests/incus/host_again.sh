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

# resolver NAME: what names its name server.
resolver() { pull "$1/etc/resolv.conf" | grep -v '^#'; }

# As the troubleshooting of the README says it, and as the menu does it.
test_host_launch_follows_a_bridge_that_was_made_anew() {
	session_up
	trap bridges_gone EXIT
	bridge incusbr0 10.98.0.1
	host_ok launch one --image=busybox --no-self-test --display=none
	for subnet in 10.99.1 10.99.2; do
		word=--network=auto
		[ $subnet = 10.99.1 ] || word=--display=none
		host_ok stop one
		incus network delete incusbr0 > /dev/null || die 'network delete'
		bridge incusbr0 "$subnet.1"
		host doctor one
		grep -A1 '^warn  instance.network  ' "$RIG/out" | grep -q -- '-> .*launch one --network=auto' ||
			die "doctor: $(grep -A1 instance.network "$RIG/out")"
		host_ok launch one --no-self-test --display=none "$word"
		[ "$(incus config device get one eth0 ipv4.address)" = "$subnet.254" ] ||
			die "$word: its address is $(incus config device get one eth0 ipv4.address)"
		[ "$(resolver one)" = "nameserver $subnet.1" ] || die "$word: $(resolver one)"
		answer=$(inside one nslookup _gateway.incus 2>&1)
		case $answer in *"$subnet.1"*"$subnet.1"*) ;; *) die "$word: no name server: $answer" ;; esac
		host doctor one
		grep -q '^ok    instance.network  ' "$RIG/out" || die "doctor: $(grep -A1 instance.network "$RIG/out")"
	done
	# Whoever names a name server of his own keeps it.
	host_ok stop one
	echo 'nameserver 192.0.2.1' > "$RIG/resolv.conf"
	push "$RIG/resolv.conf" one/etc/resolv.conf
	incus network set incusbr0 ipv4.address=10.96.0.1/24 || die 'network set'
	host_ok launch one --no-self-test --display=none
	[ "$(incus config device get one eth0 ipv4.address)" = 10.96.0.254 ] || die 'its address is another'
	[ "$(resolver one)" = 'nameserver 192.0.2.1' ] || die "the own name server is gone: $(resolver one)"
}

test_host_launch_gives_a_copy_an_address_of_its_own() {
	session_up
	trap bridges_gone EXIT
	bridge incusbr0 10.98.0.1
	bridge left 10.97.5.1
	host_ok launch one --image=busybox --no-self-test --display=none --network=left
	incus copy one two > "$RIG/out" 2>&1 || die "copy: $(tail -n 1 "$RIG/out")"
	host doctor two
	grep -q '^warn  instance.network  eth0 10.97.5.254: .*another instance has it' "$RIG/out" ||
		die "doctor: $(grep -A1 instance.network "$RIG/out")"
	host_ok launch two --no-self-test --display=none
	[ "$(state one) $(state two)" = 'Ready Ready' ] || die "$(state one) $(state two)"
	# Of the bridge that was named once, though there is the other one.
	for name in one two; do
		host_ok stop $name
		host_ok launch $name --no-self-test --display=none
		incus config device get $name eth0 ipv4.address
		incus config device get $name eth0 host_name
	done | grep -v '^stremio-incus' | paste -sd' ' > "$RIG/names"
	[ "$(cat "$RIG/names")" = '10.97.5.254 stremio0a6105fe 10.97.5.253 stremio0a6105fd' ] || die "$(cat "$RIG/names")"
	# A device of the user's own is none of launch's.
	host_ok stop two
	incus config device remove two eth0 > /dev/null
	incus config device add two eth0 nic nictype=p2p > /dev/null
	incus config device show two > "$RIG/before"
	host_ok launch two --no-self-test --display=none --network=auto
	incus config device show two | diff "$RIG/before" - || die 'it has changed what is not its own'
}
