#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, here and FAKE are set by run.sh and the rig
#
# stremio-hook is root of the host, and works in a place that an instance's root controls with
# words that an instance's configuration chose.

# unharmed NAME: neither the host nor the instance has a device where none belongs.
unharmed() {
	find /etc -newer "$RIG/profile.yaml" \( -name 'render*' -o -name 'card[0-9]' \) | grep . &&
		die "in the host's /etc"
	mountpoint -q /etc/passwd && die "on the host's /etc/passwd"
	in_daemon grep -E ' /etc[/ ]' /proc/self/mountinfo && die "on the daemon's /etc"
	answered incus exec "$1" -- ls /etc | grep -E 'render|^card' && die "in the instance's /etc"
	incus exec "$1" -- grep ' /etc' /proc/self/mountinfo && die "on the instance's /etc"
	true
}

# is_empty NAME DIRECTORY. That there is nothing is an answer, too.
is_empty() {
	[ "$(answered incus exec "$1" -- sh -c "ls $2; echo all")" = all ] || die "the hook was in $2"
}

# desktop_is_refused NAME TEXT: the devices come, and the hook tells of one that NAME cannot have.
desktop_is_refused() {
	fake_desktop
	hook plug > "$RIG/out" 2>&1 && die 'no complaint'
	logged "$1" "$2"
}

# Everything in the instance's file system that a C library, on its own account, would open for a
# process that is in there: host root must neither wait for it nor read it.
test_hook_opens_no_file_of_the_instance_on_the_side() {
	fake_nothing
	idle trapped
	for f in localtime nsswitch.conf passwd group ld.so.cache ld.so.preload; do
		incus exec trapped -- sh -c "rm -f /etc/$f; mkfifo /etc/$f" || die "$f"
	done
	# So that there is something to say while it is in there.
	incus exec trapped -- sh -c 'rmdir /dev/dri; ln -s /etc /dev/dri'
	fake_desktop
	hook plug > "$RIG/out" 2>&1 && die 'no complaint'
	grep -q 'did not finish' "$RIG/out" && die "it was held up: $(cat "$RIG/out")"
	logged trapped 'cannot make or open the directory of .dri/renderD128'
	[ "$(nodes_in trapped | wc -l)" = 13 ] || die "$(nodes_in trapped | wc -l) nodes"
	# At a start it reads the accounts, and has a word to say at its end.
	stop trapped
	start trapped
	logged trapped 'wired: 14 nodes'
	has_logged trapped 'did not finish' && die 'it was held up at the start'
	true
}

test_hook_does_not_follow_a_link_for_a_directory() {
	fake_nothing
	idle linked
	incus exec linked -- sh -c 'rmdir /dev/dri; ln -s /etc /dev/dri'
	incus exec linked -- ln -s /etc/passwd /dev/nvidia0
	fake_desktop
	hook plug > "$RIG/out" 2>&1 && die 'no complaint'
	logged linked 'cannot make or open the directory of .dri/renderD128'
	unharmed linked
	# What is not in the way is wired all the same.
	can_open linked 1000 1000 snd/timer || die "$(opens linked 1000 1000 snd/timer)"
}

test_hook_does_not_follow_a_link_for_a_node() {
	fake_nothing
	idle linked
	incus exec linked -- ln -s /etc/passwd /dev/dri/renderD128
	incus exec linked -- sh -c 'echo text > /dev/snd/timer'
	incus exec linked -- mkdir /dev/snd/controlC0
	desktop_is_refused linked 'cannot create .dri/renderD128'
	logged linked 'cannot create .snd/timer'
	logged linked 'cannot create .snd/controlC0'
	unharmed linked
	[ "$(answered incus exec linked -- cat /dev/snd/timer)" = text ] || die 'a file was replaced'
	incus exec linked -- rm -r /dev/dri /dev/snd/timer /dev/snd/controlC0
	hook plug || die "$(hook_log linked | tail -n 1)"
	can_open linked 1000 1000 dri/renderD128 || die "$(opens linked 1000 1000 dri/renderD128)"
}

# Nor one that would not lead out of /dev: the node would be in a place that nobody looks at.
test_hook_follows_no_link_within_dev() {
	fake_nothing
	bare within
	incus exec within -- sh -c 'mkdir /dev/elsewhere; rmdir /dev/dri; ln -s elsewhere /dev/dri'
	desktop_is_refused within 'cannot make or open the directory of .dri/renderD128'
	is_empty within /dev/elsewhere
}

# What lies there would outlive the instance.
test_hook_crosses_no_mount_below_dev() {
	fake_nothing
	bare across
	incus exec across -- sh -c 'mkdir /tmp/kept; mount --bind /tmp/kept /dev/dri' || die 'mount'
	desktop_is_refused across 'cannot make or open the directory of .dri/renderD128'
	is_empty across /tmp/kept
}

# Nor into the image, where no tmpfs is on /dev.
test_hook_leaves_a_dev_that_stays_alone() {
	fake_nothing
	bare stays
	incus exec stays -- umount -l /dev || die 'umount'
	desktop_is_refused stays 'is not a tmpfs of its own'
	[ "$(answered incus exec stays -- sh -c 'cd /dev && ls -d dri snd 2> /tmp/ls; echo all')" = all ] || die 'it was written to'
}

test_hook_takes_another_device_for_another() {
	fake_nothing
	bare another
	incus exec another -- sh -c ': > /dev/dri/renderD128
		mount --bind /dev/null /dev/dri/renderD128' || die 'mount'
	desktop_is_refused another 'cannot create .dri/renderD128'
}

test_hook_takes_away_only_what_it_has_given() {
	fake_desktop
	bare own
	incus exec own -- mount --bind /dev/null /dev/snd/timer || die 'mount'
	fake_gone timer
	hook plug || die plug
	answered incus exec own -- ls -ln /dev/snd/timer | grep -q ' 1, *3 ' ||
		die "$(incus exec own -- ls -ln /dev/snd/timer)"
}

# Its number is the next device's.
test_hook_closes_the_copies_of_what_it_takes_away() {
	fake_desktop
	bare keeper
	# shellcheck disable=SC2016
	incus exec keeper -- sh -c 'for n in one two; do : > /tmp/$n && mount --bind /dev/snd/timer /tmp/$n; done' || die 'mount'
	for n in one two; do
		can_open keeper 0 0 ../tmp/$n || die "$n: $(opens keeper 0 0 ../tmp/$n)"
	done
	fake_gone timer
	hook plug > "$RIG/out" 2>&1 || die "plug: $(cat "$RIG/out")"
	incus exec keeper -- chmod 666 /tmp/one 2> /dev/null && die 'its root opened it again'
	for n in one two; do
		may_not_open keeper 0 0 ../tmp/$n || die "$n: $(opens keeper 0 0 ../tmp/$n)"
		answered incus exec keeper -- ls -ln /tmp/$n | grep -qE '^c--------- +1 65534 +65534 ' ||
			die "$n: $(incus exec keeper -- ls -ln /tmp/$n)"
	done
	not_there keeper 0 0 snd/timer || die 'it is at its place'
	can_open keeper 1000 1000 snd/pcmC0D0p || die "$(opens keeper 1000 1000 snd/pcmC0D0p)"
}

# Not with /dev/null or the like, which is the host's own.
test_hook_closes_nothing_but_what_it_takes_away() {
	fake_desktop
	bare over
	incus exec over -- mount --bind /dev/snd/controlC0 /dev/snd/timer || die 'mount'
	fake_gone timer
	hook plug || die plug
	for n in controlC0 timer; do
		can_open over 1000 1000 snd/$n || die "$n: $(opens over 1000 1000 snd/$n)"
	done
}

# What it cannot do it says, and goes on.
test_hook_says_what_it_cannot_close() {
	fake_desktop
	bare fixed
	incus exec fixed -- mount -o remount,bind,ro /dev/snd/timer || die 'mount'
	fake_gone timer
	hook plug > "$RIG/out" 2>&1 && die 'no complaint'
	logged fixed 'withdraw: cannot close .snd/timer.: Read-only file system'
	not_there fixed 0 0 snd/timer || die 'it is at its place'
	stop_all || die "stop: $(cat "$RIG/out")"
	has_state fixed && die 'its state is left'
	true
}

# At a start, a stop and a plugging in at once, one of them is in an instance's files at a time.
is_locked() { ! in_daemon flock --nonblock "/run/stremio-shim/$1" true; }

test_hook_waits_for_the_lock_of_an_instance() {
	fake_desktop
	idle locked
	# shellcheck disable=SC2016
	in_daemon timeout 60 flock /run/stremio-shim/locked \
		sh -c 'until [ -e "$0" ]; do sleep 0.1; done' "$RIG/let-go" &
	holder=$!
	until_true 10 is_locked locked || die 'nobody has the lock'
	fake_gone timer
	hook plug &
	plug=$!
	sleep 1
	nodes_in locked | grep -qx snd/timer || die 'it did not wait'
	: > "$RIG/let-go"
	wait $holder
	wait $plug || die plug
	nodes_in locked | grep -qx snd/timer && die 'it did nothing'
	true
}

test_hook_keeps_its_state_to_itself() {
	fake_desktop
	idle private
	in_daemon stat -c '%a %u' /run/stremio-shim/private /run/stremio-shim/private/wired > "$RIG/modes"
	[ "$(tr '\n' ' ' < "$RIG/modes")" = '700 0 600 0 ' ] || die "$(cat "$RIG/modes")"
	# Where others may write, what it says would not be its own word.
	in_daemon chmod 777 /run/stremio-shim
	hook status private > "$RIG/out" 2>&1 && die "a directory of everybody's: $(cat "$RIG/out")"
	in_daemon chmod 700 /run/stremio-shim
	in_daemon chown 1000 /run/stremio-shim
	hook status private > "$RIG/out" 2>&1 && die "somebody else's directory: $(cat "$RIG/out")"
	in_daemon chown 0 /run/stremio-shim
	hook status private > "$RIG/out" 2>&1 || die "$(cat "$RIG/out")"
}

test_hook_stays_below_dev_in_a_race() {
	musl-gcc -static -O2 -o "$RIG/race" "$here/race.c" || die 'race.c does not compile'
	fake_nothing
	idle racing
	push "$RIG/race" racing/bin/race --mode 0755
	incus exec racing --cwd / -- race < /dev/null > /dev/null 2>&1 &
	racer=$!
	until_true 5 incus exec racing -- pidof race || die 'the racer does not run'
	i=0 wired=0
	while [ $i -lt "${HOOK_RACES:-25}" ]; do
		fake_drm card0 0
		fake_drm renderD128 128
		hook plug > /dev/null 2>&1 && wired=$((wired + 1))
		fake_gone renderD128
		fake_gone card0
		hook plug > /dev/null 2>&1
		i=$((i + 1))
	done
	incus exec racing -- killall race
	wait $racer
	unharmed racing
	echo "wired $wired of $i"
	hook plug || die "$(hook_log racing | tail -n 1)"
	# On the host, no place of ours is another than before.
	[ -z "$(find /dev/dri -maxdepth 1 -newer "$RIG/profile.yaml" 2>/dev/null)" ] || die "in the host's /dev"
}

test_hook_does_not_trust_the_configured_environment() {
	fake_desktop
	instance poisoned -- /bin/sleep 1000
	# First in the PATH, programs that tell that they were called. (One without the host's
	# own directories breaks hooks that are not ours.)
	mkdir -p "$RIG/evil"
	for p in date mknod stremio-hook udevadm; do
		printf '#!/bin/sh\necho %s >> %s\n' "$p" "$RIG/called" > "$RIG/evil/$p"
		chmod 755 "$RIG/evil/$p"
	done
	incus config set poisoned environment.PATH="$RIG/evil:/usr/sbin:/usr/bin:/sbin:/bin" \
		environment.LD_PRELOAD=/nowhere.so \
		environment.LXC_PID=1 environment.LXC_NAME=../../etc environment.LXC_HOOK_TYPE=stop \
		environment.LXC_CONSOLE_LOGPATH=/etc/poisoned/console.log \
		environment.SYSTEMD_LOG_LEVEL=debug || die 'config'
	start poisoned
	until_true 10 is_ready poisoned || die "state $(state poisoned)"
	hook status poisoned | grep -c running | grep -qx 15 || die "$(hook status); $(hook_log poisoned)"
	[ ! -e "$RIG/called" ] || die "called from PATH: $(tr '\n' ' ' < "$RIG/called")"
	stop poisoned
	has_state poisoned && die 'its state is left'
	true
}

test_hook_answers_garbage_with_a_line_and_no_device() {
	fake_desktop
	long=$(printf 'gpu,%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)
	n=0
	# tests/unit/hook_devices_test.c has more of them.
	# shellcheck disable=SC2016
	for list in '$(reboot),gpu:../../etc/passwd' "$long$long$long$long"; do
		n=$((n + 1))
		instance garbage$n -- /bin/sleep 1000
		incus config set garbage$n environment.STREMIO_DEVICES="$list" || die "config: $list"
		# The shim refuses such a list, too, and ends, maybe before Incus has seen it start: then
		# the start fails for whatever is missed first. What the hook has said stays.
		incus start garbage$n > "$RIG/out" 2>&1 || echo "start: $(cat "$RIG/out")"
		logged garbage$n 'devices: .*STREMIO_DEVICES'
		! hook_log garbage$n | grep -q '^wired' || die "$list: wired"
	done
}

# Called by hand, or by somebody else than liblxc, it does nothing to processes that are no
# containers of its caller.
test_hook_enters_only_its_callers_containers() {
	fake_desktop
	idle other
	pid=$(in_daemon sed -n 's/^pid //p' /run/stremio-shim/other/wired)
	for p in 1 "$pid" 999999999 -1 0; do
		nsenter -t "$(daemon_pid)" -m -p env LXC_NAME=forged LXC_PID="$p" \
			"$FAKE/stremio-hook" start-host > "$RIG/out" 2>&1 || die "pid $p: exit $?"
		grep -q '^stremio-hook: ' "$RIG/out" || die "pid $p: no word"
		has_state forged && die "pid $p: state"
	done
	for name in .. . ../x a/b '' "$(printf 'a\nb')" 'a b'; do
		nsenter -t "$(daemon_pid)" -m -p env LXC_NAME="$name" LXC_PID="$pid" \
			"$FAKE/stremio-hook" stop > "$RIG/out" 2>&1 && die "stop takes '$name'"
	done
	[ "$(nodes_in other | wc -l)" = 14 ] || die "$(nodes_in other | wc -l) nodes"
}
