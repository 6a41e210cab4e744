#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# An X display for an instance, and a look at what it shows. For sourcing.
#
#   display_use DIR       this session's display, or an Xvfb with its files in DIR; exports
#                         DISPLAY and XAUTHORITY (a private FamilyWild cookie of just this
#                         display); sets display_kind
#   display_server DIR PROGRAM [OPTION]...   an X server with its own cookie on a free display
#   display_stop DIR      end it
#   display_local DISPLAY the display of this machine that is meant, as :N
#   display_authority     the file with the cookies of this session
#   display_cookie FROM DISPLAY TO   just this display's, for any host name
#   window_list           ids of the application windows there are, one a line
#   window_wait OLD SECS  id of the first window not in OLD that is on the screen
#   window_shot ID FILE   its picture as FILE (PNG), the number of colours on stdout
#   window_shows ID FILE  whether that is a picture; if not, why says what it is
#   window_moves ID FILE FILE   whether two pictures, a second apart, differ; if not, why
#   within SECONDS COMMAND...   whether one of these becomes true

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

# display_entry FILE DISPLAY KEY: add it. By standard input: any user can read a command line.
display_entry() {
	printf 'add %s . %s\n' "$2" "$3" | xauth -q -f "$1" source - 2> /dev/null
}

display_answers() {
	timeout 10 xwininfo -root > /dev/null 2>&1
}

# display_local DISPLAY: as :N, when it is one of this machine's with a socket; else why not.
display_local() {
	case $1 in
	:[0-9]*|unix:[0-9]*) ;;
	*) echo "DISPLAY=$1 is not a display of this machine: a container reaches only those"
		return 1 ;;
	esac
	at=${1#*:}
	at=${at%%.*}
	case $at in
	*[!0-9]*) echo "DISPLAY=$1 is not a display"
		return 1 ;;
	esac
	[ -S "/tmp/.X11-unix/X$at" ] || {
		echo "DISPLAY=$1: no socket /tmp/.X11-unix/X$at: no X server runs there"
		return 1
	}
	echo ":$at"
}

# The file with the session's cookies. Through sudo HOME is root's: it is in the home of who
# called it.
display_authority() {
	home=${HOME:-/}
	[ -z "${SUDO_USER:-}" ] || home=$(getent passwd "$SUDO_USER" | cut -d: -f6)
	echo "${XAUTHORITY:-$home/.Xauthority}"
}

# shellcheck disable=SC2034
display_session() {
	else='DISPLAY= make run uses an Xvfb'
	authority=$(display_authority)
	name=$(display_local "$DISPLAY") || {
		echo "x11: $name ($else)" >&2
		return 1
	}
	display_cookie "$authority" "$name" "$1/cookie" || {
		echo "x11: no cookie for $name in $authority (set XAUTHORITY to the session's file; $else)" >&2
		return 1
	}
	DISPLAY=$name
	XAUTHORITY=$1/cookie
	export DISPLAY XAUTHORITY
	display_answers || {
		echo "x11: $DISPLAY refuses the cookie of $authority (log in anew, or $else)" >&2
		return 1
	}
	display_kind="this session's display $DISPLAY"
}

# usage: display_server DIR PROGRAM [OPTION]...: that X server on a free display with a cookie of
# its own, DIR/cookie; DIR/number is the display. It outlives the script that calls this.
display_server() {
	dir=$1
	shift
	rm -f "$dir/number" "$dir/server-cookie" "$dir/named"
	( umask 077 && : > "$dir/server-cookie" && : > "$dir/named" )
	# The server looks at the key only, whatever display the entry is for.
	key=$(mcookie)
	display_entry "$dir/server-cookie" :0 "$key"
	# A session of its own: ^C at the terminal is for the script, which then ends the server
	# after its clients.
	setsid "$@" -displayfd 3 -auth "$dir/server-cookie" -nolisten tcp -noreset \
		> "$dir/server.log" 2>&1 3> "$dir/number" < /dev/null &
	echo $! > "$dir/server.pid"
	i=0
	while [ ! -s "$dir/number" ] && kill -0 "$(cat "$dir/server.pid")" 2>/dev/null &&
	      [ $i -lt 100 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	[ -s "$dir/number" ] || {
		echo "x11: $1 did not start: $(tail -n 1 "$dir/server.log") (see $dir/server.log)" >&2
		return 1
	}
	# The entry for :0 made to fit the number that the server chose.
	display_entry "$dir/named" ":$(cat "$dir/number")" "$key"
	display_cookie "$dir/named" ":$(cat "$dir/number")" "$dir/cookie" || return 1
	rm -f "$dir/named"
}

# Process id of that server. The number alone may have been given to another process since.
display_server_pid() {
	[ -s "$1/server.pid" ] || return 1
	read -r server < "$1/server.pid" || return 1
	case $(tr '\0' ' ' 2> /dev/null < "/proc/$server/cmdline") in
	*"$1/server-cookie"*) echo "$server" ;;
	*) return 1 ;;
	esac
}

# shellcheck disable=SC2034 # display_kind is for the caller
display_virtual() {
	display_server "$1" Xvfb -screen 0 1280x720x24 || return 1
	DISPLAY=:$(cat "$1/number")
	XAUTHORITY=$1/cookie
	export DISPLAY XAUTHORITY
	display_answers || { echo "x11: $DISPLAY does not answer (see $1/server.log)" >&2; return 1; }
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
	server=$(display_server_pid "$1") || { rm -f "$1/server.pid"; return 0; }
	kill "$server" 2>/dev/null || :
	wait "$server" 2>/dev/null || :
	rm -f "$1/server.pid"
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

window_shows() {
	why='the window is gone again'
	colours=$(window_shot "$1" "$2") || return 1
	why="the window is blank: $colours colours in $2"
	[ "$colours" -ge 64 ]
}

window_moves() {
	window_shows "$1" "$2" || return 1
	sleep 1
	window_shows "$1" "$3" || return 1
	# shellcheck disable=SC2034 # for the caller
	why="the picture stands still: $2 and $3 are the same"
	! cmp -s "$2" "$3"
}

# Tried anew until it is true, and no more once the time is over: on a busy machine a player stands
# still now and then, and its sound has gaps.
within() {
	within_end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$within_end" ] || return 1
		sleep 0.2
	done
}
