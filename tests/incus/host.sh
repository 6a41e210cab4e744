#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, here and RIG are set by run.sh
#
# What stremio-incus promises, as a user without root in a desktop session.

# Everything that Incus knows, without what changes by itself.
incus_dump() {
	for what in instances profiles images networks; do
		incus query "/1.0/$what?recursion=1"
	done | grep -vE '"(last_used_at|volatile\.|size)'
}

test_host_launch_takes_one_command_to_a_running_application() {
	session_up
	player one
	[ "$(state one)" = Ready ] || die "state $(state one)"
	[ "$(inside one xclient)" = ok ] || die "$(inside one xclient)"
	[ "$(inside one stat -c '%a %u %g' /var/lib/stremio-shim/Xauthority)" = '600 1000 1000' ] ||
		die "the cookie: $(inside one stat -c '%a %u %g' /var/lib/stremio-shim/Xauthority)"
	[ "$(stat -c '%a %u' "$session/run/stremio-incus/one/cookie")" = "600 $USER_ID" ] ||
		die 'the copy of the cookie can be read by others'
	incus exec one -- rm -f "/tmp/.X11-unix/X$DISPLAY_NUMBER" 2> /dev/null &&
		die 'root in there can remove the socket of the host'
	host_ok stop one
	[ "$(state one)" = Stopped ] || die "state $(state one)"
}

test_host_gives_the_cookie_of_this_display_only() {
	session_up
	xauth -q -f "$session/.Xauthority" add "$(uname -n)/unix:99" . "$(mcookie)" 2> /dev/null
	chown "$USER_ID" "$session/.Xauthority"
	player one
	pull one/var/lib/stremio-shim/Xauthority > "$RIG/cookie"
	[ "$(xauth -f "$RIG/cookie" nlist | cut -d' ' -f1)" = ffff ] ||
		die "families: $(xauth -f "$RIG/cookie" nlist | cut -d' ' -f1 | tr '\n' ' ')"
	xauth -f "$RIG/cookie" list | grep -q ":99 " && die 'another display is in it'
	true
}

# By the shim's own order: its command line, the args file, the environment.
test_host_gives_the_cookie_to_the_user_of_the_command_line() {
	session_up
	player one
	host_ok stop one
	incus config set one environment.STREMIO_USER=1002
	printf '%s\n' --user=1003 -- /bin/sleep 1000 > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	incus config set one raw.lxc="$(incus profile get stremio raw.lxc |
		sed 's/^ *lxc\.init\.cmd *=.*/& --user=1001:1004/')"
	for ids in '1001 1004' '1003 1003' '1002 1002'; do
		host_ok launch one --no-self-test
		[ "$(root_inside one stat -c '%u %g' /var/lib/stremio-shim/Xauthority)" = "$ids" ] ||
			die "$ids: the cookie is of $(root_inside one stat -c '%u %g' /var/lib/stremio-shim/Xauthority)"
		# shellcheck disable=SC2016
		[ "$(root_inside one sh -c 'stat -c "%u %g" /proc/$(pidof sleep)')" = "$ids" ] ||
			die "$ids: the application is another: $(incus exec one -- ps)"
		host_ok stop one
		if [ "$ids" = '1001 1004' ]; then
			incus config unset one raw.lxc
		else
			printf '%s\n' -- /bin/sleep 1000 > "$RIG/args"
			push "$RIG/args" one/etc/stremio-shim.args --mode 0644
		fi
	done
}

test_host_launch_changes_nothing_the_second_time() {
	session_up
	player one
	incus_dump > "$RIG/before"
	host_ok launch one --image=busybox --no-self-test
	incus_dump | diff "$RIG/before" - || die 'it changed something'
	host_ok launch one --image=busybox --no-self-test --dry-run
	grep -E '^incus (init|start|config|profile)' "$RIG/out" && die 'it would do more'
	true
}

# launch_without_ready: with what the instance says now it ends well, and long before its time.
launch_without_ready() {
	began=$(date +%s)
	host_ok launch one --no-self-test --wait=30
	[ $(($(date +%s) - began)) -lt 25 ] || die "$1: it has waited $(($(date +%s) - began)) s"
	[ "$(state one)" = Running ] || die "$1: state $(state one)"
	incus stop --force one || die "$1: stop"
}

test_host_launch_does_not_wait_for_a_ready_that_never_comes() {
	session_up
	host_ok launch one --image=busybox --no-self-test
	incus stop --force one
	incus config set one environment.STREMIO_READY=no
	launch_without_ready STREMIO_READY=no
	# The image's own word is the stronger one, as for the shim.
	printf '%s\n' --ready=yes -- /bin/sleep 1000 > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	host_ok launch one --no-self-test --wait=30
	[ "$(state one)" = Ready ] || die "--ready=yes: state $(state one)"
	incus stop --force one
	incus config unset one environment.STREMIO_READY
	printf '%s\n' --ready --ready=no -- /bin/sleep 1000 > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	launch_without_ready --ready=no
	printf '%s\n' -- /bin/sleep 1000 > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	incus config set one security.guestapi=false
	launch_without_ready security.guestapi=false
	# What comes to nothing is told all the same.
	printf '%s\n' -- /no/such/program > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	host launch one && die 'it says that all is well'
	grep -q 'console | stremio-shim: .*/no/such/program' "$RIG/out" || die "$(cat "$RIG/out")"
}

# Whose init is another program nobody says Ready.
test_host_launch_does_not_wait_for_another_init() {
	session_up
	host_ok profile --system
	incus profile create system < "$RIG/out" > "$RIG/profile.out" 2>&1 || die "$(cat "$RIG/profile.out")"
	trap 'gone one; incus profile delete system > /dev/null; session_down' EXIT
	incus init busybox one --no-profiles --profile system < /dev/null > /dev/null 2>&1
	printf '#!/bin/sh\nexec sleep 1000\n' > "$RIG/app"
	incus file delete one/sbin/init
	push "$RIG/app" one/sbin/init --mode 0755
	launch_without_ready 'its own init'
}

test_host_dry_run_changes_nothing() {
	session_up
	player one
	incus_dump > "$RIG/before"
	find "$session" | sort > "$RIG/files"
	for words in 'launch two --image=busybox' 'launch one' 'attach one --untrusted' \
		     'attach one --nested' 'attach one --display=none' 'detach one' 'stop one' \
		     status 'doctor one' 'logs one' profile 'image build'; do
		# shellcheck disable=SC2086
		host_ok --dry-run $words
		[ -s "$RIG/out" ] || die "$words: it prints nothing"
		incus_dump | diff "$RIG/before" - || die "$words: Incus is changed"
		find "$session" | sort | diff "$RIG/files" - || die "$words: files are changed"
	done
}

# What --dry-run prints is what is done: a shell makes the same instance of it.
test_host_dry_run_is_a_script_that_does_the_same() {
	session_up
	user stremio-incus launch one --image=busybox --no-self-test --dry-run \
		> "$session/script" 2> /dev/null || die 'the dry run'
	user sh -e /home/script > "$RIG/script" 2>&1 < /dev/null || die "the script: $(tail -n 1 "$RIG/script")"
	host_ok launch one --image=busybox --no-self-test --dry-run
	grep -E '^incus (init|start|config|profile)' "$RIG/out" && die 'the script left something undone'
	until_true 10 is_ready one || die "state $(state one)"
	push "$RIG/xclient" one/bin/xclient --mode 0755
	sees_display one || die "$(inside one xclient)"
}

# What the self-test finds in NAME, without its times and the space that is free just now.
findings() {
	incus exec "$1" -- /opt/stremio-shim/stremio-shim --self-test=json > "$RIG/report" 2> "$RIG/err" || return
	tr '{' '\n' < "$RIG/report" | sed -n 's/,"us":.*//; s/[0-9]* MiB//; /^"id"/p'
}

# What is required is good, and nothing else is worse than it was.
is_green() { findings "$1" > "$RIG/now" && cmp "$RIG/first" "$RIG/now" && sees_display "$1"; }
green() {
	until_true 20 is_green "$1" ||
		die "$2: $(diff "$RIG/first" "$RIG/now" | tail -n 1) $(cat "$RIG/err") $(inside "$1" xclient 2>&1)"
}
red() { ! is_green "$1" || die "it is green $2"; }

# Of the devices' nodes the self-test sees that they are there and whom they let in: no driver is
# behind these. `hook plug` is what udev runs.
test_host_self_test_is_green_again_without_a_command() {
	fake_desktop
	session_up
	player one
	findings one > "$RIG/first" || die "exit $? at first: $(cat "$RIG/err")"
	green one 'at first'
	xserver_stop
	red one 'without its X server'
	xserver_start
	green one 'X server restarted'
	for f in "$FAKE"/class/sound/*; do
		fake_gone "${f##*/}"
	done
	hook plug || die "plug: $(hook_log one | tail -n 1)"
	red one 'without its sound card'
	fake_desktop
	hook plug
	green one 'sound card unplugged and plugged'
	fake_gone renderD128
	hook plug
	red one 'without its GPU'
	fake_drm renderD128 128
	hook plug
	green one 'GPU module reloaded'
	incus restart one --timeout 20 || die 'incus restart'
	green one 'instance restarted'
	incusd_restart "$RIG/incus" > "$RIG/out" 2>&1 || die 'the daemon does not come back'
	green one 'daemon restarted'
	# Whom the new daemon starts has what it had.
	incus restart one --timeout 20 || die 'incus restart'
	green one 'both restarted'
	host_ok stop one
}

test_host_new_cookie_arrives_at_login_without_a_command() {
	session_up
	player one
	xserver_stop
	xserver_cookie
	xserver_start
	sees_display one && die 'the old cookie is still good'
	# What the session's own start does with what lies there.
	line=$(sed -n 's/^Exec=//p' "$session/.config/autostart/stremio-incus.desktop")
	[ -n "$line" ] || die 'nothing is started at login'
	# shellcheck disable=SC2086
	user $line > "$RIG/out" 2>&1 || die "$line: $(tail -n 1 "$RIG/out")"
	sees_display one || die "$(inside one xclient)"
	host_ok detach one
	[ ! -e "$session/.config/autostart/stremio-incus.desktop" ] || die 'it is left behind'
}

test_host_untrusted_stays_untrusted() {
	session_up
	player one
	host_ok attach one --untrusted
	sees_display one || die "$(inside one xclient)"
	trusted=$(xauth -f "$session/.Xauthority" list | awk 'NR == 1 { print $3 }')
	pull one/var/lib/stremio-shim/Xauthority > "$RIG/cookie"
	xauth -f "$RIG/cookie" list | grep -q "$trusted" && die 'it has the trusted cookie'
	# The server itself: such a client gets no XTEST, by which it could type into windows.
	xauth -f "$RIG/cookie" nlist | xauth -q -f "$RIG/usable" nmerge - 2> /dev/null
	DISPLAY=":$DISPLAY_NUMBER" XAUTHORITY=$RIG/usable xdpyinfo 2> /dev/null | grep -q XTEST &&
		die 'the server trusts it'
	# And it does not get the other one by being started without the word.
	host_ok launch one --no-self-test
	pull one/var/lib/stremio-shim/Xauthority > "$RIG/cookie"
	xauth -f "$RIG/cookie" list | grep -q "$trusted" && die 'launch gave it the trusted cookie'
	host_ok attach one --trusted
	pull one/var/lib/stremio-shim/Xauthority > "$RIG/cookie"
	xauth -f "$RIG/cookie" list | grep -q "$trusted" || die 'it cannot be trusted again'
}

test_host_nested_server_is_the_only_one_it_reaches() {
	session_up
	player one
	host_ok stop one
	host_ok launch one --nested --no-self-test
	nested=$(cat "$session/run/stremio-incus/one/number")
	[ "$nested" != "$DISPLAY_NUMBER" ] || die 'it is the same server'
	sees_display one || die "$(inside one xclient)"
	[ "$(inside one ls /tmp/.X11-unix)" = "X$nested" ] || die "sockets: $(inside one ls /tmp/.X11-unix)"
	pid=$(cat "$session/run/stremio-incus/one/server.pid")
	host_ok stop one
	until_true 10 sh -c "! kill -0 $pid" || die 'the nested server is left behind'
	host_ok launch one --no-self-test
	sees_display one || die "second start: $(inside one xclient)"
	nested=$(cat "$session/run/stremio-incus/one/number")
	[ "$(inside one ls /tmp/.X11-unix)" = "X$nested" ] || die "second start: sockets: $(inside one ls /tmp/.X11-unix)"
	[ "$nested" != "$DISPLAY_NUMBER" ] || die 'no server of its own at the second start'
	pid=$(cat "$session/run/stremio-incus/one/server.pid") || die 'no server at the second start'
	host_ok detach one
	until_true 10 sh -c "! kill -0 $pid" || die 'detach leaves the nested server'
}

# A sound server that says whom it sees, in place of PulseAudio, which lets in its own user only.
test_host_sound_server_sees_its_own_user() {
	session_up
	mkdir -p "$session/run/pulse"
	python3 - "$session/run/pulse/native" > "$RIG/server" 2>&1 <<-'END' &
	import os, socket, struct, sys
	s = socket.socket(socket.AF_UNIX)
	s.bind(sys.argv[1])
	s.listen()
	while True:
	    c = s.accept()[0]
	    c.sendall(b"uid %d" % struct.unpack("3i", c.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1])
	    c.close()
	END
	server=$!
	until_true 10 test -S "$session/run/pulse/native" || die "$(cat "$RIG/server")"
	chown -R "$USER_ID" "$session/run/pulse"
	# It is no PulseAudio: the shim is not to wait for one. This tool leaves such a list alone.
	player one --sound=none
	incus config set one environment.STREMIO_REQUIRE=none
	host_ok attach one --sound=auto
	[ "$(incus config get one environment.STREMIO_REQUIRE)" = none ] || die 'the own list is gone'
	answer=$(inside one xclient /var/lib/stremio-shim/pulse)
	again=$(incus restart one --timeout 20 && inside one xclient /var/lib/stremio-shim/pulse)
	other=$(answered incus exec one --user 1001 --group 1001 -- xclient /var/lib/stremio-shim/pulse)
	variables=$(inside one env)
	host_ok attach one --sound=none
	host_ok launch one --no-self-test
	gone=$(incus config show one | grep -E 'pulse:|PULSE')
	host_ok attach one --sound=auto
	back=$(incus config show one | grep -E 'pulse:')
	kill $server
	[ "$answer" = "uid $USER_ID" ] || die "$answer"
	[ "$again" = "uid $USER_ID" ] || die "after a restart: $again"
	case $other in *ermission*) ;; *) die "another user in there: $other" ;; esac
	echo "$variables" | grep -qx PULSE_SERVER=unix:/var/lib/stremio-shim/pulse || die 'no PULSE_SERVER'
	[ -z "$gone" ] || die "--sound=none, and launched again: $gone"
	[ -n "$back" ] || die '--sound=auto does not bring it back'
}

test_host_network_needs_no_dhcp_client() {
	session_up
	incus network create incusbr0 ipv6.address=none ipv4.address=10.98.0.1/24 ipv4.nat=true > "$RIG/out" 2>&1 ||
		die "$(tail -n 1 "$RIG/out")"
	player one
	player two
	answer=$(inside one nslookup _gateway.incus 2>&1)
	address=$(inside two ip -4 -o addr show eth0)
	gone one two
	incus network delete incusbr0 > /dev/null
	case $answer in *10.98.0.1*10.98.0.1*) ;; *) die "no name server: $answer" ;; esac
	case $address in *10.98.0.253/32*) ;; *) die "the second one's address: $address" ;; esac
}

# Whoever took it away does not have it back by starting from the menu, and has it back by saying so.
test_host_network_and_display_stay_none_until_they_are_asked_for() {
	session_up
	trap '{ gone one; incus network delete incusbr0; } > /dev/null 2>&1; session_down' EXIT
	incus network create incusbr0 ipv6.address=none ipv4.address=10.98.0.1/24 ipv4.nat=true > "$RIG/out" 2>&1 ||
		die "$(tail -n 1 "$RIG/out")"
	player one
	host_ok launch one --no-self-test --network=none
	grep -q 'network: one runs, .*stremio-incus stop one' "$RIG/out" || die "$(cat "$RIG/out")"
	host_ok stop one
	host_ok launch one --no-self-test --network=none --display=none
	host_ok stop one
	host_ok launch one --no-self-test
	incus config show one | grep -E 'eth0|DISPLAY|/tmp/.X11-unix' && die 'launch has given it back'
	host_ok stop one
	host_ok launch one --no-self-test --network=auto --trusted
	[ "$(incus config device get one eth0 ipv4.address)" = 10.98.0.254 ] || die 'it has no network again'
	sees_display one || die "$(inside one xclient)"
}

test_host_doctor_looks_at_the_default_instance() {
	session_up
	host_ok launch --image=busybox --no-self-test --display=none
	host doctor
	grep -q '^ok    stremio  ' "$RIG/out" || die "$(cat "$RIG/out")"
}

test_host_detach_leaves_nothing() {
	session_up
	player one
	host_ok detach one
	incus config show one | grep -E 'DISPLAY|XAUTHORITY|user\.stremio-shim\.(x11|attached)|/tmp/.X11-unix' &&
		die 'something is left in the configuration'
	pull one/var/lib/stremio-shim/Xauthority > /dev/null && die 'the cookie is left'
	[ ! -e "$session/run/stremio-incus/one" ] || die 'files are left in the runtime directory'
	host_ok detach one
}

test_host_status_and_logs_show_what_there_is() {
	session_up
	player one
	host_ok status
	grep -qE "^one +Ready +stremio +trusted :$DISPLAY_NUMBER " "$RIG/out" || die "$(tail -n 1 "$RIG/out")"
	incus config set one environment.STREMIO_USER=nobody-here
	incus restart one --timeout 20 > "$RIG/restart" 2>&1
	until_true 10 is_stopped one || die "state $(state one)"
	host_ok logs one
	grep -q '^console | stremio-shim: .*nobody-here' "$RIG/out" || die "$(cat "$RIG/out")"
	host_ok logs one --follow
	grep -q '^console | stremio-shim: .*nobody-here' "$RIG/out" || die "--follow: $(cat "$RIG/out")"
}

is_sleep() { incus exec "$1" -- grep -q ^sleep /proc/1/cmdline; }

test_host_profile_system_leaves_the_image_its_own_init() {
	session_up
	host_ok profile
	cmp "$RIG/out" "$RIG/usr/share/stremio-shim/incus-profile.yaml" || die 'it is another one'
	host_ok profile --system
	cp "$RIG/out" "$RIG/system.yaml"
	incus profile create system < "$RIG/system.yaml" > "$RIG/out" 2>&1 || die "$(cat "$RIG/out")"
	incus init busybox one --no-profiles --profile system < /dev/null > /dev/null 2>&1
	# A stand-in for systemd: what matters is that it is the image's.
	printf '#!/bin/sh\nexec sleep 1000\n' > "$RIG/app"
	incus file delete one/sbin/init
	push "$RIG/app" one/sbin/init --mode 0755
	start one
	# A shell first, as the script says.
	until_true 10 is_sleep one
	first=$(answered incus exec one -- cat /proc/1/cmdline 2>&1 | tr '\0' ' ')
	confined=$(answered incus exec one -- /opt/stremio-shim/stremio-shim -- cat /proc/self/status)
	gone one
	incus profile delete system > /dev/null
	[ "$first" = 'sleep 1000 ' ] || die "PID 1 is $first"
	echo "$confined" | grep -q '^NoNewPrivs:.1$' || die 'what is started through the shim is not confined'
}

# Any user of the machine can read every command line.
test_host_cookies_are_on_no_command_line() {
	session_up
	player one
	host_ok stop one
	for word in untrusted nested; do
		# It ends with the last process that it follows, the nested server.
		user strace -f -qq --seccomp-bpf -e trace=execve -s 4096 -o /home/trace \
			stremio-incus attach one "--$word" > "$RIG/out" 2>&1 < /dev/null &
		trace=$!
		until_true 60 grep -q 'one: attached' "$RIG/out" || die "attach: $(tail -n 1 "$RIG/out")"
		keys=$(for f in "$session/.Xauthority" "$session"/run/stremio-incus/one/*ookie; do
			xauth -f "$f" list
		done | awk '{ print $3 }' | sort -u)
		host_ok detach one
		wait $trace
		grep -q 'execve.*"xauth"' "$session/trace" || die 'strace has seen nothing'
		[ "$(echo "$keys" | grep -cE '^[0-9a-f]{32}$')" -ge 2 ] || die "keys: $keys"
		grep -qF "$keys" "$session/trace" && die "--$word: a key is on a command line"
	done
	true
}
