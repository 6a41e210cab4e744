#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Is the Stremio below a process alive? Its window comes up without either of these two, and then
# shows nothing. Seen from outside, since an image need have no shell: run as root where process
# numbers are those that Incus tells.
#
#   alive.sh web-view PID   the processes below PID that draw a web page, one pid a line; 1 if none
#   alive.sh server PID     the HTTP status of what answers on port 11470 there; 1 if nothing does

set -eu

below() {
	for tasks in /proc/"$1"/task/*/children; do
		# shellcheck disable=SC2013 # words of one line
		for child in $(cat "$tasks" 2> /dev/null); do
			echo "$child"
			below "$child"
		done
	done
}

# Qt WebEngine, Chromium and CEF name the kind of a process on its command line; of one that has
# ended that line is empty.
web_view() {
	none=1
	for p in $(below "$1"); do
		words=$(tr '\0' ' ' < "/proc/$p/cmdline") 2> /dev/null || continue
		case " $words " in
		*' --type=renderer '*|*'/WebKitWebProcess '*)
			none=0
			echo "$p" ;;
		esac
	done
	return $none
}

# What answers is the instance's and may answer anything: nobody reads it.
server() {
	code=$(nsenter --target "$1" --net \
		setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \
		curl --silent --output /dev/null --max-time 5 --noproxy '*' \
		--write-out '%{http_code}' http://127.0.0.1:11470/) || return 1
	echo "$code"
}

case ${1:-} in
web-view) web_view "${2:?}" ;;
server) server "${2:?}" ;;
*) echo 'usage: alive.sh web-view|server PID' >&2; exit 64 ;;
esac
