#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, image and RIG are set by run.sh and the rig
#
# An Incus cluster whose members have different devices: wherever an instance is brought, it has
# the devices of that host and of no other, and its application was told to end.

# Two members as the README makes them, and on a an application that keeps a diary.
cluster_up() {
	if hosts_up; then
		cluster_make
	else
		gone app
	fi
	PLACE=a instance app <<-'END'
	#!/bin/sh
	trap 'echo ended >> ~/diary; exit' TERM
	cd /dev && find dri snd -type c | sort > /tmp/nodes
	sed -n 's,dri/,,p' /tmp/nodes >> ~/diary
	while :; do
		sleep 1000 &
		wait $!
	done
	END
	for h in a b; do
		on $h cat /proc/self/mountinfo > "$RIG/mounts-$h"
	done
}

cluster_make() {
	devices_of a
	fake_desktop
	devices_of b
	fake_nothing
	fake_card 1 HDMI
	fake_sound controlC1 50
	fake_sound pcmC1D3p 51
	fake_drm renderD129 129
	run_block cluster
	[ "$(incus cluster list -f csv | grep -c '^[ab],.*,ONLINE,')" = 2 ] || die "$(incus cluster list)"
	incus profile create stremio < "$top/incus-profile.yaml" > /dev/null || die 'the profile'
	image_import "$image" busybox || die 'the image'
}

# lives_on HOST: the instance is there with all of that host's devices and no other's, and the
# other host has nothing left of it. In the diary is, too, the node that a has by its name only.
lives_on() {
	case $1 in
	a) other=b node=renderD128 n=14 ;;
	b) other=a node=renderD129 n=3 ;;
	esac
	[ "$(incus list -f csv -c L app)" = "$1" ] || die "it is on $(incus list -f csv -c L app)"
	until_true 10 diary_ends "$node" || {
		said app | tail -n 3
		die "on $1, $(state app): $(diary); $(hook_log app | tail -n 1)"
	}
	answer=$(nodes_in app)
	[ "$(echo "$answer" | wc -l)" = "$n" ] || die "on $1, of $n nodes: $answer"
	answer=$(opens app 1000 1000 "dri/$node")
	case $answer in *'No such device or address') ;; *) die "on $1: $answer" ;; esac
	answer=$(opens app 1001 1001 "dri/$node")
	case $answer in *'Permission denied') ;; *) die "on $1, as another user: $answer" ;; esac
	self_test_is_good
	[ "$(on "$1" ls /run/stremio-shim)" = app ] || die "$1: no state"
	[ -z "$(on "$other" ls -A /run/stremio-shim)" ] || die "$other: state is left"
	on "$other" cat /proc/self/mountinfo | diff "$RIG/mounts-$other" - > "$RIG/diff" ||
		die "$other: $(cat "$RIG/diff")"
	on "$other" test -e /var/lib/incus/storage-pools/default/containers/app && die "$other: files are left"
	true
}

diary() { home app diary | tr '\n' ' '; }
diary_ends() { [ "$(home app diary | tail -n 1)" = "$1" ]; }
diary_is() { [ "$(diary)" = "$1 " ] || die "the application's life: $(diary)"; }

self_test_is_good() {
	incus exec app -- /opt/stremio-shim/stremio-shim --self-test > "$RIG/self-test" 2>&1 < /dev/null ||
		die "the self-test: $? $(tail -n 1 "$RIG/self-test")"
}

test_cluster_move_brings_it_to_the_other_members_devices() {
	cluster_up
	start app
	lives_on a
	run_block move
	lives_on b
	stop app
	incus move app --target a > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	start app
	lives_on a
	diary_is 'card0 renderD128 ended renderD129 ended card0 renderD128'
	# What the README says of a running one, and of other guides' words.
	incus move app --target b > "$RIG/out" 2>&1 && die 'a running one can be moved'
	grep -q 'CRIU' "$RIG/out" || die "$(cat "$RIG/out")"
	incus move app b:app > "$RIG/out" 2>&1 && die 'b: is something'
	incus cluster join b > "$RIG/out" 2>&1 && die 'cluster join is something'
	lives_on a
}

test_cluster_evacuation_takes_it_away_and_brings_it_back() {
	cluster_up
	start app
	lives_on a
	evacuated a
	is_stopped app || die "state $(state app)"
	diary_is 'card0 renderD128 ended'
	restored a
	lives_on a
	run_block evacuate
	lives_on a
	diary_is 'card0 renderD128 ended card0 renderD128 ended card0 renderD128 ended renderD129 ended card0 renderD128'
}

evacuated() {
	incus cluster evacuate "$1" --force > "$RIG/out" 2>&1 || die "evacuate: $(tail -n 1 "$RIG/out")"
}

restored() {
	incus cluster restore "$1" --force > "$RIG/out" 2>&1 || die "restore: $(tail -n 1 "$RIG/out")"
}

# A fault of Incus 6.0, by which the README's recipe has one line more.
test_cluster_restore_takes_ready_for_stopped() {
	cluster_up
	incus config set app cluster.evacuate=migrate
	start app
	lives_on a
	evacuated a
	lives_on b
	until_true 10 is_ready app || die "state $(state app)"
	incus cluster restore a --force > "$RIG/out" 2>&1 && die 'that fault is gone: README, cluster'
	grep -q 'must be stopped' "$RIG/out" || die "$(cat "$RIG/out")"
	lives_on b
	stop app
	restored a
	start app
	lives_on a
	diary_is 'card0 renderD128 ended renderD129 ended card0 renderD128'
}

test_cluster_member_without_the_hook_starts_it_and_says_so() {
	cluster_up
	start app
	lives_on a
	stop app
	mv "$RIG/b-usr/lib/stremio-shim/stremio-hook" "$RIG/hook.away"
	incus move app --target b > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	start app
	until_true 10 is_ready app || die "state $(state app)"
	logged app 'stremio-hook: not on this host, no device is wired'
	[ -z "$(nodes_in app)" ] || die "wired: $(nodes_in app)"
	self_test_is_good
	stop app
	incus move app --target a > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	mv "$RIG/hook.away" "$RIG/b-usr/lib/stremio-shim/stremio-hook"
	start app
	lives_on a
}
