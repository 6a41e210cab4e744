#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, here and RIG are set by run.sh
#
# What goes wrong with stremio-incus is one line with the remedy.

test_host_names_the_missing_instance() {
	session_up
	for verb in attach detach stop logs; do
		host_fails 69 'nobody: no such instance .*launch nobody' $verb nobody
	done
}

test_host_names_the_missing_image() {
	session_up
	host_fails 69 'image: .*no image nothing' launch one --image=nothing
	[ "$(state one)" = '' ] || die 'an instance is left'
}

test_host_says_how_to_wake_a_frozen_instance() {
	session_up
	player one
	incus pause one
	for verb in attach detach stop launch; do
		host_fails 69 'frozen.*incus resume one' $verb one
	done
	host doctor one
	grep -A1 '^fail  one  .*frozen' "$RIG/out" | grep -q 'incus resume one' || die "doctor: $(cat "$RIG/out")"
	incus resume one
	host_ok stop one
	# And a stopped one is attached for its next start, and stopped once.
	host_ok attach one
	host_ok stop one
}

test_host_says_that_an_instance_is_busy() {
	session_up
	player one
	host_ok stop one
	incus config set one raw.lxc='lxc.hook.pre-start = /bin/sleep 6'
	incus start one > /dev/null 2>&1 &
	start=$!
	until_true 5 sh -c 'incus operation list -f csv | grep -qi running' || die 'the start was too fast'
	host_fails 1 'usy.*incus operation list' attach one --sound=none --display=none
	wait $start
}

test_host_names_the_group_of_incus() {
	session_up
	SESSION_GROUP=65534 host_fails 69 'incus.group: no permission.*usermod -aG' status
}

test_host_says_that_incus_is_not_there() {
	session_up
	mkdir "$session/bin"
	for p in sh env mktemp readlink rm timeout stat id sed grep cat head; do
		ln -s "$(command -v $p)" "$session/bin/$p"
	done
	cp "$RIG/usr/bin/stremio-incus" "$session/"
	SESSION_PATH=/home/bin:/usr/local/bin host_fails 69 'incus.client: .*not installed.*apt-get install' status
}

test_host_says_that_the_daemon_does_not_run() {
	session_up
	VARIABLES='INCUS_DIR=/home/nowhere' host_fails 69 'incus.daemon: .*systemctl enable --now incus' status
}

# other_incus VERSION: a client that answers with it.
other_incus() {
	mkdir -p "$session/bin"
	cat > "$session/bin/incus" <<-END
	#!/bin/sh
	case \$* in
	'query /1.0') echo '{ "environment": {
	"server_version": "$1"' ;;
	*) exec /usr/bin/incus "\$@" ;;
	esac
	END
	chmod 755 "$session/bin/incus"
}

# failing_incus VERB TEXT: a client that answers that one so.
failing_incus() {
	mkdir -p "$session/bin"
	printf '#!/bin/sh\ncase "$*" in\n"%s "*) echo "Error: %s" >&2; exit 1 ;;\nesac\nexec /usr/bin/incus "$@"\n' "$1" "$2" \
		> "$session/bin/incus"
	chmod 755 "$session/bin/incus"
}

# What Incus finds only when it does it, and what another has done meanwhile.
test_host_names_the_instance_in_what_is_to_be_done() {
	session_up
	player one
	host_ok stop one
	# It takes longer than that to end, as the shim lets it.
	printf '#!/bin/sh\ntrap "" TERM HUP INT\nwhile :; do sleep 1; done\n' > "$RIG/app"
	push "$RIG/app" one/bin/app --mode 0755
	printf '%s\n' -- /bin/app > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	host_ok launch one --no-self-test
	host_fails 1 'one: .*deadline exceeded .*--timeout=SECONDS.*incus stop --force one\)' stop one --timeout=1
	incus stop --force one
	export SESSION_PATH=/home/bin:/usr/local/bin:/usr/bin:/bin
	failing_incus start 'Instance is frozen'
	host_fails 1 'one: Instance is frozen \(incus resume one\)' launch one --no-self-test
	failing_incus start 'Instance not found'
	host_fails 1 'one: Instance not found .*stremio-incus launch one ' launch one --no-self-test
}

test_host_refuses_an_older_incus_and_tells_of_a_newer_one() {
	session_up
	other_incus 5.0.2
	SESSION_PATH=/home/bin:/usr/local/bin:/usr/bin:/bin host_fails 69 'incus.version: Incus 5.0.2 .*6.0 or newer' status
	other_incus 7.1
	SESSION_PATH=/home/bin:/usr/local/bin:/usr/bin:/bin host status || die "$(cat "$RIG/out")"
	grep -q 'incus.version: tried with Incus 6.0; this is 7.1' "$RIG/out" || die "$(cat "$RIG/out")"
}

test_host_names_what_is_wrong_with_the_display() {
	session_up
	player one
	VARIABLES='-u DISPLAY' host_fails 69 'x11: DISPLAY is not set.*--display=:0' attach one
	VARIABLES='DISPLAY=elsewhere:0' host_fails 69 'x11: .*not a display of this machine' attach one
	VARIABLES='DISPLAY=:4711' host_fails 69 'x11: .*no socket /tmp/.X11-unix/X4711' attach one
	VARIABLES='XAUTHORITY=/home/none' host_fails 69 'x11: .*/home/none.*set XAUTHORITY.*: --nested=xwayland, or --wayland --display=none' attach one
	: > "$session/closed"
	chmod 000 "$session/closed"
	VARIABLES='XAUTHORITY=/home/closed' host_fails 69 'x11: /home/closed cannot be read' attach one
	: > "$session/empty"
	chown "$USER_ID" "$session/empty"
	VARIABLES='XAUTHORITY=/home/empty' host_fails 69 'x11: no cookie for :.* in /home/empty.*: --nested=xwayland, or --wayland --display=none' attach one
	xauth -q -f "$session/wrong" add "$(uname -n)/unix:$DISPLAY_NUMBER" . "$(mcookie)" 2> /dev/null
	chown "$USER_ID" "$session/wrong"
	VARIABLES='XAUTHORITY=/home/wrong' host_fails 69 'x11: .*refuses the cookie' attach one
}

# A server that was killed leaves its socket.
test_host_knows_a_stale_socket() {
	session_up
	player one
	kill -KILL "$xserver"
	wait "$xserver" 2> /dev/null
	[ -S "/tmp/.X11-unix/X$DISPLAY_NUMBER" ] || die 'the socket is gone'
	host_fails 69 'x11: .*X[0-9]* is stale: no X server answers' attach one
	rm -f "/tmp/.X11-unix/X$DISPLAY_NUMBER" "/tmp/.X$DISPLAY_NUMBER-lock"
}

test_host_says_that_untrusted_needs_the_security_extension() {
	# shellcheck disable=SC2034 # for session_up
	XSERVER_OPTIONS='-extension SECURITY'
	session_up
	player one
	host_fails 69 'x11: .*untrusted cookie.*SECURITY.*--nested' attach one --untrusted
}

test_host_names_the_package_of_a_missing_nested_server() {
	session_up
	player one
	mkdir "$session/bin"
	ln -s -t "$session/bin" /usr/bin/*
	rm "$session/bin/Xephyr" "$session/bin/Xwayland"
	SESSION_PATH=/usr/local/bin:/home/bin host_fails 69 'x11: --nested=xephyr: Xephyr is not installed .apt-get install xserver-xephyr' attach one --nested
	SESSION_PATH=/usr/local/bin:/home/bin host_fails 69 'x11: --nested=xwayland: Xwayland is not installed .apt-get install xwayland' \
		attach one --nested=xwayland
	host_fails 69 'x11: --nested=xwayland: WAYLAND_DISPLAY is not set.*--nested=xephyr' attach one --nested=xwayland
	VARIABLES='WAYLAND_DISPLAY=wayland-99' host_fails 1 'x11: Xwayland did not start: .*see /home/run/' attach one --nested=xwayland
	VARIABLES='-u WAYLAND_DISPLAY' host_fails 69 'wayland: no socket' attach one --wayland
	host_fails 69 'sound: no socket' attach one --sound=pulse
}

test_host_tells_of_a_full_disk() {
	session_up
	player one
	host_ok stop one
	in_daemon mount -t tmpfs -o size=64k,mode=711 full "/var/lib/incus/storage-pools/default/containers" ||
		die 'cannot mount'
	host launch two --image=busybox --no-self-test
	rc=$?
	in_daemon umount "/var/lib/incus/storage-pools/default/containers"
	[ $rc != 0 ] || die 'it started on a full disk'
	grep -qE 'stremio-incus: two: .*(no space left|out of disk space).*free space' "$RIG/out" || die "$(tail -n 1 "$RIG/out")"
}

# A cookie of no bytes, or half a list, is no reason to blame the X server or Incus.
test_host_tells_of_a_full_disk_of_its_own_files() {
	session_up
	for FULL in /home/run /home/tmp; do
		VARIABLES='' host_fails 1 "files: no space left in $FULL/.*df -h" launch one --image=busybox
	done
	[ "$(state one)" = '' ] || die 'an instance is left'
}

# PipeWire's own socket comes after PID 1, too, and is waited for, looked at, and found by doctor.
test_host_pipewire_is_there_when_the_application_starts() {
	packages_install container > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	session_up
	user pipewire > "$RIG/pipewire.log" 2>&1 < /dev/null &
	# shellcheck disable=SC2034 # session_down ends it
	sound_server=$!
	until_true 20 test -S "$session/run/pipewire-0" || die "pipewire: $(tail -n 1 "$RIG/pipewire.log")"
	incus init busybox one --no-profiles --profile stremio < /dev/null > /dev/null 2>&1
	# shellcheck disable=SC2016
	printf '#!/bin/sh\ngrep -c "$PIPEWIRE_REMOTE" /proc/net/unix > ~/sockets\nexec sleep 1000\n' > "$RIG/app"
	push "$RIG/app" one/bin/app --mode 0755
	printf '%s\n' -- /bin/app > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	host_ok launch one --sound=pipewire
	grep -q '^ok    pipewire.socket ' "$RIG/out" || die "$(grep -E 'pulse|pipewire' "$RIG/out" || echo 'not looked at')"
	[ "$(home one sockets)" -ge 1 ] || die 'the application was started before it'
	host doctor one
	grep -q '^ok    host.sound .*/pipewire-0' "$RIG/out" || die "$(grep host.sound "$RIG/out")"
}

# A sound server that has crashed leaves its socket, too. The shim waits for one that may come
# back, and says whom it has waited for.
test_host_knows_a_stale_sound_socket() {
	session_up
	mkdir "$session/run/pulse"
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \
		"$session/run/pulse/native" || die 'no socket'
	chown -R "$USER_ID" "$session/run/pulse"
	host launch one --image=busybox --no-self-test
	rc=$?
	[ $rc = 1 ] || die "status $rc: $(tail -n 1 "$RIG/out")"
	grep -q 'console | stremio-shim: pulse.socket: .*' "$RIG/out" || die "$(cat "$RIG/out")"
	# With the session's next launch, if there is none any more.
	rm "$session/run/pulse/native"
	host_ok launch one --no-self-test
	incus config show one | grep -E 'pulse:|PULSE' && die 'it has a socket that is gone'
	[ "$(state one)" = Ready ] || die "state $(state one)"
}

test_host_makes_a_missing_profile_and_says_what_it_lacks() {
	session_up
	mv "$RIG/usr/lib/stremio-shim/guest" "$RIG/guest.away"
	host launch one --image=busybox
	rc=$?
	mv "$RIG/guest.away" "$RIG/usr/lib/stremio-shim/guest"
	[ $rc = 69 ] || die "status $rc"
	grep -q 'profile: no stremio-shim in .*make install' "$RIG/out" || die "$(tail -n 1 "$RIG/out")"
	# Without the hook it starts, and doctor knows why it has no devices.
	mv "$RIG/usr/lib/stremio-shim/stremio-hook" "$RIG/hook.away"
	host launch one --image=busybox --no-self-test
	rc=$?
	[ $rc = 0 ] && host doctor one
	cp "$RIG/out" "$RIG/without"
	# As the loader does without libudev.
	printf '#!/bin/sh\necho no libudev >&2\nexit 127\n' > "$RIG/usr/lib/stremio-shim/stremio-hook"
	chmod 755 "$RIG/usr/lib/stremio-shim/stremio-hook"
	[ $rc = 0 ] && host doctor one
	mv "$RIG/hook.away" "$RIG/usr/lib/stremio-shim/stremio-hook"
	[ $rc = 0 ] || die "without the hook: $(tail -n 1 "$RIG/out")"
	for line in '^fail  hook .*stremio-hook is not there' '^warn  lxc.log .*not on this host'; do
		grep -q "$line" "$RIG/without" || die "doctor: $(grep -A1 -E '^[a-z]*  (hook|lxc.log)' "$RIG/without")"
	done
	grep -q '^fail  hook .*does not run.*no libudev' "$RIG/out" || die "doctor: $(grep -A1 '^[a-z]* *hook' "$RIG/out")"
}

test_host_refuses_names_and_options_that_are_none() {
	session_up
	host_fails 64 'no verb given'
	host_fails 64 'bogus: no such verb' bogus
	host_fails 64 'no such option' launch --bogus
	host_fails 64 'no name for an instance' launch ../etc
	host_fails 64 'no name for an instance' launch other:one
	host_fails 64 'exclude each other' attach one --nested --untrusted
	host_fails 64 'no such value' attach one --sound=loud
	host_fails 64 'not a number' stop one --timeout=soon
}

# The hook has listed the devices and is held up at the first node that it makes; udev tells of one
# that goes meanwhile. Here, because strace is what holds it up.
test_hook_takes_back_what_is_unplugged_before_it_is_attached() {
	packages_install session > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	fake_desktop
	mv "$FAKE/real-hook" "$FAKE/prompt-hook"
	trap 'mv "$FAKE/prompt-hook" "$FAKE/real-hook"' EXIT
	# -D: liblxc stays its parent.
	cat > "$FAKE/real-hook" <<-END
	#!/bin/sh
	[ "\$1" = start-host ] || exec $FAKE/prompt-hook "\$@"
	exec strace -D -f -o /dev/null -e trace=mknodat -e inject=mknodat:delay_enter=2000000:when=1 $FAKE/prompt-hook "\$@"
	END
	chmod 755 "$FAKE/real-hook"
	instance slow -- /bin/sleep 1000
	incus start slow > "$RIG/start" 2>&1 &
	started=$!
	until_true 10 has_state slow || die "no hook: $(cat "$RIG/start")"
	sleep 1
	fake_gone renderD128
	hook plug > "$RIG/out" 2>&1 || die "plug: $(tail -n 1 "$RIG/out")"
	wait $started || die "$(cat "$RIG/start")"
	# So late was it that it was attached first.
	logged slow 'wired: 14 nodes'
	[ "$(nodes_in slow | grep -c .)" = 13 ] || die "$(nodes_in slow | tr '\n' ' ')"
	not_there slow 1000 1000 dri/renderD128 || die 'what was unplugged is there'
}

test_host_shows_what_an_application_that_ends_at_once_has_said() {
	session_up
	incus init busybox one --no-profiles --profile stremio < /dev/null > /dev/null 2>&1
	printf '%s\n' -- /no/such/program > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	host launch one
	rc=$?
	[ $rc != 0 ] || die 'it says that all is well'
	grep -q 'console | stremio-shim: .*/no/such/program' "$RIG/out" || die "$(cat "$RIG/out")"
	host doctor one
	grep -q 'the console says: .*stremio-shim: .*/no/such/program' "$RIG/out" || die "doctor: $(cat "$RIG/out")"
}

# doctor_says TEXT PATTERN: an application that printed TEXT is diagnosed so. What is printed in
# the last moment before the end may never reach the console's log: liblxc does not wait for it.
doctor_says() {
	printf '%s\n' '#!/bin/sh' "cat <<'END'" "$1" END 'sleep 0.5' 'exit 1' > "$RIG/app"
	push "$RIG/app" one/bin/app --mode 0755
	start one
	until_true 10 is_stopped one || die 'it does not end'
	host doctor one
	grep -qE -- "$2" "$RIG/out" || die "$1: $(tail -n 3 "$RIG/out" | tr '\n' ' ')"
}

test_host_doctor_knows_what_applications_say() {
	session_up
	host_ok launch one --image=busybox --no-self-test
	host_ok stop one
	printf '%s\n' -- /bin/app > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	doctor_says 'Error: listen EADDRINUSE: address already in use 127.0.0.1:11470' 'port 11470 is taken'
	doctor_says 'FATAL:zygote_host_impl_linux.cc No usable sandbox! Update your kernel' 'no usable sandbox'
	doctor_says 'ERROR:shared_memory: Creating shared memory in /dev/shm/.org failed: No space left' '/dev/shm is missing or full'
	doctor_says 'qt.qpa.xcb: could not connect to display :0' 'no display'
	doctor_says 'Render process terminated abnormally' 'the web view is dead'
	doctor_says 'Error: getaddrinfo EAI_AGAIN api.example' 'no name server answers'
}

# What an application writes can move the cursor or make a terminal type; not through this.
test_host_shows_no_control_characters_of_an_application() {
	session_up
	host_ok launch one --image=busybox --no-self-test --display=none
	host_ok stop one
	printf '#!/bin/sh\nprintf "\\033]0;title\\007\\302\\233c good-bye\\n"\nsleep 0.5\nexit 1\n' > "$RIG/app"
	push "$RIG/app" one/bin/app --mode 0755
	printf '%s\n' -- /bin/app > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	host launch one --display=none
	for words in 'launch one --display=none' 'logs one' 'doctor one'; do
		# shellcheck disable=SC2086
		host $words
		LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]\\|\302[\200-\237]')" "$RIG/out" &&
			die "$words: $(grep -m1 good-bye "$RIG/out" | od -c | head -n 4)"
	done
	host logs one
	grep -q 'good-bye$' "$RIG/out" || die "the text itself: $(tail -n 1 "$RIG/out")"
}

# Files of the instance's own are read: an endless one, a pipe, nonsense.
test_host_is_not_held_up_by_hostile_files() {
	session_up
	player one
	inside_root="incus exec one -- sh -c"
	$inside_root 'rm /etc/passwd; yes stremio:x:1000\$\(id\)\ -1:-1 | head -c 30000000 > /etc/passwd' < /dev/null
	host_ok attach one
	[ "$(answered incus exec one -- stat -c %u /var/lib/stremio-shim/Xauthority)" = 65532 ] ||
		die "owner $(incus exec one -- stat -c %u /var/lib/stremio-shim/Xauthority)"
	$inside_root 'rm /etc/passwd; ln -s /dev/zero /etc/passwd' < /dev/null
	host attach one
	$inside_root 'rm /etc/passwd; mkfifo /etc/passwd' < /dev/null
	host attach one
	true
}

# So is what answers in the shim's place: once it is root's in there, with all capabilities, and mounts
# another program over it.
test_host_is_not_held_up_by_a_hostile_self_test() {
	session_up
	host_ok launch one --image=busybox --no-self-test --display=none
	incus stop --force one
	printf '%s\n' --exec-bounding=full -- /bin/sleep 1000 > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	host_ok launch one --no-self-test --display=none
	printf '#!/bin/sh\nsh /bin/answer "$@"\n' > "$RIG/app"
	push "$RIG/app" one/bin/app --mode 0755
	incus exec one -- mount --bind /bin/app /opt/stremio-shim/stremio-shim < /dev/null || die 'cannot mount'
	for line in 'printf "\033]0;title\007\302\233c good-bye\n" | tee /dev/stderr; exit 5' \
		    'yes good-bye' 'yes good-bye >&2' 'echo good-bye; sleep 1000'; do
		echo "$line" > "$RIG/answer-line"
		push "$RIG/answer-line" one/bin/answer --mode 0644
		for words in 'launch one --display=none --wait=5' 'doctor one'; do
			# doctor's own time is a minute.
			[ "$words" != 'doctor one' ] || [ "${line#echo}" = "$line" ] || continue
			began=$(date +%s)
			# shellcheck disable=SC2086
			host $words && die "$line: $words says that all is well"
			[ $(($(date +%s) - began)) -lt 40 ] || die "$line: $words takes $(($(date +%s) - began)) s"
			[ "$(stat -c %s "$RIG/out")" -lt 5000000 ] || die "$line: $words prints all of it"
			LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]\\|\302[\200-\237]')" "$RIG/out" &&
				die "$line: $words: $(grep -m1 good-bye "$RIG/out" | od -c | head -n 4)"
			grep -qE 'self-test' "$RIG/out" || die "$line: $words: $(tail -n 1 "$RIG/out" | cut -c1-200)"
		done
	done
}

# What a launch waits for may never come, and whoever tires of it says stop.
test_host_stop_ends_a_launch_that_waits() {
	session_up
	player one
	host_ok stop one
	incus config set one environment.STREMIO_REQUIRE=gpu environment.STREMIO_WAIT=50
	user stremio-incus launch one --no-self-test > "$RIG/launched" 2>&1 < /dev/null &
	launch=$!
	until_true 30 grep -q 'waiting until' "$RIG/launched" || die "$(tail -n 1 "$RIG/launched")"
	began=$(date +%s)
	host_ok stop one
	[ $(($(date +%s) - began)) -lt 25 ] || die "stop took $(($(date +%s) - began)) s"
	wait $launch && die 'the launch says that all is well'
	grep -q 'one: it ended' "$RIG/launched" || die "$(tail -n 1 "$RIG/launched")"
}

test_host_names_a_lock_that_is_not_its_own() {
	session_up
	mkdir -p "$session/run/stremio-incus"
	chown "$USER_ID" "$session/run/stremio-incus"
	( umask 077 && : > "$session/run/stremio-incus/lock" )
	host_fails 1 "files: /home/run/stremio-incus/lock: not this user's .remove it" stop one
}
