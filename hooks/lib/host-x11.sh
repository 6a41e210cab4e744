#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # one program in several files: stremio-incus
#
# The session's X server for an instance. For sourcing by stremio-incus.
#
#   x11_attach NAME     the display, as $opt_display and $opt_trust (trusted, untrusted, xephyr,
#                       xwayland) say; without $opt_trust as it was before, so that whoever has
#                       shut an instance out does not let it in by starting it
#   x11_detach NAME
#   x11_find            sets x11_display and x11_authority, or says why there is none
#   x11_answer DISPLAY COOKIES   ok, refused, dead or unknown
#
# The directory of the sockets is given, read-only, not one socket: a server that starts anew is
# found, and nobody inside can remove the host's sockets. A nested server ends with what it is
# for, so of that one only its own socket is given: whoever ran `xhost +local:` on the real
# server has not let the instance in.

guest_dir=/var/lib/stremio-shim
guest_cookie=$guest_dir/Xauthority
# Xwayland of a compositor may have no cookies at all (sway, wlroots).
x11_cookies="set XAUTHORITY to the session's file; where xauth list is empty: --nested=xwayland, or --wayland --display=none"

# What the X server says to a client with these cookies.
x11_answer() {
	for client in xwininfo:-root xset:q xdpyinfo:-queryExtensions; do
		! command -v "${client%%:*}" > /dev/null || break
		client=
	done
	if [ -n "$client" ]; then
		said=$(DISPLAY=$1 XAUTHORITY=$2 timeout 30 "${client%%:*}" "${client#*:}" 2>&1) && {
			echo ok
			return
		}
		case $?:$said in
		# A busy machine is no reason to call a server dead.
		124:*) echo unknown ;;
		*uthoriz*|*'No protocol specified'*|*'MAGIC-COOKIE'*) echo refused ;;
		*) echo dead ;;
		esac
	elif grep -q "00010000 .* /tmp/.X11-unix/X${1#:}\$" /proc/net/unix; then
		# It listens (__SO_ACCEPTCON); more cannot be asked without a client.
		echo unknown
	else
		echo dead
	fi
}

x11_find() {
	x11_display=${opt_display:-${DISPLAY:-}}
	[ -n "$x11_display" ] || {
		echo 'DISPLAY is not set: this is no X session (start it from the desktop, or name one: --display=:0; without: --display=none)'
		return 1
	}
	x11_name=$(display_local "$x11_display") || {
		echo "$x11_name (log in to a desktop session, or name another: --display=:N)"
		return 1
	}
	x11_display=$x11_name
	x11_authority=$(display_authority)
	[ -e "$x11_authority" ] || {
		echo "no cookies in $x11_authority: there is no such file ($x11_cookies)"
		return 1
	}
	[ -r "$x11_authority" ] || {
		echo "$x11_authority cannot be read by this user (run stremio-incus as the session's user)"
		return 1
	}
	command -v xauth > /dev/null || {
		echo 'xauth is not installed (apt-get install xauth)'
		return 1
	}
	xauth -f "$x11_authority" nlist "$x11_display" 2> /dev/null | grep -q . || {
		echo "no cookie for $x11_display in $x11_authority ($x11_cookies)"
		return 1
	}
	case $(x11_answer "$x11_display" "$x11_authority") in
	refused)
		echo "$x11_display refuses the cookie of $x11_authority (it is of an older session: log in anew, or set XAUTHORITY)"
		return 1 ;;
	dead)
		echo "/tmp/.X11-unix/X${x11_display#:} is stale: no X server answers there (log in anew; remove the file if no server is to use it)"
		return 1 ;;
	esac
}

# The cookie for the instance, in $1/cookie.
x11_cookie() {
	private_make "$1"
	from=$x11_authority
	if [ "$x11_kind" = untrusted ]; then
		from=$1/untrusted
		show "XAUTHORITY=$(quoted "$x11_authority") xauth -q -f $(quoted "$from") generate $x11_display . untrusted timeout 0"
		if [ "$dry_run" = 0 ]; then
			rm -f "$from"
			( umask 077 && : > "$from" )
			XAUTHORITY=$x11_authority timeout 10 xauth -q -f "$from" generate "$x11_display" . \
				untrusted timeout 0 > "$work/output" 2> "$work/error"
			[ -s "$from" ] || missing x11 "$x11_display makes no untrusted cookie: $(sed -n 's/^xauth: *(argv):1: *//p' "$work/error" | head -n 1) (it lacks the SECURITY extension; --nested keeps an application apart, too)"
		fi
	fi
	# As display_cookie does it.
	show "( umask 077; xauth -f $(quoted "$from") nlist $x11_display | sed 's/^..../ffff/' | xauth -q -f $(quoted "$1/cookie") nmerge - )"
	[ "$dry_run" = 1 ] || display_cookie "$from" "$x11_display" "$1/cookie" ||
		missing x11 "no cookie for $x11_display in $from"
}

nested_program() {
	case $1 in
	xephyr)
		x11_package=xserver-xephyr
		x11_server='Xephyr -screen 1280x720 -resizeable' ;;
	xwayland)
		x11_package=xwayland
		x11_server=Xwayland ;;
	esac
}

# nested_other DIR: whether the server that runs there is another than is asked for: of another kind, or
# with its window on another display than one that is named.
nested_other() {
	server=$(display_server_pid "$1") || return 1
	case $(own_key user.stremio-shim.x11) in
	"$x11_kind "*) ;;
	*) return 0 ;;
	esac
	[ "$x11_kind" = xephyr ] && [ -n "$opt_display" ] &&
		! tr '\0' '\n' < "/proc/$server/environ" | grep -qx "DISPLAY=$x11_display"
}

# Its window is a client of the session's display or compositor, and what types into it is seen
# by nobody behind that window.
nested_start() {
	nested_program "$x11_kind"
	command -v "${x11_server%% *}" > /dev/null ||
		missing x11 "--nested=$x11_kind: ${x11_server%% *} is not installed (apt-get install $x11_package)"
	if [ "$x11_kind" = xwayland ]; then
		[ -n "${WAYLAND_DISPLAY:-}" ] ||
			missing x11 '--nested=xwayland: WAYLAND_DISPLAY is not set: this is no Wayland session (--nested=xephyr)'
		# Older ones have no size to choose.
		! Xwayland -help 2>&1 | grep -q -e '-geometry' || x11_server="$x11_server -geometry 1280x720"
	else
		x11_find > "$work/why" || missing x11 "$(cat "$work/why")"
		export DISPLAY="$x11_display" XAUTHORITY="$x11_authority"
	fi
	private_make "$1"
	fresh=1
	if nested_other "$1"; then
		nested_stop "$inst"
	elif display_server_pid "$1" > /dev/null; then
		fresh=0
	fi
	if [ $fresh = 1 ]; then
		if [ "$dry_run" = 1 ]; then
			nested_shown "$1"
			return
		fi
		# shellcheck disable=SC2086
		display_server "$1" $x11_server 2> "$work/error" 9>&- ||
			fail x11 "$(sed 's/^x11: //' "$work/error")"
	fi
	x11_display=:$(cat "$1/number")
}

# nested_shown DIR: display_server as a script, on a display that is free now: what follows names it.
nested_shown() {
	number=0
	while [ -e "/tmp/.X11-unix/X$number" ] || [ -e "/tmp/.X$number-lock" ]; do
		number=$((number + 1))
	done
	at=$(quoted "$1")
	if [ "$x11_kind" = xwayland ]; then
		on="WAYLAND_DISPLAY=$(quoted "$WAYLAND_DISPLAY")"
	else
		on="DISPLAY=$x11_display XAUTHORITY=$(quoted "$x11_authority")"
	fi
	x11_display=:$number
	show "rm -f $at/number $at/server-cookie $at/cookie"
	show "( umask 077; printf 'add $x11_display . %s\\n' \"\$(mcookie)\" | xauth -q -f $at/server-cookie source - )"
	show "$on setsid $x11_server $x11_display -displayfd 3 -auth $at/server-cookie -nolisten tcp -noreset > $at/server.log 2>&1 3> $at/number < /dev/null & echo \$! > $at/server.pid"
	show "timeout 10 sh -c 'until [ -s \"\$1\" ]; do sleep 0.1; done' number $at/number"
	show "( umask 077; xauth -f $at/server-cookie nlist | sed 's/^..../ffff/' | xauth -q -f $at/cookie nmerge - )"
}

x11_attach() {
	inst=$1
	dir=$(private_dir "$inst")
	x11_kind=${opt_trust:-$(own_key user.stremio-shim.x11 | cut -d' ' -f1)}
	case $x11_kind in ''|none) x11_kind=trusted ;; esac
	case $x11_kind in
	xephyr|xwayland)
		nested_start "$dir"
		# A running instance has the old one's socket mounted, and the new one's name may be the same.
		[ $fresh = 0 ] || drop_device "$inst" x11
		socket=/tmp/.X11-unix/X${x11_display#:}
		set_device "$inst" x11 disk "source=$socket" "path=$socket" readonly=true required=false
		;;
	*)
		x11_find > "$work/why" || missing x11 "$(cat "$work/why")"
		nested_stop "$inst"
		x11_cookie "$dir"
		set_device "$inst" x11 disk source=/tmp/.X11-unix path=/tmp/.X11-unix \
			readonly=true required=false
		;;
	esac
	push_private "$dir/cookie" "$inst" "$guest_cookie"
	want "environment.DISPLAY=$x11_display" "environment.XAUTHORITY=$guest_cookie" \
		"user.stremio-shim.x11=$x11_kind $x11_display"
}

nested_stop() {
	dir=$(private_dir "$1")
	server=$(display_server_pid "$dir") || return 0
	show "kill $server"
	[ "$dry_run" = 1 ] || display_stop "$dir"
}

x11_detach() {
	drop_device "$1" x11
	want environment.DISPLAY= environment.XAUTHORITY=
	# A copy of a cookie is not left behind where it can be read, nor that of an attach which failed.
	drop_private "$1" "$guest_cookie"
	nested_stop "$1"
	dir=$(private_dir "$1")
	[ ! -d "$dir" ] || run files rm -rf "$dir"
}
