#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# memory.sh SHIM APP: memory and idle wake-ups of several inits, each PID 1 of a namespace of
# its own with the waiting APP as its command. IDLE=SECONDS (10) between two looks.

set -eu
shim=$1
app=$2
IDLE=${IDLE:-10}
work=$(mktemp -d)
started=''
cleanup() {
	# unshare --kill-child takes the namespace along.
	for p in $started; do kill -KILL "$p" 2>/dev/null || :; done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND...: leaves "NAME<tab>PID of PID 1<tab>FILE" in $work/inits
start() {
	name=$1
	shift
	unshare --pid --fork --kill-child --mount --mount-proc --net --ipc \
		"$@" < /dev/null > /dev/null 2> "$work/err" &
	outer=$!
	started="$started $outer"
	pid=
	# PID 1 is there once unshare's child has become the program and has a child itself.
	for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		sleep 0.1
		[ -d "/proc/$outer" ] || break
		pid=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null || :)
		pid=${pid%% *}
		[ -z "$pid" ] || [ -z "$(cat "/proc/$pid/task/$pid/children")" ] || break
	done
	if [ -z "$pid" ] || [ -z "$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)" ]; then
		echo "memory: $name did not start its command: $(cat "$work/err")" >&2
		exit 1
	fi
	[ "$try" != 20 ] || echo "memory: $name was slow to start" >&2
	printf '%s\t%s\t%s\n' "$name" "$pid" "$1" >> "$work/inits"
}

# wakeups PID
wakeups() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/status"
}

start stremio-shim "$shim" -u 65532:65532 -- "$app" wait
for init in tini-static tini catatonit dumb-init; do
	path=$(command -v $init) || continue
	start $init "$path" -- "$app" wait
done

sleep 1
while IFS="$(printf '\t')" read -r name pid file; do
	printf '%s\n' "$(wakeups "$pid")" > "$work/$name"
done < "$work/inits"
echo "memory: idle for $IDLE s" >&2
sleep "$IDLE"

echo "| PID 1, steady state | RSS KiB | PSS KiB | private dirty KiB | wake-ups in $IDLE s | file KiB |"
echo '|---|---:|---:|---:|---:|---:|'
while IFS="$(printf '\t')" read -r name pid file; do
	woken=$(($(wakeups "$pid") - $(cat "$work/$name")))
	# smaps_rollup counts pages; VmRSS in status is a per-CPU counter and may be off.
	awk -v name="$name" -v woken="$woken" -v bytes="$(stat -Lc %s "$file")" '
	/^Rss:/ { rss = $2 } /^Pss:/ { pss = $2 } /^Private_Dirty:/ { dirty = $2 }
	END { printf "| %s | %d | %d | %d | %d | %.0f |\n", name, rss, pss, dirty, woken, bytes / 1024 }
	' "/proc/$pid/smaps_rollup"
	[ "$name" != stremio-shim ] ||
		rss=$(awk '/^Rss:/ { print $2 }' "/proc/$pid/smaps_rollup")
done < "$work/inits"
echo
echo "shim's RSS as PID 1: $rss KiB (bar 120)"
