#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # one program in several files: stremio-incus
#
# attach and detach: the session's display and sound for an instance, and what tells it of them.
# For sourcing by stremio-incus.

# attached_ids NAME: sets application_uid and application_gid.
attached_ids() {
	# A dry run has made no instance to ask: the user of the images that this project makes.
	ids='1000 1000'
	[ "$instance_state" = absent ] ||
		ids=$(application_ids "$1" "$(instance_key environment.STREMIO_USER)" \
			"$(shim_words "$(instance_key raw.lxc)")")
	application_uid=${ids% *} application_gid=${ids#* }
}

# make_way NAME PATH: for a file. Who is the application's user in there, or root, may have put a link
# there, which leads elsewhere, or a pipe, which nobody reads.
make_way() {
	show "incus file delete $(quoted "$1$2") 2> /dev/null || :"
	[ "$dry_run" = 0 ] || return 0
	for _ in 1 2 3; do
		! try timeout 20 incus file delete "$1$2" || return 0
		grep -q EOF "$work/error" || return 0
	done
}

# push_private FILE NAME PATH: for the application's user alone.
push_private() {
	make_way "$2" "$3"
	set -- timeout 20 incus file push -q -p "$1" "$2$3" --uid "$application_uid" --gid "$application_gid" --mode 0600
	for _ in 1 2; do
		push_rc=0
		try "$@" || push_rc=$?
		[ $push_rc != 0 ] || return 0
		[ $push_rc != 124 ] || fail "$inst" "a file for it was not taken within 20 s: what is in its place there? (incus restart $inst)"
		grep -q EOF "$work/error" || break
	done
	run "$inst" "$@"
}

# drop_private NAME PATH: whether it is known to be there or not.
drop_private() {
	for _ in 1 2 3; do
		! try incus file delete "$1$2" || return 0
		grep -q EOF "$work/error" || break
	done
	grep -qiE 'not found|not exist|no such file' "$work/error" ||
		warn "$1" "$2 is left in it: $(sed -n 's/^Error: //p' "$work/error" | head -n 1)"
}

# The application's kinds of devices: what is attached is also looked at by the shim. Of a user's own
# list the words for nodes stay; one that has none left is `none`, which is less than no list.
devices_with() {
	kinds=$(own_key environment.STREMIO_DEVICES)
	# shellcheck disable=SC2046
	kinds=$(printf '%s\n' $(echo "${kinds:-gpu,sound,x11},,$1" | tr ',' ' ') | awk -v given=",$1," '
		$0 != "none" && (!/^(pulse|wayland)$/ || index(given, "," $0 ",")) && !there[$0]++' | paste -sd, -)
	[ "$kinds" = gpu,sound,x11 ] || echo "${kinds:-none}"
}

# What the shim waits for before it starts the application: Incus starts proxies after PID 1, and
# a player that finds no server then does without sound for good. A user's own list is left.
requires_with() {
	own=$(own_key environment.STREMIO_REQUIRE)
	case $own in
	''|pulse|wayland|pulse,wayland|x11,pulse|x11,wayland|x11,pulse,wayland) ;;
	*) echo "$own"
		return ;;
	esac
	[ -z "$1" ] || [ "$opt_display" = none ] || printf x11,
	echo "$1"
}

# socket_attach NAME DEVICE SOCKET: a socket of this session, through a proxy: the server sees
# this user at the other end, as it does with every client of the session, and may start anew.
socket_attach() {
	# Incus makes the socket before PID 1 is there, but not its directory.
	try incus file create -q -p --type=directory "$1$guest_dir" ||
		grep -qi 'exist' "$work/error" || run_failed "$1"
	set_device "$1" "$2" proxy "connect=unix:$3" "listen=unix:$guest_dir/$2" bind=instance \
		"uid=$application_uid" "gid=$application_gid" mode=0600 \
		"security.uid=$(id -u)" "security.gid=$(id -g)"
}

# Sets sound_kind and sound_socket; empty when there is none.
sound_find() {
	sound_kind='' sound_socket=''
	runtime=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
	case $1 in
	auto|pulse)
		case ${PULSE_SERVER:-} in
		unix:/*) sound_socket=${PULSE_SERVER#unix:} ;;
		*) sound_socket=$runtime/pulse/native ;;
		esac
		sound_kind=pulse ;;
	pipewire)
		sound_kind=pipewire
		sound_socket=${PIPEWIRE_RUNTIME_DIR:-$runtime}/${PIPEWIRE_REMOTE:-pipewire-0} ;;
	esac
	[ -z "$sound_socket" ] || [ -S "$sound_socket" ] || {
		case $1:$opt_sound in
		auto:*) ;;
		*:) warn sound "no socket $sound_socket: no sound this time" ;;
		*) missing sound "no socket $sound_socket: no such server in this session (--sound=auto takes what is there)" ;;
		esac
		sound_kind='' sound_socket=''
	}
}

# Sets wayland_wanted, and wayland_socket, empty when there is none.
wayland_find() {
	wayland_wanted=0 wayland_socket=''
	[ "$opt_wayland" != 0 ] && { [ -n "$opt_wayland" ] || own_device wayland; } || return 0
	wayland_wanted=1
	socket=${WAYLAND_DISPLAY:-wayland-0}
	case $socket in /*) ;; *) socket=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/$socket ;; esac
	[ -S "$socket" ] || {
		[ -z "$opt_wayland" ] || missing wayland "no socket $socket: this is no Wayland session"
		warn wayland "no socket $socket: no Wayland this time"
		return
	}
	wayland_socket=$socket
}

# Sets wayland, the socket in the instance.
wayland_attach() {
	wayland=''
	[ "$wayland_wanted" = 1 ] || drop_device "$1" wayland
	[ -n "$wayland_socket" ] || return 0
	socket_attach "$1" wayland "$wayland_socket"
	wayland=$guest_dir/wayland
}

# A sound server's shared memory does not come through Incus's proxy, and libpulse gives up for want of
# it: samples go through the socket, then.
pulse_client() {
	if [ "$dry_run" = 1 ]; then
		printf "echo 'enable-shm = no' | incus file push -p - %s --uid %s --gid %s --mode 0600\n" \
			"$1$guest_dir/pulse.conf" "$application_uid" "$application_gid"
		return
	fi
	echo 'enable-shm = no' > "$work/pulse.conf"
	push_private "$work/pulse.conf" "$1" "$guest_dir/pulse.conf"
}

pulse_client_drop() {
	[ -z "$(own_key environment.PULSE_CLIENTCONFIG)" ] || drop_private "$1" "$guest_dir/pulse.conf"
}

# Sound and Wayland, as they were chosen last: whoever has shut an instance out of the microphone
# does not let it in by starting it from the menu.
session_find() {
	choice=${opt_sound:-$(own_key user.stremio-shim.sound)}
	sound_find "${choice:-auto}"
	wayland_find
}

session_attach() {
	inst=$1
	pulse='' pipewire=''
	for kind in pulse pipewire; do
		[ "$kind" = "$sound_kind" ] || drop_device "$inst" $kind
	done
	if [ -n "$sound_kind" ]; then
		socket_attach "$inst" "$sound_kind" "$sound_socket"
		[ "$sound_kind" = pipewire ] || pulse=unix:$guest_dir/pulse
		[ "$sound_kind" = pulse ] || pipewire=unix:$guest_dir/pipewire
	fi
	if [ -n "$pulse" ]; then
		pulse_client "$inst"
	else
		pulse_client_drop "$inst"
	fi
	wayland_attach "$inst"
	# The shim's word for sound servers, PipeWire's socket too.
	kinds=${sound_kind:+pulse}${wayland:+${sound_kind:+,}wayland}
	display=x11,
	[ "$opt_display" != none ] || display=
	want "environment.PULSE_SERVER=$pulse" \
		"environment.PULSE_CLIENTCONFIG=${pulse:+$guest_dir/pulse.conf}" \
		"environment.PIPEWIRE_REMOTE=${pipewire#unix:}" \
		"environment.WAYLAND_DISPLAY=$wayland" "user.stremio-shim.sound=$choice" \
		"environment.STREMIO_DEVICES=$(devices_with "$display$kinds")" \
		"environment.STREMIO_REQUIRE=$(requires_with "$kinds")"
}

# What the instance must not be when something is put into it.
attachable() {
	case $instance_state in
	Frozen) missing "$1" "it is frozen (incus resume $1)" ;;
	Error) fail "$1" "Incus calls it broken (incus info $1 --show-log)" ;;
	esac
	at_work=$(instance_busy "$1")
	[ -z "$at_work" ] || fail "$1" "it is busy: $at_work (wait until that has ended: incus operation list; then try again)"
}

# What Incus is doing with it, if anything that files and devices have to wait for: a task. A
# shell in it or its console are websockets.
instance_busy() {
	incus query "/1.0/operations?recursion=1&project=$project_arg" < /dev/null 2> /dev/null | awk -v name="$1" '
	function value(line) { sub(/^[^:]*: "/, "", line); sub(/",?$/, "", line); return line }
	/^\t\t\t"class": / { task = /"task"/ }
	/^\t\t\t"description": / { what = value($0) }
	/^\t\t\t"status": / { running = /"Running"/ }
	index($0, "\"/1.0/instances/" name "\"") || index($0, "\"/1.0/instances/" name "?") { hit = 1 }
	/^\t\t\}/ { if (hit && task && running) { print what; exit } hit = 0 }'
}

# What was chosen last where nothing is said: none, too.
display_chosen() {
	[ -n "$opt_display$opt_trust" ] || [ "$(own_key user.stremio-shim.x11)" != none ] || opt_display=none
}

attach_all() {
	attachable "$1"
	attached_ids "$1"
	# What is not there is said before anything is put into the instance.
	session_find
	if [ "$opt_display" = none ]; then
		case $(own_key user.stremio-shim.x11) in
		''|none) ;;
		*) x11_detach "$1" ;;
		esac
		want user.stremio-shim.x11=none
	else
		x11_attach "$1"
	fi
	session_attach "$1"
	# By whom, so that another user's login does not move it to another desktop.
	want "user.stremio-shim.attached=$(id -u)"
	keys_set "$1"
	refresh_at_login
}

# After a login with a new cookie the instances that are attached get it without a command.
autostart=${XDG_CONFIG_HOME:-${HOME:-}/.config}/autostart/stremio-incus.desktop

# A program for the Exec line of a desktop entry: in double quotes where a shell would quote it. A
# backslash is an escape twice, of the file's and of the quotes', and a % stands for something else.
exec_word() {
	case $(quoted "$1") in
	\'*) printf '"%s"' "$(printf %s "$1" | sed 's/\\/&&&&/g; s/["`$]/\\\\&/g; s/%/%%/g')" ;;
	*) printf %s "$1" | sed 's/%/%%/g' ;;
	esac
}

# Whether there is one that still finds its program. What else the user has changed there is his.
refreshes_at_login() {
	[ -e "$autostart" ] || return 1
	starts=$(sed -n 's/^Exec="\([^"]*\)".*/\1/p; s/^Exec=\(\/[^ ]*\).*/\1/p' "$autostart" | sed 's/%%/%/g')
	[ -z "$starts" ] || [ -x "$starts" ] || grep -q '^Hidden=true' "$autostart"
}

refresh_at_login() {
	[ -z "${SUDO_USER:-}" ] && ! refreshes_at_login || return 0
	show "# and $autostart, which runs 'stremio-incus attach --refresh' at each login"
	[ "$dry_run" = 0 ] || return 0
	{ mkdir -p "${autostart%/*}" && cat > "$autostart"; } 2> "$work/error" <<-END || warn attach "cannot write $autostart: attach again after each login"
	[Desktop Entry]
	Type=Application
	Name=Stremio in Incus: this login's display
	Exec=$(exec_word "$program") --desktop attach --refresh
	NoDisplay=true
	END
}

# attached_instances: those that this user has attached, in whichever project, as lines PROJECT NAME
# (no name of either has a blank in it). What JSON may spell with a \ is allowed in a project's name.
attached_instances() {
	incus query '/1.0/instances?recursion=1&all-projects=true' < /dev/null 2> /dev/null |
		awk -v who="\"$(id -u)\"" 'function value(word) { sub(/,$/, "", word); return substr(word, 2, length(word) - 2) }
		/^\t\t"config": \{/ { own = 1 } /^\t\t\}/ { own = 0 }
		own && /"user\.stremio-shim\.attached":/ { sub(/,$/, "", $2); hit = $2 == who }
		/^\t\t"name": "/ { name = value($2) }
		/^\t\t"project": "/ { project = value($2) }
		/^\t\}/ { if (hit) print project, name; hit = 0 }' |
		sed 's/\\u0026/\&/g; s/\\u003c/</g; s/\\u003e/>/g; s/\\\\/\\/g'
}

# refresh_one PROJECT NAME
refresh_one() {
	INCUS_PROJECT=$1
	export INCUS_PROJECT
	project_find
	show "export INCUS_PROJECT=$(quoted "$project")"
	shift
	instance_read "$1" || return 0
	case $(own_key user.stremio-shim.x11) in
	trusted*|untrusted*) ;;
	*) return 0 ;;
	esac
	attachable "$1"
	attached_ids "$1"
	x11_attach "$1"
	keys_set "$1"
	[ "$project" = default ] || set -- "$1 (project $project)"
	tell "$1: has the cookie of $x11_display"
}

# One that cannot have it does not keep it from the others.
attach_refresh() {
	rc=0
	attached_instances > "$work/attached"
	while read -r its_project name; do
		( refresh_one "$its_project" "$name" < /dev/null ) || rc=1
	done < "$work/attached"
	return $rc
}

verb_attach() {
	opt_display='' opt_trust='' opt_sound='' opt_wayland=''
	refresh=0 name=
	for word in "$@"; do
		case $word in
		--refresh) refresh=1 ;;
		*) attach_option "$word" || only_name "$word" ;;
		esac
	done
	attach_check
	[ $refresh = 0 ] || { [ -z "$name$opt_trust$opt_sound$opt_wayland" ] && [ "$opt_display" != none ]; } ||
		usage_error '--refresh is of all that are attached, as each was: it goes with --display=:N only'
	incus_ready
	lock_take
	if [ $refresh = 1 ]; then
		attach_refresh
		return
	fi
	name=${name:-$default_name}
	instance_require "$name"
	display_chosen
	before=$(own_key environment.DISPLAY)
	attach_all "$name"
	tell "$name: attached${x11_display:+ to $x11_display ($x11_kind)}${sound_kind:+, $sound_kind}${wayland:+, wayland}"
	case $instance_state in
	Running|Ready)
		[ "$before" = "${x11_display:-}" ] ||
			tell "it runs, and learns of the new display when it starts again: incus restart $name" ;;
	esac
}

verb_detach() {
	name=
	for word in "$@"; do
		only_name "$word"
	done
	incus_ready
	lock_take
	name=${name:-$default_name}
	instance_require "$name"
	attachable "$name"
	x11_detach "$name"
	for device in pulse pipewire wayland; do
		drop_device "$name" $device
	done
	pulse_client_drop "$name"
	want environment.PULSE_SERVER= environment.PULSE_CLIENTCONFIG= environment.PIPEWIRE_REMOTE= environment.WAYLAND_DISPLAY= \
		"environment.STREMIO_DEVICES=$(devices_with '')" \
		"environment.STREMIO_REQUIRE=$(requires_with '')" user.stremio-shim.sound= \
		user.stremio-shim.x11= user.stremio-shim.attached=
	keys_set "$name"
	if [ -e "$autostart" ] && [ -z "$(attached_instances)" ]; then
		run detach rm -f "$autostart"
	fi
	tell "$name: detached"
}

# attach_option WORD: 1 when it is none of these.
attach_option() {
	case $1 in
	--display=none) opt_display=none ;;
	--display=?*) opt_display=${1#*=} ;;
	--trusted|--untrusted) trust_option "${1#--}" ;;
	--nested) trust_option xephyr ;;
	--nested=xephyr|--nested=xwayland) trust_option "${1#*=}" ;;
	--sound=auto|--sound=pulse|--sound=pipewire|--sound=none) opt_sound=${1#*=} ;;
	--wayland) opt_wayland=1 ;;
	--no-wayland) opt_wayland=0 ;;
	--display=*|--nested=*|--sound=*) usage_error "$1: no such value" ;;
	*) return 1 ;;
	esac
}

trust_option() {
	[ -z "$opt_trust" ] || [ "$opt_trust" = "$1" ] ||
		usage_error '--trusted, --untrusted and --nested exclude each other'
	opt_trust=$1
}

attach_check() {
	[ "$opt_display" != none ] || [ -z "$opt_trust" ] ||
		usage_error "--display=none takes no display, and --$opt_trust wants one"
}
