#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, here and RIG are set by run.sh
#
# A desktop session for the tests of stremio-incus: a user without root who is in the daemon's
# group, the project installed, an X server with a cookie keyed to the host's name. The user sees
# the private daemon where a machine's own is, in a mount namespace of each command's. For
# sourcing by run.sh.
#
#   session_up           all of it, ended with the test's subshell
#   user COMMAND...      as that user, in the session
#   host WORD...         stremio-incus WORD... as that user; what it says in $RIG/out
#   host_fails STATUS PATTERN WORD...   it ends so, with one line like that
#   xserver_start, xserver_stop   the X server, with the cookies that are there
#   xserver_cookie       a new cookie, as a new login makes one
#   inside NAME WORD...  as the application's user in the instance; xclient is there
#   root_inside NAME WORD...   as its root

USER_ID=1234

session_up() {
	packages_install session > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	session=$RIG/session
	if [ ! -d "$session" ]; then
		"${MAKE:-make}" -s -C "$top" BUILD="$BUILD" prefix="$RIG/usr" install > "$RIG/out" 2>&1 ||
			die "make install: $(tail -n 1 "$RIG/out")"
		[ -z "${FAKE:-}" ] || ln -sf "$FAKE/stremio-hook" "$RIG/usr/lib/stremio-shim/stremio-hook"
		incus profile edit stremio < "$RIG/usr/share/stremio-shim/incus-profile.yaml" || die 'the profile'
		musl-gcc -static -O2 -o "$RIG/xclient" "$here/xclient.c" || die 'xclient.c does not compile'
	fi
	rm -rf "$session"
	mkdir -p "$session/run" "$session/tmp"
	chmod 700 "$session/run" "$session/tmp"
	chown -R $USER_ID:$USER_ID "$session"
	# Proxies of the daemon's connect to what is there for the user.
	in_daemon mount --bind "$session" /home || die 'cannot mount'
	DISPLAY_NUMBER='' xserver=''
	trap session_down EXIT
	xserver_cookie
	xserver_start
}

session_down() {
	for pid in "$session"/run/stremio-incus/*/server.pid; do
		[ ! -s "$pid" ] || kill "$(cat "$pid")" 2> /dev/null
	done
	# Those of a test that has failed meanwhile.
	# The function `user` in the background is a shell, and what it runs that one's child.
	for pid in ${server:-} ${sound_server:-}; do
		# shellcheck disable=SC2046
		kill $(cat "/proc/$pid/task/$pid/children" 2> /dev/null) "$pid" 2> /dev/null
	done
	xserver_stop
	in_daemon umount --lazy /home
}

# For a test that wants the session otherwise: $RIG/etc, files in place of those of /etc; VARIABLES,
# NAME=VALUE or -u NAME; FULL, a directory
# on a disk with nothing left.
VARIABLES=
FULL=
user() {
	# shellcheck disable=SC2016,SC2086
	unshare --mount sh -c '
		mount --bind "$1/incus" /var/lib/incus && mount --bind "$1/usr" /usr/local &&
			mount --bind "$1/session" /home || exit 99
		for f in passwd subuid subgid; do
			[ ! -e "$1/etc/$f" ] || mount --bind "$1/etc/$f" "/etc/$f" || exit 99
		done
		[ -z "$4" ] || { mount -t tmpfs -o "size=4k,mode=700,uid=$2" full "$4" &&
			head -c 4096 /dev/zero > "$4/all"; } || exit 99
		uid=$2 gid=$3
		shift 4
		exec setpriv --reuid="$uid" --regid="$uid" --groups="$gid" -- "$@"' user \
		"$RIG" $USER_ID "${SESSION_GROUP:-$(stat -c %g "$RIG/incus/unix.socket")}" "$FULL" \
		env -i PATH="${SESSION_PATH:-/usr/local/bin:/usr/bin:/bin}" HOME=/home XDG_RUNTIME_DIR=/home/run \
		TMPDIR=/home/tmp DISPLAY=":$DISPLAY_NUMBER" XAUTHORITY=/home/.Xauthority \
		env $VARIABLES "$@"
}

host() {
	user stremio-incus "$@" > "$RIG/out" 2>&1 < /dev/null
}

host_ok() {
	host "$@" || die "stremio-incus $*: $? $(tail -n 1 "$RIG/out")"
}

host_fails() {
	status=$1 pattern=$2
	shift 2
	rc=0
	user stremio-incus "$@" > "$RIG/out" 2> "$RIG/err" < /dev/null || rc=$?
	[ $rc = "$status" ] || die "stremio-incus $*: status $rc, not $status: $(tail -n 1 "$RIG/err")"
	[ "$(grep -vc '^  ' "$RIG/err")" = 1 ] || die "more than one line: $(cat "$RIG/err")"
	grep -qE -- "^stremio-incus: .*$pattern" "$RIG/err" || die "it says: $(cat "$RIG/err")"
}

xserver_cookie() {
	rm -f "$session/server" "$session/.Xauthority"
	xauth -q -f "$session/server" add :0 . "$(mcookie)" 2> /dev/null
	[ -z "$DISPLAY_NUMBER" ] || xserver_tell
}

# The user's file, with the server's key under the host's name, as display managers write it.
xserver_tell() {
	xauth -q -f "$session/.Xauthority" add "$(uname -n)/unix:$DISPLAY_NUMBER" . \
		"$(xauth -f "$session/server" list | awk '{ print $3 }')" 2> /dev/null
	chown $USER_ID "$session/.Xauthority"
}

# On the number it had, if it had one.
xserver_start() {
	: > "$session/number"
	# shellcheck disable=SC2086
	Xvfb ${DISPLAY_NUMBER:+:$DISPLAY_NUMBER} -displayfd 3 -auth "$session/server" \
		-screen 0 800x600x24 -nolisten tcp -noreset ${XSERVER_OPTIONS:-} \
		3> "$session/number" > "$session/log" 2>&1 &
	xserver=$!
	until_true 20 test -s "$session/number" || die "Xvfb: $(tail -n 1 "$session/log")"
	DISPLAY_NUMBER=$(cat "$session/number")
	[ -e "$session/.Xauthority" ] || xserver_tell
}

xserver_stop() {
	[ -n "$xserver" ] || return 0
	kill "$xserver" 2> /dev/null
	wait "$xserver" 2> /dev/null
	true
}

inside() {
	who=$1
	shift
	answered incus exec "$who" --user 1000 --group 1000 -- "$@" < /dev/null
}

root_inside() {
	who=$1
	shift
	answered incus exec "$who" -- "$@" < /dev/null
}

# The application is a shell script of the test's; the instance is made by stremio-incus.
player() {
	host_ok launch "$1" --image=busybox --no-self-test "${2:---sound=auto}"
	push "$RIG/xclient" "$1/bin/xclient" --mode 0755
}

sees_display() { [ "$(inside "$1" xclient 2>&1)" = ok ]; }
