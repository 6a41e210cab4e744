#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top and here are set by run.sh
#
# What incus-profile.yaml promises.

test_profile_applies_as_it_is() {
	incus profile create asitis < "$top/incus-profile.yaml" > "$RIG/out" 2>&1 ||
		die "$(cat "$RIG/out")"
	incus profile show asitis > "$RIG/shown"
	incus profile delete asitis > /dev/null
	# Every key of the file is in force: a misspelt one would be dropped or refused.
	# shellcheck disable=SC2013
	for key in $(sed -n 's/^ *\([a-z_0-9-]*\(\.[a-z_0-9-]*\)*\):.*/\1/p' "$top/incus-profile.yaml"); do
		[ "$key" = name ] || grep -q "^ *$key:" "$RIG/shown" || die "$key is not there"
	done
}

test_the_profile_alone_launches_an_instance() {
	incus launch busybox alone --profile stremio > "$RIG/out" 2>&1 ||
		die "$(grep Error "$RIG/out")"
	until_true 10 is_ready alone || die "state $(state alone)"
}

test_missing_guest_directory_stops_the_start_by_name() {
	sed "s|$RIG/guest|$RIG/nowhere|" "$RIG/profile.yaml" | incus profile create nowhere > /dev/null
	incus launch busybox lost --no-profiles --profile nowhere > "$RIG/out" 2>&1 && die 'it started'
	gone lost
	incus profile delete nowhere > /dev/null
	grep -q "$RIG/nowhere" "$RIG/out" || die "$(grep Error "$RIG/out")"
}

test_shim_is_pid_1() {
	instance one -- /bin/sleep 1000
	start one
	until_true 10 is_ready one || die "state $(state one)"
	pid=$(incus query /1.0/instances/one/state | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
	[ "$(in_daemon sha256sum "/proc/$pid/exe" | cut -d' ' -f1)" = \
	  "$(sha256sum < "$BUILD/stremio-shim" | cut -d' ' -f1)" ] || die 'PID 1 is another program'
	in_daemon grep -q '^NSpid:.*[[:space:]]1$' "/proc/$pid/status" || die 'it is not PID 1'
	# Nobody inside can put another one in its place.
	incus exec one -- touch /opt/stremio-shim/stremio-shim 2>/dev/null && die 'it can be written'
	incus exec one -- rm -f /opt/stremio-shim/stremio-shim 2>/dev/null && die 'it can be removed'
	true
}

test_instances_share_no_user_ids() {
	instance a -- /bin/sleep 1000
	instance b -- /bin/sleep 1000
	start a
	start b
	# shellcheck disable=SC2046
	set -- $(incus exec a -- cat /proc/1/uid_map) $(incus exec b -- cat /proc/1/uid_map)
	if [ "$#" != 6 ] || [ "$3" != 65536 ] || [ "$6" != 65536 ]; then
		die "maps: $*"
	fi
	if [ "$2" -le 0 ] || [ "$5" -le 0 ]; then
		die "root of the host is in the map: $*"
	fi
	if [ $(($2 - $5)) -lt 65536 ] && [ $(($5 - $2)) -lt 65536 ]; then
		die "they overlap: $*"
	fi
}

test_denied_calls_are_denied_in_exec_too() {
	musl-gcc -static -O2 -o "$RIG/denied" "$here/denied.c" || die 'denied.c does not compile'
	instance calls -- /bin/sleep 1000
	push "$RIG/denied" calls/bin/denied --mode 0755
	start calls
	incus exec calls -- denied > "$RIG/answers" || die 'the program was killed'
	sed -n 's/^ *\([a-z_]*\) errno \([0-9]*\)$/\1 \2/p' "$top/incus-profile.yaml" > "$RIG/wanted"
	[ -s "$RIG/wanted" ] || die 'no call is denied in the profile'
	diff -u "$RIG/wanted" "$RIG/answers" || die 'the kernel answers otherwise'
}

test_limits_are_in_force() {
	instance full <<-'END'
	#!/bin/sh
	ulimit -c > ~/core
	i=0
	while [ $i -lt 600 ]; do sleep 60 & i=$((i + 1)); done 2> ~/forks
	END
	start full
	until_true 20 is_stopped full || true
	home full forks | grep -qi "can't fork" || die 'six hundred processes and no end'
	[ "$(home full core)" = 0 ] || die "core limit $(home full core)"
}
