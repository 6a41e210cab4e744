#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, here and FAKE are set by run.sh and the rig
#
# stremio-hook: the host's devices in instances, at their start, while they run, and no trace of
# them afterwards. What a hostile instance tries is in hook_hostile.sh.

# A node without a driver answers an open with ENXIO, in BusyBox's words "No such device or
# address": the permission was there. EACCES is "Permission denied".
opens() { answered opening "$@"; }
opening() { incus exec "$1" --cwd / --user "$2" --group "$3" -- cat "/dev/$4" 2>&1 || :; }

can_open() { opens "$@" | grep -q 'No such device or address'; }
may_not_open() { opens "$@" | grep -q 'Permission denied'; }
not_there() { opens "$@" | grep -q 'No such file'; }

hook() { in_daemon "$FAKE/stremio-hook" "$@"; }
has_state() { in_daemon test -e "/run/stremio-shim/$1"; }

# The wired nodes as the instance itself sees them, one a line, below /dev, but for those that are
# there by name only. That there are none is an answer, too: the last line is not a node's.
nodes_in() {
	answered incus exec "$1" --cwd /dev -- \
		sh -c 'find dri snd nvidia* -type c ! -perm 0 2> /dev/null; echo all' > "$RIG/nodes"
	[ "$(tail -n 1 "$RIG/nodes")" = all ] || echo 'no answer'
	sed '$d' "$RIG/nodes" | sort
}

# Only its own lines: liblxc logs the profile's hook line itself, too.
hook_log() {
	incus info "$1" --show-log 2> /dev/null |
		sed -n 's/^lxc [^ ]* [0-9.]* [A-Z]* *stremio-hook - //p'
}

has_logged() { hook_log "$1" | grep -qE -- "$2"; }

# logged NAME PATTERN: its log has such a line of the hook's. For a moment after a stop Incus
# answers with an error in place of the log.
logged() {
	until_true 5 has_logged "$1" "$2" || die "its log: $(hook_log "$1" | tail -n 1)"
}

# idle NAME: one that runs and does nothing.
idle() {
	instance "$1" -- /bin/sleep 1000
	start "$1"
	until_true 10 is_ready "$1" || die "state $(state "$1")"
}

# bare NAME: one whose first process is no shim, which would leave `incus exec` few capabilities: what
# runs in there is root as an attacker would be.
bare() {
	instance "$1" -- /bin/sleep 1000
	incus profile get stremio raw.lxc | sed 's,^lxc.init.cmd.*,lxc.init.cmd = /bin/sleep 1000,' > "$RIG/raw"
	incus config set "$1" raw.lxc - < "$RIG/raw" || die 'config'
	start "$1"
}

test_hook_wires_the_nodes_before_pid_1_starts() {
	fake_desktop
	# The first thing the application does: nothing may come later than that.
	instance wired <<-'END'
	#!/bin/sh
	ls -ln /dev/dri /dev/snd > ~/nodes
	cat /dev/dri/renderD128 2> ~/answer
	exec sleep 1000
	END
	start wired
	wait_home wired answer
	home wired nodes | grep -qE '^crw-rw---- +1 0 +1000 +226, 128 .* renderD128$' ||
		die "$(home wired nodes | grep render || echo 'no render node'); $(hook_log wired)"
	home wired answer | grep -q 'No such device or address' || die "$(home wired answer)"
	# The fourteen, and not the primary node, the sequencer, hwdep and MIDI.
	[ "$(home wired nodes | grep -c '^crw')" = 14 ] || die "$(home wired nodes | grep -c '^crw') nodes"
	home wired nodes | grep -E 'seq|hwC|midiC' && die 'more than was asked for'
	home wired nodes | grep -qE '^c--------- .* card0$' || die "$(home wired nodes | grep card0 || echo 'no card0')"
	until_true 10 is_ready wired || die "state $(state wired)"
	may_not_open wired 1001 1001 dri/renderD128 || die 'another user opens it'
	can_open wired 1000 1000 snd/pcmC0D0p || die "$(opens wired 1000 1000 snd/pcmC0D0p)"
}

# An X server's DRI3 hands out a descriptor of the primary node, and Mesa looks for its name.
test_hook_gives_the_name_of_a_primary_node_and_no_more() {
	fake_nothing
	fake_drm card1 1
	fake_drm renderD128 128
	bare bare
	answered incus exec bare -- ls -ln /dev/dri > "$RIG/dri"
	grep -qE '^c--------- +1 65534 +65534 +226, +1 .* card1$' "$RIG/dri" ||
		die "$(tr '\n' ';' < "$RIG/dri"); $(hook_log bare | tail -n 1)"
	for id in 1000 0; do
		may_not_open bare $id $id dri/card1 || die "$id: $(opens bare $id $id dri/card1)"
	done
	# Neither by making it its own, nor from another place, nor without what the mount forbids.
	for try in 'chmod 666 /dev/dri/card1' 'chown 0:0 /dev/dri/card1' \
		   'ln /dev/dri/card1 /dev/dri/mine' 'cp -a /dev/dri/card1 /tmp/mine'; do
		incus exec bare --cwd / -- sh -c "$try" > /dev/null 2>&1 && die "root inside: $try"
	done
	# It may be asked twice.
	answered incus exec bare -- sh -c 'touch /tmp/mine; mount --bind /dev/dri/card1 /tmp/mine &&
		mount -o remount,bind,dev,suid,exec /tmp/mine && cat /tmp/mine 2>&1; :' > "$RIG/bound"
	grep -q "open '/tmp/mine': Permission denied" "$RIG/bound" || die "bound: $(cat "$RIG/bound")"
	answered incus exec bare -- ls -ln /dev/dri | grep -qE '^c--------- +1 65534 +65534 .* card1$' ||
		die "$(incus exec bare -- ls -ln /dev/dri)"
	hook status bare | grep -qE '^bare +running +dri/card1 +226:1 +name only$' || die "$(hook status bare)"
	hook status bare --json | grep -o '"path":"/dev/dri/[a-z0-9A-Z]*","major":226,"minor":[0-9]*,"name_only":[a-z]*' |
		cut -d: -f2,5 | tr '\n' ' ' > "$RIG/json"
	[ "$(cat "$RIG/json")" = '"/dev/dri/card1","major":true "/dev/dri/renderD128","major":false ' ] ||
		die "$(hook status bare --json)"
	logged bare 'wired: 1 nodes, group 1000, and by name only 1'
	# It comes and goes with its device.
	fake_gone renderD128
	fake_gone card1
	hook plug --dry-run | grep -qx 'remove /dev/dri/card1 226:1, name only, in bare' ||
		die "$(hook plug --dry-run)"
	hook plug || die plug
	[ "$(answered incus exec bare -- sh -c 'ls /dev/dri; echo all')" = all ] || die "left: $(incus exec bare -- ls -ln /dev/dri)"
	fake_drm renderD128 128
	fake_drm card1 1
	hook plug || die plug
	may_not_open bare 0 0 dri/card1 || die "again: $(opens bare 0 0 dri/card1)"
	can_open bare 1000 1000 dri/renderD128 || die "again: $(opens bare 1000 1000 dri/renderD128)"
	# Asked for, it is a node like the others.
	incus stop -f bare
	incus config set bare environment.STREMIO_DEVICES=gpu,gpu-primary
	start bare
	[ "$(nodes_in bare | tr '\n' ' ')" = 'dri/card1 dri/renderD128 ' ] || die "$(nodes_in bare | tr '\n' ' ')"
}

test_hook_leaves_nothing_at_a_stop() {
	fake_desktop
	in_daemon cat /proc/self/mountinfo > "$RIG/mounts"
	idle clean
	has_state clean || die 'no state while it runs'
	in_daemon cat /proc/self/mountinfo | grep -c renderD128 && die 'a node is mounted on the host'
	stop clean
	has_state clean && die 'its state is left'
	in_daemon cat /proc/self/mountinfo | diff "$RIG/mounts" - > "$RIG/diff" || die "$(cat "$RIG/diff")"
	hook status clean > /dev/null 2> "$RIG/status" && die 'status finds it'
	grep -q 'nothing is wired' "$RIG/status" || die "$(cat "$RIG/status")"
}

test_hook_leaves_nothing_at_a_failed_start() {
	fake_desktop
	instance failing -- /bin/sleep 1000
	incus profile get stremio raw.lxc | sed '/init.cmd/d' > "$RIG/raw"
	echo 'lxc.init.cmd = /nowhere' >> "$RIG/raw"
	incus config set failing raw.lxc - < "$RIG/raw" || die 'config'
	in_daemon cat /proc/self/mountinfo > "$RIG/mounts"
	incus start failing > "$RIG/out" 2>&1
	until_true 10 is_stopped failing || die "state $(state failing)"
	logged failing 'wired: 14 nodes' || die 'it did not come as far as the hook'
	until_true 5 no_state failing || die 'its state is left'
	in_daemon cat /proc/self/mountinfo | diff "$RIG/mounts" - > "$RIG/diff" || die "$(cat "$RIG/diff")"
}

no_state() { ! has_state "$1"; }

test_hook_wires_anew_after_a_restart_from_inside() {
	fake_desktop
	idle again
	before=$(in_daemon cat /run/stremio-shim/again/wired | grep '^pid')
	fake_drm renderD129 129
	incus exec again -- kill -INT 1
	until_true 20 restarted again "$before" || die "state $(state again), $before"
	until_true 10 is_ready again || die "state $(state again)"
	nodes_in again | grep -q renderD129 || die "$(nodes_in again | tr '\n' ' ')"
}

restarted() {
	now=$(in_daemon cat "/run/stremio-shim/$1/wired" 2> /dev/null | grep '^pid') && [ "$now" != "$2" ]
}

test_hook_shifts_through_each_instances_own_map() {
	fake_desktop
	idle a
	idle b
	for i in a b; do
		can_open $i 1000 1000 dri/renderD128 || die "$i: $(opens $i 1000 1000 dri/renderD128)"
		may_not_open $i 1001 1001 dri/renderD128 || die "$i: another user opens it"
	done
	[ "$(hook status --json | grep -o '"instance"' | wc -l)" = 2 ] || die "$(hook status --json)"
	# On the host the two are different users.
	for i in a b; do
		pid=$(in_daemon sed -n 's/^pid //p' /run/stremio-shim/$i/wired)
		in_daemon stat -c '%u %g' "/proc/$pid/root/dev/dri/renderD128"
	done > "$RIG/owners"
	[ "$(sort -u "$RIG/owners" | wc -l)" = 2 ] || die "owners $(tr '\n' ';' < "$RIG/owners")"
	grep -q '^0 ' "$RIG/owners" && die "root of the host owns a node: $(cat "$RIG/owners")"
	stop a
	can_open b 1000 1000 snd/timer || die 'the stop of one took a device of the other'
}

test_hook_reports_a_group_that_is_not_mapped() {
	fake_desktop
	instance small -- /bin/sleep 1000
	incus config set small security.idmap.size=900 environment.STREMIO_USER=500:4343
	# Not the shim: it could not become such a user, and would end before anybody has looked.
	incus profile get stremio raw.lxc | sed 's,^lxc.init.cmd.*,lxc.init.cmd = /bin/sleep 1000,' > "$RIG/raw"
	incus config set small raw.lxc - < "$RIG/raw" || die 'config'
	start small
	logged small 'group is not in the id map'
	[ -z "$(nodes_in small)" ] || die "wired: $(nodes_in small)"
}

test_hook_wires_a_privileged_instance() {
	fake_desktop
	instance master -- /bin/sleep 1000
	incus config set master security.privileged=true security.idmap.isolated=false
	start master
	until_true 10 is_ready master || die "state $(state master)"
	[ "$(nodes_in master | wc -l)" = 14 ] || die "$(nodes_in master | wc -l) nodes; $(hook_log master)"
	# Its root could open what is the host's root's.
	answered incus exec master -- ls /dev/dri | grep card && die 'the name of a primary node'
	answered incus exec master -- ls -ln /dev/dri/renderD128 | grep -qE '^crw-rw---- +1 0 +1000 ' ||
		die "$(incus exec master -- ls -ln /dev/dri)"
	logged master 'privileged'
}

test_hook_takes_the_group_of_the_user_in_the_args_file() {
	fake_desktop
	instance named --user=4242:4343 -- /bin/sleep 1000
	start named
	until_true 10 is_ready named || die "state $(state named)"
	can_open named 4242 4343 dri/renderD128 || die "$(incus exec named -- ls -ln /dev/dri)"
	may_not_open named 1000 1000 dri/renderD128 || die 'another user opens it'
}

test_hook_wires_what_the_list_asks_for() {
	fake_desktop
	fake_card 1 HDMI
	fake_sound controlC1 50
	fake_sound pcmC1D3p 51
	fake_drm renderD129 129
	fake_drm card1 1
	# LIST=NODES+NAMES: tests/unit/hook_discover_test.c has more of the GPUs.
	for list in gpu:renderD129=1+2 gpu:renderD128=1+2 gpu,gpu-primary=4+0 gpu,gpu-primary:card1=3+1 \
		    sound:HDMI=3+0 sound:1=3+0 sound-playback=12+0 none=0+0 x11,pulse=0+0 gpu,sound=17+2; do
		# Not the application's business here: only the hook's.
		env STREMIO_DEVICES="${list%=*}" nsenter -t "$(daemon_pid)" -m -p \
			"$FAKE/stremio-hook" start-host --dry-run > "$RIG/plan" 2>&1
		names=$(grep -c ', name only$' "$RIG/plan")
		[ "$(($(grep -c '^add /dev/' "$RIG/plan") - names))+$names" = "${list#*=}" ] ||
			die "$list: $(tr '\n' ' ' < "$RIG/plan")"
	done
}

test_hook_follows_what_is_plugged_in_and_out() {
	fake_nothing
	instance hot -- /bin/sleep 1000
	incus config set hot environment.STREMIO_DEVICES=gpu,sound
	start hot
	until_true 10 is_ready hot || die "state $(state hot)"
	[ -z "$(nodes_in hot)" ] || die "wired: $(nodes_in hot)"
	fake_desktop
	hook plug > "$RIG/out" 2>&1 || die "$(cat "$RIG/out")"
	[ "$(nodes_in hot | wc -l)" = 14 ] || die "$(nodes_in hot | wc -l) nodes; $(hook_log hot | tail -n 1)"
	# The running application, whose groups cannot change any more.
	can_open hot 1000 1000 dri/renderD128 || die "$(opens hot 1000 1000 dri/renderD128)"
	hook plug || die 'a second time'
	[ "$(nodes_in hot | wc -l)" = 14 ] || die 'a second time'
	fake_gone pcmC0D3p
	# The same name for another device.
	fake_drm renderD128 130
	hook plug --dry-run > "$RIG/plan" || die 'plug --dry-run'
	for line in 'remove /dev/snd/pcmC0D3p 116:' 'remove /dev/dri/renderD128 226:128,' \
		    'add /dev/dri/renderD128 226:130, 0:1000 in hot, '; do
		grep -qF "$line" "$RIG/plan" || die "no $line in the plan: $(tr '\n' ';' < "$RIG/plan")"
	done
	[ "$(nodes_in hot | wc -l)" = 14 ] || die '--dry-run did something'
	hook plug || die 'plug'
	not_there hot 1000 1000 snd/pcmC0D3p || die 'what was unplugged is there'
	answered incus exec hot -- ls -ln /dev/dri/renderD128 | grep -q '226, 130' || die "$(incus exec hot -- ls -ln /dev/dri)"
	fake_nothing
	hook plug || die 'plug'
	[ -z "$(nodes_in hot)" ] || die "left: $(nodes_in hot)"
	# The directories stay, see hook_running.sh, with nothing in them.
	[ "$(answered incus exec hot -- ls -A /dev/dri /dev/snd | tr '\n' ' ')" = '/dev/dri:  /dev/snd: ' ] ||
		die "$(incus exec hot -- ls -lA /dev/dri /dev/snd | tr '\n' ' ')"
	hook status hot | grep -qE '^hot +running +none' || die "$(hook status hot)"
}

test_hook_forgets_an_instance_that_ended_unseen() {
	fake_desktop
	idle dead
	in_daemon sh -c 'cd /run/stremio-shim && mkdir -m 700 ghost dust &&
		sed -e "s/^start .*/start 1/" dead/wired > ghost/wired'
	hook status ghost | grep -q gone || die "$(hook status ghost)"
	hook plug || die plug
	has_state ghost && die 'still there'
	has_state dead || die 'the living one is forgotten'
	# A start that was killed leaves one without a file; the next start takes it.
	instance dust -- /bin/sleep 1000
	start dust
	[ "$(nodes_in dust | wc -l)" = 14 ] || die "$(hook_log dust)"
}

test_hook_is_idle_beside_devices_of_incus_itself() {
	fake_desktop
	instance mixed -- /bin/sleep 1000
	incus config device add mixed render unix-char path=/dev/dri/renderD128 major=226 minor=128 \
		gid=1000 mode=0660 > /dev/null || die 'device add'
	start mixed
	until_true 10 is_ready mixed || die "state $(state mixed)"
	can_open mixed 1000 1000 dri/renderD128 || die "$(opens mixed 1000 1000 dri/renderD128)"
	[ "$(nodes_in mixed | wc -l)" = 14 ] || die "$(nodes_in mixed | wc -l) nodes; $(hook_log mixed)"
	fake_gone renderD128
	hook plug || die plug
	can_open mixed 1000 1000 dri/renderD128 || die 'it took what Incus had put there'
}

test_hook_finds_nvidia_nodes() {
	fake_nothing
	rm -rf "${FAKE:?}/dev"
	mkdir "$FAKE/dev"
	mknod "$FAKE/dev/nvidia0" c 195 0
	mknod "$FAKE/dev/nvidiactl" c 195 255
	mknod "$FAKE/dev/nvidia-caps" c 195 254
	: > "$FAKE/dev/nvidia1"
	# The driver's number, but somebody else's.
	mknod "$FAKE/dev/nvidia3" c 195 3
	chown 1000 "$FAKE/dev/nvidia3"
	# Root's, but another driver's: /dev/mem.
	mknod "$FAKE/dev/nvidia2" c 1 1
	idle green
	rm -r "${FAKE:?}/dev"
	[ "$(nodes_in green | tr '\n' ' ')" = 'nvidia0 nvidiactl ' ] || die "$(nodes_in green | tr '\n' ' ')"
	can_open green 1000 1000 nvidia0 || die "$(opens green 1000 1000 nvidia0)"
}

test_hook_missing_on_a_host_is_said_and_no_obstacle() {
	sed "s|$FAKE/stremio-hook|$RIG/nowhere/stremio-hook|" "$RIG/profile.yaml" > "$RIG/without.yaml"
	incus profile create without < "$RIG/without.yaml" > /dev/null
	instance bare -- /bin/sleep 1000
	incus profile assign bare without > /dev/null 2>&1 || die 'profile assign'
	start bare
	until_true 10 is_ready bare || die "state $(state bare)"
	logged bare 'not on this host'
	incus stop -f bare
	# Nor where there is no room for the word.
	incus profile show without | sed 's|>> "[^"]*/lxc.log"|>> /dev/full|' > "$RIG/full.yaml"
	grep -q '>> /dev/full' "$RIG/full.yaml" || die 'the line has no log'
	incus profile edit without < "$RIG/full.yaml" || die 'profile edit'
	start bare
	gone bare
	incus profile delete without > /dev/null
}

test_hook_does_without_room_for_its_state() {
	fake_desktop
	in_daemon mount -o remount,nr_inodes=1 /run/stremio-shim || die remount
	instance full -- /bin/sleep 1000
	start full
	in_daemon mount -o remount,nr_inodes=0 /run/stremio-shim
	until_true 10 is_ready full || die "state $(state full)"
	logged full 'No space left on device'
}

test_hook_knows_instances_of_other_projects_apart() {
	fake_desktop
	# A name that no instance may have.
	incus project create c++ -c features.images=false -c features.profiles=false > /dev/null || die project
	idle twin
	incus init busybox twin --project c++ --no-profiles --profile stremio < /dev/null > "$RIG/out" 2>&1 ||
		die "$(cat "$RIG/out")"
	incus start twin --project c++ > "$RIG/out" 2>&1
	until_true 5 has_state c++_twin || said_twin=$(hook status)
	incus delete -f twin --project c++
	incus project delete c++ > /dev/null
	[ -z "${said_twin:-}" ] || die "$said_twin"
	has_state c++_twin && die 'its state is left'
	has_state twin || die 'the other one is forgotten'
}

stop_all() {
	incus list -f csv -c ns | sed -n 's/,[^S].*//p' > "$RIG/running"
	# shellcheck disable=SC2046
	[ ! -s "$RIG/running" ] || incus stop -f $(cat "$RIG/running") > "$RIG/out" 2>&1
}

# HOOK_CYCLES and HOOK_INSTANCES: 200 and 20 are what is promised, `make soak`.
test_hook_leaks_nothing_in_many_starts() {
	fake_desktop
	cycles=${HOOK_CYCLES:-4}
	many=${HOOK_INSTANCES:-4}
	in_daemon cat /proc/self/mountinfo > "$RIG/mounts"
	i=0
	while [ $i -lt "$many" ]; do
		instance "m$i" -- /bin/sleep 1000
		i=$((i + 1))
	done
	done=0
	while [ $done -lt "$cycles" ]; do
		i=0 pids=
		while [ $i -lt "$many" ]; do
			incus start "m$i" > "$RIG/start-$i" 2>&1 &
			pids="$pids $!"
			i=$((i + 1))
		done
		hook plug > "$RIG/plug" 2>&1 || die "plug: $(cat "$RIG/plug")"
		for p in $pids; do
			wait "$p" || die "start: $(cat "$RIG"/start-*)"
		done
		i=0
		while [ $i -lt "$many" ]; do
			n=$(hook status "m$i" | grep -c running)
			[ "$n" = 15 ] || die "m$i: $n nodes and names; $(hook_log "m$i")"
			i=$((i + 1))
		done
		# Twenty at once can be more than the daemon answers in its own time.
		until_true 3 stop_all || die "stop: $(cat "$RIG/out")"
		done=$((done + many))
	done
	[ -z "$(in_daemon ls -A /run/stremio-shim)" ] || die "state is left: $(in_daemon ls -A /run/stremio-shim | tr '\n' ' ')"
	in_daemon cat /proc/self/mountinfo | diff "$RIG/mounts" - > "$RIG/diff" || die "$(cat "$RIG/diff")"
	in_daemon ps -eo args | grep '[r]eal-hook' && die 'a process is left'
	true
}
