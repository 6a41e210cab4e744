#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154,SC2317,SC2034 # top and RIG are set by run.sh, which uses FAKE
#
# Two hosts, a and b, that become members of an Incus cluster: a daemon each in mount, network and
# process id namespaces of its own, joined by a cable. Each has its own /usr/local, so that the
# shipped profile is used as it is, and its own devices. For sourcing by run.sh.
#
#   hosts_up               both, not yet a cluster; 1 when an earlier test has left them, a cluster by
#                          now. They are there until rig_down, or until a test fails.
#   on a|b COMMAND...      run it there
#   devices_of a|b         whose devices fake_drm and its like make from now on
#
# From hosts_up on RIG is a directory of theirs, and `incus` the one of a, where its user would
# type it: a client elsewhere would look for the members' addresses on another network. In the
# README's blocks, too, where ssh leads to b.

hosts_up() {
	common=$RIG
	RIG=$RIG/cluster
	mkdir -p "$RIG/bin" "$RIG/work"
	chmod 711 "$RIG"
	trap '[ $? = 0 ] || hosts_down "$RIG"' EXIT
	trap 'exit 130' INT TERM HUP
	client=$(command -v incus)
	if [ -e "$RIG/bin/ssh" ]; then
		incus() { on a incus "$@"; }
		return 1
	fi
	# Their daemons are looked at before there is a way to type in there: by the client here.
	host_up a
	host_up b
	# By numbers of processes of this namespace, not of a's.
	nsenter -t "$(host_pid a)" -n ip link add cable type veth peer name cable netns "$(host_pid b)" ||
		die 'no cable'
	for h in a b; do
		[ $h = a ] && n=1 || n=2
		nsenter -t "$(host_pid $h)" -n sh -c "ip addr add 10.99.0.$n/24 dev cable && ip link set cable up" ||
			die "$h: no address"
		# Every shell word as it is, to the other side: env sets nothing that a blank could part.
		printf 'exec nsenter -t %s -m -n -p -- env PATH="%s" INCUS_DIR=/var/lib/incus INCUS_CONF="%s" "$@"\n' \
			"$(host_pid $h)" "$PATH" "$RIG/$h/client" > "$RIG/on-$h"
	done
	printf '#!/bin/sh\nexec sh "%s" "%s" "$@"\n' "$RIG/on-a" "$client" > "$RIG/bin/incus"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\n[ "$1" = b ] || exit 255\nshift\nexec sh "%s" "$@"\n' "$RIG/on-b" > "$RIG/bin/ssh"
	chmod 755 "$RIG/bin/incus" "$RIG/bin/ssh"
	incus() { on a incus "$@"; }
}

# usage: host_up NAME
host_up() {
	mkdir -p "$RIG/$1-usr/lib"
	if ! cp -r "$common/fake" "$RIG/$1-usr/lib/stremio-shim" ||
	   ! cp -r "$common/guest" "$RIG/$1-usr/lib/stremio-shim/guest"; then
		die "$1: no room"
	fi
	(
		# What is to join must be without a pool.
		[ "$1" = a ] || incusd_preseed() { :; }
		incusd_start "$RIG/$1"
	) > "$RIG/out" 2>&1 || die "$1: $(tail -n 1 "$RIG/out")"
	nsenter -t "$(host_pid "$1")" -m mount --bind "$RIG/$1-usr" /usr/local || die "$1: mount"
}

# usage: hosts_down DIR
hosts_down() {
	# Without b, where there is no other database, the end of a would take 17 s.
	incusd_stop "$1/a"
	incusd_stop "$1/b"
	rm -rf "$1"
}

# The first process of the host's namespaces.
host_pid() {
	read -r first < "$RIG/$1/pid"
	# Without a newline at its end, which read calls a failure.
	read -r child _ < "/proc/$first/task/$first/children" || :
	echo "$child"
}

on() {
	at=$1
	shift
	sh "$RIG/on-$at" "$@"
}

devices_of() { FAKE=$RIG/$1-usr/lib/stremio-shim; }
