#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, here and RIG are set by run.sh
#
# stremio-incus as the desktop starts it, from the menu and at a login, and beside other users and
# projects.

# The menu's entry clicked twice.
test_host_two_launches_at_once_make_one_instance() {
	session_up
	user stremio-incus launch one --image=busybox --no-self-test > "$RIG/first" 2>&1 < /dev/null &
	first=$!
	host_ok launch one --image=busybox --no-self-test
	wait $first || die "the other one: $(tail -n 1 "$RIG/first")"
	[ "$(state one)" = Ready ] || die "state $(state one)"
}

test_host_menu_entry_starts_it_and_shows_what_is_wrong() {
	session_up
	mkdir "$session/bin"
	printf '#!/bin/sh\necho "$*" > /home/notified\n' > "$session/bin/notify-send"
	chmod 755 "$session/bin/notify-send"
	export SESSION_PATH=/home/bin:/usr/bin:/bin
	entry=$RIG/usr/share/applications/stremio-incus.desktop
	# Where the session has it.
	line=$(sed -n "s,^Exec=$RIG/usr,/usr/local,p" "$entry")
	[ -s "$RIG/usr/share/icons/hicolor/scalable/apps/$(sed -n 's/^Icon=//p' "$entry").svg" ] || die 'no icon'
	# shellcheck disable=SC2086
	user $line > "$RIG/out" 2>&1 < /dev/null && die 'it starts without an image'
	grep -q 'image: this Incus has no image stremio' "$session/notified" || die "$(cat "$session/notified")"
	incus image alias create stremio "$(incus query /1.0/images/aliases/busybox |
		sed -n 's/.*"target": "\(.*\)".*/\1/p')" > "$RIG/out" || die 'the alias'
	# shellcheck disable=SC2086
	user $line > "$RIG/out" 2>&1 < /dev/null
	rc=$?
	incus image alias delete stremio
	[ $rc = 0 ] || die "$line: $(tail -n 1 "$RIG/out")"
	grep -v 'network: no network' "$RIG/out" && die 'it is not quiet'
	[ "$(state stremio)" = Ready ] || die "state $(state stremio)"
}

# One command where nothing was made before. The image's file is there, as of an earlier time, so that
# this is about launch; run_shows_a_moving_picture_and_a_tone makes one.
test_launch_makes_the_image_that_nobody_has_made() {
	packages_install image > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	file=$(export IMAGE_SHIM="$BUILD/stremio-shim" && image_media "$BUILD/images" 2> "$RIG/out") ||
		die "$(tail -n 1 "$RIG/out")"
	session_up
	mkdir -p "$session/.cache/stremio-shim/images"
	cp "$file".* "$session/.cache/stremio-shim/images/"
	chown -R "$USER_ID:$USER_ID" "$session/.cache"
	host_ok --dry-run launch
	grep -q '^sh /usr/local/.*/image-cmd.sh build$' "$RIG/out" || die "dry run: $(cat "$RIG/out")"
	host_ok launch --no-self-test
	grep -q 'no image stremio: making one' "$RIG/out" || die "it does not say so: $(cat "$RIG/out")"
	grep -q "reusing ${file##*/}" "$RIG/out" || die "it makes another one: $(cat "$RIG/out")"
	answer=$(state stremio)
	gone stremio
	incus image delete stremio > /dev/null || die 'no image stremio is there'
	[ "$answer" = Ready ] || die "state $answer"
}

# The program may lie anywhere, and where it was when it was entered there it need not be any more.
test_host_login_entry_finds_the_program() {
	session_up
	player one
	entry=$session/.config/autostart/stremio-incus.desktop
	odd='/home/my 100% hooks'
	cp -r "$top/hooks" "$session/my 100% hooks"
	cp "$RIG/usr/share/stremio-shim/incus-profile.yaml" "$session/"
	sed -i 's,^Exec=[^ ]*,Exec=/nowhere/stremio-incus,' "$entry"
	echo Hidden=true >> "$entry"
	host_ok attach one
	grep -q '^Exec=/nowhere' "$entry" || die 'what the user has switched off is on again'
	sed -i /Hidden/d "$entry"
	user "$odd/stremio-incus" attach one > "$RIG/out" 2>&1 < /dev/null || die "$(tail -n 1 "$RIG/out")"
	# The file's escapes, then the quotes and their own, then the doubled signs.
	said=$(sed -n 's/^Exec=//p' "$entry" | python3 -c 'import shlex, sys
print(shlex.split(sys.stdin.read().replace("\\\\", "\\"))[0].replace("%%", "%"))')
	[ "$said" = "$odd/stremio-incus" ] || die "it starts $said: $(grep Exec "$entry")"
	cp "$entry" "$RIG/entry"
	host_ok attach one
	cmp "$RIG/entry" "$entry" || die 'it is written anew'
}

test_host_works_in_a_project_of_any_name() {
	session_up
	incus project create c++ -c features.images=false -c features.profiles=false > /dev/null || die project
	trap '{ incus delete -f one --project c++; incus project delete c++; } > /dev/null 2>&1; session_down' EXIT
	# shellcheck disable=SC2034 # for user
	VARIABLES=INCUS_PROJECT=c++
	host_ok launch one --image=busybox --no-self-test
	host_ok launch one --image=busybox --no-self-test
	host_ok status
	grep -qE '^one +Ready ' "$RIG/out" || die "status: $(tail -n 1 "$RIG/out")"
	host_ok attach --refresh
	grep -q '^stremio-incus: one (project c++): has the cookie' "$RIG/out" || die "refresh: $(cat "$RIG/out")"
	host_ok stop one
}

# The entry of ~/.config/autostart knows no project, and a login makes every cookie an old one.
# shellcheck disable=SC2034 # VARIABLES is for user
test_host_login_refreshes_instances_of_every_project() {
	session_up
	name='R&D'
	incus project create "$name" -c features.images=false -c features.profiles=false > /dev/null || die project
	trap '{ incus delete -f one --project "$name"; incus project delete "$name"; } > /dev/null 2>&1; session_down' EXIT
	player one
	VARIABLES="INCUS_PROJECT=$name"
	host_ok launch one --image=busybox --no-self-test
	# As at a login: nothing says which.
	VARIABLES=
	xserver_cookie
	xserver_stop
	xserver_start
	host_ok attach --refresh
	for line in 'one: has the cookie' 'one (project R&D): has the cookie'; do
		grep -qF "stremio-incus: $line" "$RIG/out" || die "no $line: $(cat "$RIG/out")"
	done
	xauth -f "$session/server" list | awk '{ print $3 }' > "$RIG/cookie"
	for p in default "$name"; do
		incus file pull -q one/var/lib/stremio-shim/Xauthority "$RIG/given" --project "$p" || die "$p: no cookie"
		xauth -f "$RIG/given" list | grep -qF "$(cat "$RIG/cookie")" || die "$p: an old cookie"
	done
	# What is printed does the same: each of them in its project.
	host_ok --dry-run attach --refresh
	grep -qx "export INCUS_PROJECT='R&D'" "$RIG/out" || die "$(cat "$RIG/out")"
	# The entry is for all of them, too: it goes with the last one.
	host_ok detach one
	[ -e "$session/.config/autostart/stremio-incus.desktop" ] || die 'another project still needs the entry'
	VARIABLES="INCUS_PROJECT=$name"
	host_ok detach one
	[ ! -e "$session/.config/autostart/stremio-incus.desktop" ] || die 'nobody needs the entry'
}

# Their addresses may end alike.
test_host_launch_names_the_interfaces_of_two_bridges_apart() {
	session_up
	trap '{ incus delete -f one two; incus network delete left; incus network delete right; } > /dev/null 2>&1
		session_down' EXIT
	for bridge in left:10.97.5.1 right:10.98.5.1; do
		incus network create "${bridge%:*}" ipv6.address=none "ipv4.address=${bridge#*:}/24" ipv4.nat=true \
			> "$RIG/out" 2>&1 || die "$(cat "$RIG/out")"
	done
	host_ok launch one --image=busybox --no-self-test --network=left
	host_ok launch two --image=busybox --no-self-test --network=right
	for i in one two; do
		incus config device get $i eth0 host_name
		incus config device get $i eth0 ipv4.address | cut -d. -f3-4 >> "$RIG/ends"
	done > "$RIG/names"
	[ "$(sort -u "$RIG/ends" | wc -l)" = 1 ] || die "they do not end alike: $(cat "$RIG/ends")"
	grep -vE '^stremio.{1,8}$' "$RIG/names" && die 'no name of an interface'
	[ "$(sort -u "$RIG/names" | wc -l)" = 2 ] || die "$(cat "$RIG/names")"
	[ "$(state one) $(state two)" = 'Ready Ready' ] || die "$(state one) $(state two)"
}

# What ran is started by Incus, waits for its display, and ends; a click on the menu's entry starts it with
# what the new session has.
test_host_launch_after_a_restart_of_the_host() {
	session_up
	player one
	xserver_stop
	incusd_stop "$RIG/incus"
	rm -rf "$session/run"
	mkdir -m 700 "$session/run"
	chown "$USER_ID" "$session/run"
	incusd_start "$RIG/incus" > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	in_daemon mount --bind "$session" /home || die 'cannot mount'
	until_true 30 is_stopped one || die "state $(state one)"
	xserver_cookie
	xserver_start
	host_ok launch one --no-self-test
	sees_display one || die "$(inside one xclient)"
}

# A real compositor, without a screen, as the session's. With session_up before it.
compositor_up() {
	packages_install container > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	user weston --backend=headless-backend.so --socket=wayland-7 --idle-time=0 > "$RIG/weston" 2>&1 < /dev/null &
	# shellcheck disable=SC2034 # session_down ends it
	server=$!
	until_true 20 test -S "$session/run/wayland-7" || die "weston: $(tail -n 1 "$RIG/weston")"
	# shellcheck disable=SC2034 # for user
	VARIABLES=WAYLAND_DISPLAY=wayland-7
}

# Its socket is there when the application starts, until it is not wanted any more.
test_host_wayland_is_attached_and_taken_away() {
	session_up
	compositor_up
	host_ok launch one --image=busybox --wayland
	grep -q '^ok    wayland.socket ' "$RIG/out" || die "$(grep wayland "$RIG/out")"
	host_ok attach one
	incus config device get one wayland connect | grep -q 'unix:/home/run/wayland-7' || die 'attach forgets it'
	host_ok attach one --no-wayland
	incus config show one | grep -i wayland && die 'it is left'
	true
}

# clients NAME: to which displays its connections are. The end that the server has accepted bears the
# socket's name, in the network namespace of who connected.
clients() {
	answered incus exec "$1" -- cat /proc/net/unix | sed -n 's,.* 03 *[0-9]* @*/tmp/.X11-unix/,,p'
}
is_client() { [ "$(clients "$1")" = "$2" ]; }

# The application is a client that stays: Xwayland has it, and the session's server does not. The session
# need have none.
test_host_nested_xwayland_is_the_only_server_it_reaches() {
	session_up
	compositor_up
	player one
	host_ok stop one
	printf '%s\n' -- /bin/xclient stay > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	# shellcheck disable=SC2034 # for user
	VARIABLES="-u DISPLAY -u XAUTHORITY $VARIABLES"
	host_ok attach one --nested=xwayland
	host_ok launch one --no-self-test
	nested=$(cat "$session/run/stremio-incus/one/number")
	pid=$(cat "$session/run/stremio-incus/one/server.pid")
	[ "$(cat "/proc/$pid/comm")" = Xwayland ] || die "the server is $(cat "/proc/$pid/comm")"
	[ "$nested" != "$DISPLAY_NUMBER" ] || die 'it is the same server'
	until_true 10 is_client one "X$nested" || die "it is a client of: $(clients one)"
	sees_display one || die "$(inside one xclient)"
	[ "$(inside one ls /tmp/.X11-unix)" = "X$nested" ] || die "sockets: $(inside one ls /tmp/.X11-unix)"
	inside one xclient "/tmp/.X11-unix/X$DISPLAY_NUMBER" | grep -q 'No such file' || die "it reaches the session's server"
	host_ok stop one
	until_true 10 sh -c "! kill -0 $pid" || die 'stop leaves the nested server'
	# Without the word, as from the menu.
	host_ok launch one --no-self-test
	again=$(cat "$session/run/stremio-incus/one/server.pid") || die 'no server at the second start'
	[ "$(cat "/proc/$again/comm")" = Xwayland ] || die "second start: the server is $(cat "/proc/$again/comm")"
	sees_display one || die "second start: $(inside one xclient)"
	host_ok detach one
	until_true 10 sh -c "! kill -0 $again" || die 'detach leaves the nested server'
}

# A login of one user does not put the windows of another's on its screen.
test_host_login_refreshes_only_what_this_user_attached() {
	session_up
	player one
	player two
	incus config set two user.stremio-shim.attached=4321
	host_ok attach --refresh
	grep -q '^stremio-incus: one: has the cookie' "$RIG/out" || die "$(cat "$RIG/out")"
	grep -q 'two' "$RIG/out" && die 'another one is refreshed, too'
	true
}

# fits NAME: the shim takes what the instance tells it of devices and requirements.
fits() {
	kinds=$(incus config get "$1" environment.STREMIO_DEVICES) needs=$(incus config get "$1" environment.STREMIO_REQUIRE)
	env -i DISPLAY=:0 ${kinds:+"STREMIO_DEVICES=$kinds"} ${needs:+"STREMIO_REQUIRE=$needs"} \
		"$BUILD/stremio-shim" --print-policy > "$RIG/out" 2>&1 || die "devices $kinds, required $needs: $(tail -n 1 "$RIG/out")"
}

test_host_attached_kinds_join_a_list_of_devices_of_ones_own() {
	session_up
	mkdir -p "$session/run/pulse"
	python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
time.sleep(300)' "$session/run/pulse/native" &
	# shellcheck disable=SC2034 # session_down ends it
	server=$!
	until_true 10 test -S "$session/run/pulse/native" || die 'no socket'
	chown -R "$USER_ID" "$session/run/pulse"
	player one --sound=none
	host_ok stop one
	while read -r list attached detached; do
		incus config set one "environment.STREMIO_DEVICES=$list"
		host_ok attach one --trusted --sound=pulse
		fits one
		[ "$kinds $needs" = "$attached x11,pulse" ] || die "$list becomes $kinds, required: $needs"
		host_ok attach one --display=none --sound=none
		fits one
		host_ok detach one
		fits one
		[ "${kinds:--}" = "$detached" ] || die "$list becomes $kinds at last"
	done <<-END
		gpu:renderD128,sound-playback gpu:renderD128,sound-playback,x11,pulse gpu:renderD128,sound-playback,x11
		gpu,gpu-primary,sound gpu,gpu-primary,sound,x11,pulse gpu,gpu-primary,sound,x11
		none x11,pulse x11
		pulse pulse,x11 x11
		gpu,sound,x11 gpu,sound,x11,pulse -
	END
}

# One that may not watch the others is not let to by a word that was meant for another instance.
test_host_refresh_leaves_each_instance_as_it_was_attached() {
	session_up
	for words in 'one --refresh' '--refresh --trusted' '--refresh --nested' '--refresh --sound=none' \
		     '--refresh --wayland' '--refresh --display=none'; do
		# shellcheck disable=SC2086
		host_fails 64 'refresh' attach $words
	done
}

has_cookie() { incus file pull -q "$1/var/lib/stremio-shim/Xauthority" "$RIG/given"; }

test_host_an_attach_that_fails_puts_nothing_in_and_detach_takes_all_out() {
	session_up
	incus init busybox one --profile default < /dev/null > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	host_fails 69 'pipewire-0: no such server' attach one --sound=pipewire
	host_fails 69 'no Wayland session' attach one --wayland
	! has_cookie one || die 'a cookie of an attach that failed'
	! incus config device list one | grep -q . || die "devices: $(incus config device list one)"
	# Of one that could not say that it was there.
	host_ok attach one --sound=none
	has_cookie one || die 'no cookie'
	incus config unset one user.stremio-shim.x11
	host_ok detach one
	! has_cookie one || die 'detach leaves the cookie'
	[ "$(cat "$RIG/out")" = 'stremio-incus: one: detached' ] || die "$(cat "$RIG/out")"
	host_ok detach one
	[ "$(cat "$RIG/out")" = 'stremio-incus: one: detached' ] || die "again: $(cat "$RIG/out")"
}
