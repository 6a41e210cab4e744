#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# make run: an application in a real Incus container under stremio-shim, seen and heard.
#
#   hooks/run.sh           everything; see README.md
#   hooks/run.sh stop      end what KEEP=1 left running
#
# Environment: STREMIO=FILE.deb or an image (FILE of docker save, podman save or an OCI archive,
# oci:DIR[:TAG]) runs that in place of mpv with a test clip, and looks whether its web view lives
# and its server answers on port 11470; APP=FILE, of any other application, is not asked for these.
# WAIT=SECONDS for the window, and for web view and server (60);
# KEEP=1 leaves the instance running; DISPLAY= (empty) takes an Xvfb even on a desktop.

set -eu
top=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$top/build}
case $BUILD in /*) ;; *) BUILD=$(pwd)/$BUILD ;; esac
export BUILD
RUN=$BUILD/run
NAME=stremio-run
lib=$top/hooks/lib
given=APP
[ -z "${STREMIO:-}" ] || given=STREMIO APP=$STREMIO
APP=${APP:-}
KEEP=${KEEP:-0}
WAIT=${WAIT:-60}
t0=$(date +%s)

# shellcheck source=hooks/lib/packages.sh
. "$top/hooks/lib/packages.sh"
# shellcheck source=hooks/lib/incusd.sh
. "$top/hooks/lib/incusd.sh"
# shellcheck source=hooks/lib/image.sh
. "$top/hooks/lib/image.sh"
# shellcheck source=hooks/lib/sandbox.sh
. "$top/hooks/lib/sandbox.sh"
# shellcheck source=hooks/lib/oci.sh
. "$top/hooks/lib/oci.sh"
# shellcheck source=hooks/lib/display.sh
. "$top/hooks/lib/display.sh"
# shellcheck source=hooks/lib/application.sh
. "$top/hooks/lib/application.sh"
# shellcheck source=hooks/lib/tone.sh
. "$top/hooks/lib/tone.sh"
# shellcheck source=hooks/lib/host-cures.sh
. "$top/hooks/lib/host-cures.sh"

say() {
	printf 'run: [%3d s] %s\n' $(($(date +%s) - t0)) "$*"
}

fail() {
	printf 'run: %s\n' "$*" >&2
	exit 1
}

have_instance() {
	incus query "/1.0/instances/$NAME" > /dev/null 2>&1
}

cleanup() {
	rc=$?
	trap - EXIT INT TERM HUP
	if [ "$KEEP" != 0 ] && [ -n "${INCUS_PRIVATE:-}" ] && have_instance; then
		[ "$INCUS_PRIVATE" = 0 ] || echo "run: export INCUS_DIR=$INCUS_DIR INCUS_CONF=$INCUS_CONF"
		say "left running: incus exec $NAME -- sh; end it with hooks/run.sh stop"
		exit $rc
	fi
	if [ -n "${INCUS_PRIVATE:-}" ]; then
		! have_instance || incus delete --force "$NAME" > /dev/null 2>&1 || :
		incus profile delete "$NAME" > /dev/null 2>&1 || :
		[ "$INCUS_PRIVATE" = 0 ] || incusd_stop "$BUILD/incus"
	fi
	display_stop "$RUN/x11"
	rm -rf "$RUN/x11"
	exit $rc
}

# Run a command where process numbers are those that Incus tells.
in_daemon() {
	if [ "$INCUS_PRIVATE" = 1 ]; then
		incusd_enter "$BUILD/incus" "$@"
	else
		"$@"
	fi
}

# Of PID 1, 0 when it is stopped.
instance_pid() {
	incus query "/1.0/instances/$NAME/state" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'
}

# What the kernel says of the application and of PID 1, side by side, read from outside: an
# image need have no shell. Fails when the application is not confined.
# shellcheck disable=SC2016
confined() {
	pid=$(instance_pid)
	in_daemon sh -c '
		read -r app rest < "/proc/$1/task/$1/children"
		echo "map: $(cat "/proc/$1/uid_map") / $(cat "/proc/$1/gid_map")"
		sed "s/^/app-/" "/proc/$app/status"
		sed "s/^/init-/" "/proc/$1/status"' confined "$pid" > "$RUN/status"
	awk '
	function short(v) { sub(/^0+/, "", v); return v == "" ? "none" : "0x" v }
	function mode(v) { return v == 2 ? "filter" : v == 0 ? "off" : v }
	function row(what, key, f,    a, i) {
		a = s["app-" key]; i = s["init-" key]
		if (f == 1) { a = short(a); i = short(i) }
		if (f == 2) { a = mode(a) " (" s["app-Seccomp_filters"] ")"
			      i = mode(i) " (" s["init-Seccomp_filters"] ")" }
		printf "  %-26s %-20s %s\n", what, a == "" ? "none" : a, i == "" ? "none" : i
	}
	{
		key = $1; sub(/:$/, "", key)
		v = $0; sub(/^[^ \t]*[ \t]*/, "", v); sub(/[ \t]+$/, "", v)
		if (key == "map") split(v, m, " ")
		if (key ~ /-Uid$/) v = $2 - m[2]
		if (key ~ /-Gid$/) v = $2 - m[6]
		if (key ~ /-Groups$/) {
			v = ""
			for (i = 2; i <= NF; i++)
				v = v (i > 2 ? " " : "") ($i - m[6])
		}
		if (key ~ /-NSpid$/) v = $NF
		s[key] = v
	}
	END {
		printf "  %-26s %-20s %s\n", "", s["app-Name"] " (PID " s["app-NSpid"] ")",
			s["init-Name"] " (PID 1)"
		row("user id", "Uid"); row("group id", "Gid"); row("other groups", "Groups")
		row("capabilities, effective", "CapEff", 1)
		row("capabilities, permitted", "CapPrm", 1)
		row("capabilities, inheritable", "CapInh", 1)
		row("capabilities, ambient", "CapAmb", 1)
		row("capabilities, bounding", "CapBnd", 1)
		row("no_new_privs", "NoNewPrivs")
		row("seccomp (filters)", "Seccomp", 2)
		printf "  on the host, these users are %d and %d\n", m[2] + s["app-Uid"], m[2]
		exit !(s["app-Uid"] > 0 && s["app-Gid"] > 0 && s["app-CapEff"] ~ /^0+$/ &&
		       s["app-CapPrm"] ~ /^0+$/ && s["app-CapInh"] ~ /^0+$/ &&
		       s["app-CapAmb"] ~ /^0+$/ && s["app-CapBnd"] ~ /^0+$/ &&
		       s["app-NoNewPrivs"] == 1 && s["app-Seccomp"] == 2 &&
		       s["app-Seccomp_filters"] > s["init-Seccomp_filters"] - 1 && m[2] > 0)
	}' "$RUN/status"
}

# usage: unwell TEXT: the end, with what the application has said and what is known of that. Incus
# gives out a running instance's console once.
unwell() {
	incus console "$NAME" --show-log 2> /dev/null | printable > "$RUN/console"
	grep . "$RUN/console" | tail -n 10 | sed 's/^/  | /' >&2
	console_cures "$NAME" < "$RUN/console" > "$RUN/causes"
	while IFS="$(printf '\t')" read -r what cure; do
		printf 'run: %s\n' "$what${cure:+ ($cure)}" >&2
	done < "$RUN/causes"
	fail "$1"
}

get_ready() {
	[ "$(id -u)" = 0 ] || fail 'needs root, to make the image and to run Incus (sudo make run)'
	case $WAIT in
	''|*[!0-9]*) fail "WAIT=$WAIT: not a number of seconds (WAIT=60 is the default)" ;;
	esac
	mkdir -p "$RUN"
	case $APP in
	'') kind=media ;;
	*.deb)
		kind=package
		[ -r "$APP" ] || fail "$given=$APP: cannot read it (give the path of a .deb file)" ;;
	*)
		kind=oci
		( oci_source "$APP" ) 2> "$RUN/said" ||
			fail "$given=$APP: $(sed 's/^image: import-oci: //' "$RUN/said")" ;;
	esac
	# One at a time: instance, display and daemon are named for the run. Daemons do not get it.
	exec 9> "$RUN/lock"
	flock -n 9 || {
		say 'waiting for another run to end'
		flock -w 300 9 || fail "another run holds $RUN/lock (let it end, or hooks/run.sh stop)"
	}
	sets='build run incus image'
	[ $kind != oci ] || sets="$sets oci"
	# shellcheck disable=SC2086
	packages_install $sets || exit 1
	say 'building'
	"${MAKE:-make}" -s -C "$top" --no-print-directory all || fail 'the build failed (its lines above say why)'
	rm -f "$RUN"/window*.png "$RUN/tone.raw"
	say 'looking for Incus'
	incus_use "$BUILD/incus" 9>&- || exit 1
	# Left by a run that was killed.
	! have_instance || incus delete --force "$NAME" > /dev/null
}

make_instance() {
	case $kind in
	media) image=$(image_media "$BUILD/images") ;;
	package) image=$(image_package "$BUILD/images" "$APP") ;;
	oci)
		IMAGE_SHIM=$BUILD/stremio-shim
		image=$(oci_image "$BUILD/images" "$APP") ;;
	esac || exit 1
	say 'giving the image to Incus'
	image_import "$image" "$NAME" || fail "incus image import failed (see $BUILD/incus/incusd.log)"

	# The profile as it is shipped, with this tree's shim and this machine's storage pool.
	install -D "$BUILD/stremio-shim" "$RUN/guest/stremio-shim"
	install "$BUILD/stremio-probe" "$RUN/guest/stremio-probe"
	install "$BUILD/stremio-hook" "$RUN/stremio-hook"
	pool=$(incus storage list -f csv | cut -d, -f1 | grep -x default) ||
		pool=$(incus storage list -f csv | cut -d, -f1 | head -n 1)
	sed -e "s|source: /usr/local/lib/stremio-shim/guest|source: $RUN/guest|" \
		-e "s|/usr/local/lib/stremio-shim/stremio-hook|$RUN/stremio-hook|" \
		-e "s|pool: default|pool: $pool|" "$top/incus-profile.yaml" > "$RUN/profile.yaml"
	if incus profile show "$NAME" > /dev/null 2>&1; then
		incus profile edit "$NAME" < "$RUN/profile.yaml"
	else
		incus profile create "$NAME" < "$RUN/profile.yaml" > /dev/null
	fi || fail 'Incus refuses incus-profile.yaml (its line above says why)'

	cookie=/var/lib/stremio-shim/Xauthority
	say 'making the instance'
	incus init "$NAME" "$NAME" --no-profiles --profile "$NAME" \
		--config "environment.DISPLAY=$DISPLAY" \
		--config "environment.XAUTHORITY=$cookie" \
		> "$RUN/init.log" 2>&1 || fail "incus init: $(grep -m1 Error "$RUN/init.log")"
	if [ $kind = media ]; then
		# No sound card in sight: SDL's disk driver takes the sound at a sound card's
		# pace.
		incus config set "$NAME" environment.SDL_AUDIODRIVER=disk \
			environment.SDL_DISKAUDIOFILE=/home/stremio/tone.raw
	fi
	# The directory, not the socket: a server that starts anew is found, and read-only, so
	# that nobody in there can remove the host's sockets.
	incus config device add "$NAME" x11 disk source=/tmp/.X11-unix path=/tmp/.X11-unix \
		readonly=true > /dev/null
	# Whoever holds it can read the keyboard: the application's user alone, whom an imported
	# image has chosen itself.
	work=$RUN
	ids=$(application_ids "$NAME" '')
	incus file push -p "$XAUTHORITY" "$NAME$cookie" --uid "${ids% *}" --gid "${ids#* }" \
		--mode 0600 > /dev/null
}

# The clip's tone in the last seconds of what the player has written until now. SDL's first second
# may be anything.
sounds() {
	why='no sound that lasts'
	incus file pull "$NAME/home/stremio/tone.raw" "$RUN/tone.raw" 2> /dev/null || return 1
	from=$(($(stat -c %s "$RUN/tone.raw") / 96000 - 3))
	[ $from -ge 1 ] || return 1
	tone_of_clip "$RUN/tone.raw" $from
}

# alive WHAT: one of alive.sh's.
alive() {
	in_daemon sh "$lib/alive.sh" "$1" "$(instance_pid)"
}

# Stremio's window comes up without its renderer and without its server, too.
stremio_alive() {
	until=$(($(date +%s) + WAIT))
	view='' code=''
	while :; do
		[ "$(instance_pid)" != 0 ] || unwell 'the application has ended'
		[ -n "$view" ] || view=$(alive web-view | head -n 1)
		[ -n "$code" ] || code=$(alive server) || code=
		[ -z "$view" ] || [ -z "$code" ] || break
		[ "$(date +%s)" -lt $until ] || {
			[ -n "$view" ] || unwell "no web view: after $WAIT s there is no process of one"
			unwell "no server: nothing answers on port 11470 after $WAIT s"
		}
		sleep 1
	done
	# One that crashes is started anew, by some.
	sleep 5
	alive web-view | grep -qx "$view" || unwell "the web view's process $view has ended"
	say "web view: process $view lives; server: port 11470 answers with $code"
}

watch_it() {
	before=$(window_list | tr '\n' ' ')
	began=$(date +%s.%N)
	say 'starting'
	incus start "$NAME" > "$RUN/start.log" 2>&1 || {
		# Until Incus has cleared up it has no log to show.
		sleep 2
		incus info "$NAME" --show-log 2> /dev/null | grep -E ' ERROR |ended' | head -n 5 >&2
		unwell "incus start: $(tr -d '\r' < "$RUN/start.log" | grep -o 'Error: .*' | head -n 1)"
	}
	window=$(window_wait "$before" "$WAIT") ||
		unwell "no window after $WAIT s; what the application said is above"
	say "window $window after $(echo "$(date +%s.%N) $began" | awk '{ printf "%.1f", $1 - $2 }') s, instance $(incus query "/1.0/instances/$NAME" | sed -n 's/.*"status": *"\([^"]*\)".*/\1/p')"

	[ $given = APP ] || stremio_alive
	# A window is there before its picture is: up to 20 s for that.
	i=0
	colours=0
	while [ "$colours" -lt 64 ] && [ $i -lt 20 ]; do
		sleep 1
		colours=$(window_shot "$window" "$RUN/window.png") || fail 'the window is gone again'
		i=$((i + 1))
	done
	[ "$colours" -ge 64 ] || unwell "the window is blank: $colours colours in $RUN/window.png"
	say "picture: $colours colours, $RUN/window.png"
	[ $kind = media ] || return 0
	within 40 window_moves "$window" "$RUN/window.png" "$RUN/window-2.png" ||
		fail "$why (after 40 s)"
	say 'picture: it moves'
	within 60 sounds || fail "$why (after 60 s)"
	say "sound: $hertz Hz (the clip has 440)"
}

stop_it() {
	began=$(date +%s.%N)
	incus stop "$NAME" --timeout 30 || fail 'incus stop failed'
	took=$(echo "$(date +%s.%N) $began" | awk '{ printf "%.2f", $1 - $2 }')
	# liblxc writes a line only for what is not 0.
	ended=$(incus info "$NAME" --show-log |
		sed -n 's/.*Child <[0-9]*> ended on //; s/^error (\([0-9]*\))$/\1/p; s/^signal .*/&/p' | tail -n 1)
	say "incus stop took $took s; exit status: ${ended:-0}"
}

case ${1:-} in
'') ;;
stop)
	KEEP=0 INCUS_PRIVATE=0
	if incusd_pid "$BUILD/incus" > /dev/null 2>&1; then
		incusd_env "$BUILD/incus"
		INCUS_PRIVATE=1
	fi
	cleanup ;;
*) echo 'usage: hooks/run.sh [stop]' >&2; exit 64 ;;
esac

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
get_ready
display_use "$RUN/x11" 9>&- || exit 1
say "display: $display_kind"
make_instance
watch_it
echo 'What the kernel says:'
confined || fail 'the application is not confined as promised'
[ "$KEEP" = 0 ] || exit 0
stop_it
say "done; the picture is $RUN/window.png"
