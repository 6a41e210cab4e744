#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # one program in several files: stremio-incus
#
# What every verb of stremio-incus needs: messages, the one place where a command is run or, with
# --dry-run, printed, and questions to Incus. For sourcing by stremio-incus.
#
#   say TEXT               progress: a line that is rewritten on a terminal, else a plain line
#   fail STEP TEXT         one line on stderr, end (1)
#   missing STEP TEXT      the same for what the user must bring (69)
#   run STEP COMMAND...    run it, or print it; a failure ends with Incus's reason and a remedy
#   run_from FILE STEP COMMAND...   the same with FILE as standard input
#   incus_ready            Incus can be used by this user, else the end
#   instance_read NAME     ask for its state and configuration once; 1 when there is none
#   instance_key KEY       a string of the configuration that was read
#
# Exit: 64 usage, 69 something is missing that the user must bring, 1 anything else.

dry_run=0
quiet=0
desktop=0
# The terminal's line that the next message overwrites.
on_line=0

clear_line() {
	[ "$on_line" = 0 ] || printf '\r\033[K'
	on_line=0
}

say() {
	[ "$quiet" = 0 ] || return 0
	if [ "$dry_run" = 1 ]; then
		printf '# %s\n' "$*"
	elif [ -t 1 ]; then
		clear_line
		printf 'stremio-incus: %s' "$*"
		on_line=1
	else
		printf 'stremio-incus: %s\n' "$*"
	fi
}

# A result, which stays on the screen.
tell() {
	clear_line
	[ "$quiet" = 1 ] || if [ "$dry_run" = 1 ]; then
		printf '# %s\n' "$*"
	else
		printf 'stremio-incus: %s\n' "$*"
	fi
}

warn() {
	clear_line
	printf 'stremio-incus: %s: %s\n' "$1" "$2" >&2
}

# What was started from a menu has nobody who reads its standard error.
desktop_tell() {
	if command -v notify-send > /dev/null; then
		timeout 10 notify-send --icon=stremio-incus Stremio "$1"
	elif command -v xmessage > /dev/null; then
		timeout 60 xmessage -center "Stremio: $1"
	fi > /dev/null 2>&1 < /dev/null
}

fail() {
	warn "$1" "$2"
	[ "$desktop" = 0 ] || desktop_tell "$1: $2"
	exit "${3:-1}"
}

missing() {
	fail "$1" "$2" 69
}

usage_error() {
	fail usage "$1 (stremio-incus --help)" 64
}

# A word as a shell would take it.
quoted() {
	case $1 in
	''|*[!A-Za-z0-9_./:=,+@%^-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
	*) printf '%s' "$1" ;;
	esac
}

quoted_words() {
	sep=''
	for word in "$@"; do
		printf '%s%s' "$sep" "$(quoted "$word")"
		sep=' '
	done
}

# show LINE: a command that is done by the shell itself, for --dry-run.
show() {
	[ "$dry_run" = 0 ] || printf '%s\n' "$1"
}

# remedy TEXT NAME: what to do about an error of Incus, from its own words, with that instance. Nothing
# for one that is not known.
remedy() {
	case $1 in
	*'o space left on device'*|*'un out of disk space'*)
		echo 'free space there: incus storage info POOL, incus image delete, incus delete' ;;
	*'nstance is busy'*)
		echo 'wait until that has ended: incus operation list; then try again' ;;
	*'nstance is frozen'*) echo "incus resume $2" ;;
	*'context deadline exceeded'*)
		echo "more time with --timeout=SECONDS, or at once: incus stop --force $2" ;;
	*'rofile not found'*) echo 'stremio-incus launch makes it' ;;
	*'nstance not found'*) echo "stremio-incus status lists them; stremio-incus launch $2 makes it" ;;
	*'issing source path'*)
		echo 'the shim is not installed where the profile looks for it: make install' ;;
	*'ailed getting root disk'*|*'torage pool not found'*)
		echo 'no such storage pool: incus storage list; incus admin init --minimal' ;;
	*'ailed to add'*'idmap'*|*'newuidmap'*|*'ot enough uid/gid available'*)
		echo 'give Incus ids: root:1000000:1000000000 in /etc/subuid and /etc/subgid, then restart it' ;;
	*"don't have the needed permissions"*)
		echo 'sudo usermod -aG incus-admin USER, then log in anew' ;;
	esac
}

run_failed() {
	step=$1
	text=$(tr '\r' '\n' < "$work/error" | grep -m1 'Error: ' || tail -n 1 "$work/error")
	text=${text#Error: }
	# The step need not be the instance: "files" of it, its "self-test".
	cure=$(remedy "$text" "${name:-$default_name}")
	fail "$step" "$text${cure:+ ($cure)}"
}

run_from() {
	input=$1 step=$2
	shift 2
	if [ "$dry_run" = 1 ]; then
		quoted_words "$@"
		# `incus init` takes its standard input for a configuration, which here is the script.
		case $input:$2 in
		/dev/null:init) printf ' < /dev/null' ;;
		/dev/null:*) ;;
		*) printf ' < %s' "$(quoted "$input")" ;;
		esac
		echo
		return 0
	fi
	"$@" < "$input" > "$work/output" 2> "$work/error" || run_failed "$step"
}

run() {
	run_from /dev/null "$@"
}

# A command that may fail.
try() {
	if [ "$dry_run" = 1 ]; then
		quoted_words "$@"
		echo
		return 0
	fi
	"$@" < /dev/null > "$work/output" 2> "$work/error"
}

# The socket the client will use: its own rule, newest first.
incus_socket() {
	if [ -n "${INCUS_SOCKET:-}" ]; then
		echo "$INCUS_SOCKET"
	elif [ -z "${INCUS_DIR:-}" ] && [ -e /run/incus/unix.socket ]; then
		echo /run/incus/unix.socket
	else
		echo "${INCUS_DIR:-/var/lib/incus}/unix.socket"
	fi
}

# incus_problem: empty, or STEP, text and remedy of what keeps this user from using Incus.
incus_problem() {
	command -v incus > /dev/null 2>&1 || {
		echo 'incus.client: Incus is not installed (apt-get install incus; on Debian 12 from bookworm-backports)'
		return
	}
	socket=$(incus_socket)
	if ! timeout 60 incus query /1.0 > "$work/server" 2> "$work/error" < /dev/null; then
		if [ -S "$socket" ] && [ ! -w "$socket" ]; then
			group=$(stat -c %G "$socket" 2> /dev/null)
			echo "incus.group: no permission to use $socket (sudo usermod -aG $group $(id -un 2> /dev/null || id -u), then log in anew; the group is as good as root)"
		elif grep -q "don't have the needed permissions" "$work/error"; then
			echo "incus.group: no permission to use $socket (sudo usermod -aG incus-admin $(id -un 2> /dev/null || id -u), then log in anew; the group is as good as root)"
		else
			echo "incus.daemon: $socket does not answer: $(sed -n 's/^Error: //p' "$work/error" | head -n 1) (sudo systemctl enable --now incus)"
		fi
		return
	fi
	# Members of the group incus are served on another socket, in a project of their own.
	if [ -S "$socket" ] && [ ! -w "$socket" ]; then
		echo "incus.group: a restricted project of Incus takes no profile with hooks and devices (sudo usermod -aG incus-admin $(id -un 2> /dev/null || id -u), then log in anew; the group is as good as root)"
		return
	fi
	incus_version=$(sed -n 's/^.*"server_version": *"\([^"]*\)".*/\1/p' "$work/server")
	case ${incus_version%%.*} in
	6) ;;
	[7-9]|[1-9][0-9]) incus_newer=1 ;;
	*) echo "incus.version: Incus ${incus_version:-of unknown version} cannot be used (install 6.0 or newer)" ;;
	esac
}

incus_ready() {
	incus_newer=0
	incus_problem > "$work/problem"
	[ ! -s "$work/problem" ] || {
		read -r problem < "$work/problem"
		missing "${problem%%: *}" "${problem#*: }"
	}
	[ $incus_newer = 0 ] || warn incus.version "tried with Incus 6.0; this is $incus_version"
	project_find
}

# Sets project, and project_arg for a query's address, where a + would be a blank.
project_find() {
	project=${INCUS_PROJECT:-$(incus project get-current < /dev/null 2> /dev/null)} || project=
	project=${project:-default}
	project_arg=$(printf %s "$project" | od -An -v -tx1 | tr -d '\n' | tr ' ' %)
}

# Names that Incus takes, so that none is an option, a path or another remote's.
name_check() {
	case $1 in
	[A-Za-z]*) ;;
	*) usage_error "'$1' is no name for an instance: it starts with a letter" ;;
	esac
	case $1 in
	*[!A-Za-z0-9-]*|*-) usage_error "'$1' is no name for an instance: letters, digits, and hyphens within" ;;
	esac
	[ ${#1} -le 63 ] || usage_error "'$1' is no name for an instance: more than 63 characters"
}

# Sets instance_state: Stopped, Running, Ready, Frozen, Error or, returning 1, absent.
instance_read() {
	if incus query "/1.0/instances/$1?project=$project_arg" > "$work/instance" 2> "$work/error" < /dev/null; then
		instance_state=$(sed -n 's/^\t"status": "\(.*\)",*$/\1/p' "$work/instance")
		return 0
	fi
	grep -q 'not found' "$work/error" || run_failed "$1"
	: > "$work/instance"
	instance_state=absent
	return 1
}

instance_require() {
	instance_read "$1" ||
		missing "$1" "no such instance (stremio-incus status lists them; stremio-incus launch $1 makes it)"
}

# The value that is in force, the profile's included.
instance_key() {
	sed -n '/^\t"expanded_config": {/,/^\t}/s/^\t\t"'"$1"'": "\(.*\)",*$/\1/p' "$work/instance"
}

# The value of the instance itself.
own_key() {
	sed -n '/^\t"config": {/,/^\t}/s/^\t\t"'"$1"'": "\(.*\)",*$/\1/p' "$work/instance"
}

own_device() {
	sed -n '/^\t"devices": {/,/^\t}/p' "$work/instance" | grep -q "^		\"$1\": {"
}

# device_key DEVICE KEY: of an own device.
device_key() {
	sed -n '/^\t"devices": {/,/^\t}/p' "$work/instance" |
		sed -n '/^\t\t"'"$1"'": {/,/^\t\t}/s/^\t\t\t"'"$2"'": "\(.*\)",*$/\1/p'
}

# want KEY=VALUE...: to be set by keys_set, where they are not so already; an empty value unsets.
wanted=
want() {
	for pair in "$@"; do
		[ "$(own_key "${pair%%=*}")" = "${pair#*=}" ] || wanted="$wanted$pair
"
	done
}

# keys_set NAME: all that is wanted, in one call.
keys_set() {
	who=$1
	shift
	while IFS= read -r pair; do
		[ -z "$pair" ] || set -- "$@" "$pair"
	done <<-END
	$wanted
	END
	wanted=
	[ $# = 0 ] || run "$who" incus config set "$who" "$@"
}

# set_device NAME DEVICE TYPE KEY=VALUE...: add it, or bring it to these values.
set_device() {
	who=$1 device=$2 type=$3
	shift 3
	if own_device "$device" && [ "$(device_key "$device" type)" = "$type" ]; then
		for pair in "$@"; do
			[ "$(device_key "$device" "${pair%%=*}")" = "${pair#*=}" ] || set -- "$@" "$pair"
			shift
		done
		[ $# = 0 ] || run "$who" incus config device set "$who" "$device" "$@"
		return 0
	fi
	drop_device "$who" "$device"
	run "$who" incus config device add "$who" "$device" "$type" "$@"
}

# drop_device NAME DEVICE: and what was read does not have it any more.
drop_device() {
	own_device "$2" || return 0
	run "$1" incus config device remove "$1" "$2"
	sed -i '/^\t"devices": {/,/^\t}/{/^\t\t"'"$2"'": {/,/^\t\t}/d}' "$work/instance"
}

private_top() {
	if [ -d "${XDG_RUNTIME_DIR:-/nowhere}" ] && [ -w "$XDG_RUNTIME_DIR" ]; then
		echo "$XDG_RUNTIME_DIR/stremio-incus"
	else
		echo "${XDG_STATE_HOME:-$HOME/.local/state}/stremio-incus"
	fi
}

# This user's private files about an instance: cookies, the process of a nested server. No name
# has an underscore, so that project and name are told apart.
private_dir() {
	case $project in
	default) echo "$(private_top)/$1" ;;
	*) echo "$(private_top)/${project}_$1" ;;
	esac
}

# room_in DIR: what is written there next is kept. Otherwise each tool that meets the full disk
# would say something else, most of them that their own input is empty.
room_in() {
	{ head -c 65536 /dev/zero > "$1/room"; } 2> /dev/null && rm -f "$1/room" && return 0
	rm -f "$1/room"
	fail files "no space left in $1 (free some: df -h $1)"
}

# private_make DIR: it, readable by nobody else.
private_make() {
	if [ "$dry_run" = 1 ]; then
		printf 'mkdir -p -m 700 %s\n' "$(quoted "$1")"
	else
		( umask 077 && mkdir -p "$1" ) 2> "$work/error" || run_failed files
		chmod 700 "$1" 2> "$work/error" || fail files "$1: not this user's (remove it)"
		room_in "$1"
	fi
}

# One change at a time of this user's: two clicks on the menu's entry are two launches, which
# would make one instance twice and choose one address for two. The lock goes with the process.
lock_take() {
	[ "$dry_run" = 0 ] || return 0
	private_make "$(private_top)"
	# Of root's, if that has been here as this user. For exec itself it would be the end.
	( : > "$(private_top)/lock" ) 2> /dev/null ||
		fail files "$(private_top)/lock: not this user's (remove it)"
	exec 9> "$(private_top)/lock"
	flock -n 9 || {
		say 'waiting for another stremio-incus to end'
		flock -w 120 9 || fail busy 'another stremio-incus of this user has not ended after 120 s (pgrep -a stremio-incus)'
	}
}

lock_drop() {
	[ "$dry_run" = 1 ] || exec 9>&-
}
