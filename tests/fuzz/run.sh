#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The fuzz tier: libFuzzer programs, as many at a time as there are processors. A program goes on
# from the corpus it kept before and from the one in the tree.
#
#   SECONDS_EACH=60 tests/fuzz/run.sh [NAME]...
#
# Without names: the readers of foreign bytes that are in the shim, its probe and its hook (make
# fuzz names the policy compiler's, too). Corpora, findings and logs are below $BUILD/fuzz. A line a
# program: `ok fuzz.NAME` or `not ok fuzz.NAME: reason`; the last one is
# `# passed failed skipped: P F S`.

set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
seconds=${SECONDS_EACH:-60}
out=$BUILD/fuzz

# usage: fuzz NAME, for as long as it may take
fuzz() {
	set -- "$1" "$out/$1.corpus" "tests/fuzz/$1"
	[ -d "$3" ] || set -- "$1" "$2"
	name=$1
	shift
	mkdir -p "$out/$name.corpus"
	"$out/$name" -max_total_time="$seconds" -print_final_stats=1 -timeout=10 \
		-rss_limit_mb=2048 -artifact_prefix="$out/$name-" "$@" > "$out/$name.log" 2>&1
}

# usage: result NAME STATUS
result() {
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$1.log")
	if [ "$2" = 0 ] && [ "${runs:-0}" -gt 0 ]; then
		echo "ok fuzz.$1"
		echo "  $runs inputs in $seconds s"
		passed=$((passed + 1))
	else
		echo "not ok fuzz.$1: found something, or did not run (see $out/$1.log)"
		tail -n 20 "$out/$1.log" | sed 's/^/  | /'
		failed=$((failed + 1))
	fi
}

[ $# -gt 0 ] || set -- probe_records probe_messages shim_files hook_inputs
passed=0 failed=0 running=
limit=$(nproc)
while [ $# -gt 0 ] || [ -n "$running" ]; do
	if [ $# -gt 0 ] && [ "$(echo "$running" | wc -w)" -lt "$limit" ]; then
		fuzz "$1" &
		running="$running $1=$!"
		shift
		continue
	fi
	# The first of them: all take the same time.
	first=${running# }
	first=${first%% *}
	status=0
	wait "${first#*=}" || status=$?
	result "${first%%=*}" "$status"
	running=${running# "$first"}
done
echo "# passed failed skipped: $passed $failed 0"
[ "$failed" = 0 ]
