#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# An X display for an instance, and a look at what it shows. For sourcing.
#
#   display_use DIR       this session's display, or an Xvfb with its files in DIR; exports
#                         DISPLAY and XAUTHORITY (a private FamilyWild cookie of just this
#                         display); sets display_kind
#   display_stop DIR      end that Xvfb
#   window_list           ids of the application windows there are, one a line
#   window_wait OLD SECS  id of the first window not in OLD that is on the screen
#   window_shot ID FILE   its picture as FILE (PNG), the number of colours on stdout

# Cookies in .Xauthority are keyed to the host's name, which differs in a container; family
# ffff (FamilyWild) matches any. Only this display's entry is copied.
# usage: display_cookie FROM DISPLAY TO
display_cookie() {
	rm -f "$3"
	( umask 077 && : > "$3" )
	xauth -f "$1" nlist "$2" 2>/dev/null | sed 's/^..../ffff/' |
		xauth -q -f "$3" nmerge - 2>/dev/null
	[ -s "$3" ]
}

display_answers() {
	timeout 10 xwininfo -root > /dev/null 2>&1
}

# shellcheck disable=SC2034
display_session() {
	case $DISPLAY in
	:[0-9]*|unix:[0-9]*) ;;
	*) echo "x11: DISPLAY=$DISPLAY is not a display of this machine (a container without network reaches only those; DISPLAY= make run uses an Xvfb)" >&2
		return 1 ;;
	esac
	DISPLAY=:${DISPLAY#*:}
	number=${DISPLAY#:}
	[ -S "/tmp/.X11-unix/X${number%%.*}" ] || {
		echo "x11: DISPLAY=$DISPLAY: no socket /tmp/.X11-unix/X${number%%.*} (is the server running? DISPLAY= make run uses an Xvfb)" >&2
		return 1
	}
	# Through sudo HOME is root's: the cookie is in the home of who called it.
	home=$HOME
	[ -z "${SUDO_USER:-}" ] || home=$(getent passwd "$SUDO_USER" | cut -d: -f6)
	display_cookie "${XAUTHORITY:-$home/.Xauthority}" "$DISPLAY" "$1/cookie" || {
		echo "x11: no cookie for $DISPLAY in ${XAUTHORITY:-$home/.Xauthority} (set XAUTHORITY to the session's file; DISPLAY= make run uses an Xvfb)" >&2
		return 1
	}
	XAUTHORITY=$1/cookie
	export DISPLAY XAUTHORITY
	display_answers || {
		echo "x11: $DISPLAY refuses the cookie of ${home}/.Xauthority (log in anew, or DISPLAY= make run for an Xvfb)" >&2
		return 1
	}
	display_kind="this session's display $DISPLAY"
}

# shellcheck disable=SC2034 # display_kind is for the caller
display_virtual() {
	( umask 077 && : > "$1/server-cookie" )
	# The server looks at the key only, whatever display the entry is for.
	xauth -q -f "$1/server-cookie" add :0 . "$(mcookie)" 2>/dev/null
	rm -f "$1/number"
	# A session of its own: ^C at the terminal is for the script, which then ends the server
	# after its clients.
	setsid Xvfb -displayfd 3 -auth "$1/server-cookie" -screen 0 1280x720x24 -nolisten tcp \
		-noreset > "$1/xvfb.log" 2>&1 3> "$1/number" < /dev/null &
	echo $! > "$1/xvfb.pid"
	i=0
	while [ ! -s "$1/number" ] && kill -0 "$(cat "$1/xvfb.pid")" 2>/dev/null &&
	      [ $i -lt 100 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	[ -s "$1/number" ] || {
		echo "x11: Xvfb did not start: $(tail -n 1 "$1/xvfb.log") (see $1/xvfb.log)" >&2
		return 1
	}
	DISPLAY=:$(cat "$1/number")
	# The entry for :0 made to fit the number that the server chose.
	key=$(xauth -f "$1/server-cookie" list | awk '{ print $3 }')
	xauth -q -f "$1/named" add "$DISPLAY" . "$key" 2>/dev/null
	display_cookie "$1/named" "$DISPLAY" "$1/cookie" || return 1
	rm -f "$1/named"
	XAUTHORITY=$1/cookie
	export DISPLAY XAUTHORITY
	display_answers || { echo "x11: $DISPLAY does not answer (see $1/xvfb.log)" >&2; return 1; }
	display_kind="Xvfb on $DISPLAY"
}

display_use() {
	mkdir -p "$1" && chmod 700 "$1" || return 1
	if [ -n "${DISPLAY:-}" ]; then
		display_session "$1"
	else
		display_virtual "$1"
	fi
}

display_stop() {
	[ -s "$1/xvfb.pid" ] || return 0
	read -r xvfb < "$1/xvfb.pid"
	case $(tr '\0' ' ' < "/proc/$xvfb/cmdline" 2>/dev/null) in
	*"$1/server-cookie"*) kill "$xvfb" 2>/dev/null || : ;;
	esac
	wait "$xvfb" 2>/dev/null || :
	rm -f "$1/xvfb.pid"
}

# Windows with a class, of a size that is not a helper's.
window_list() {
	xwininfo -root -tree 2>/dev/null | awk '
	/^ +0x/ && match($0, /[0-9]+x[0-9]+\+/) && /: \("/ {
		split(substr($0, RSTART, RLENGTH), size, /[x+]/)
		if (size[1] >= 160 && size[2] >= 90)
			print $1
	}'
}

window_wait() {
	until=$(($(date +%s) + $2))
	while [ "$(date +%s)" -lt "$until" ]; do
		for w in $(window_list); do
			case " $1 " in *" $w "*) continue ;; esac
			if xwininfo -id "$w" 2>/dev/null | grep -q 'Map State: IsViewable'; then
				echo "$w"
				return 0
			fi
		done
		sleep 0.2
	done
	return 1
}

window_shot() {
	xwd -silent -id "$1" 2>/dev/null | xwdtopnm -quiet > "$2.pnm" 2>/dev/null || return 1
	pnmtopng -quiet -compression 9 "$2.pnm" > "$2.new" 2>/dev/null || return 1
	mv "$2.new" "$2"
	ppmhist -quiet -noheader "$2.pnm" | wc -l
	rm -f "$2.pnm"
}
