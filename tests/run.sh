#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs tiers of tests and adds up what they say: tests/run.sh [all | TIER...]; all are those of
# `make check`.
#
# A tier's runner prints `ok TIER.name`, `not ok TIER.name: reason` or `skip TIER.name: reason`
# for each test (`skip TIER: reason` when the whole tier cannot run here), and as its last line
# `# passed failed skipped: P F S`. A runner that dies, or whose last line does not agree with
# what it printed, is one more failure. With CI=true a skipped tier is a failure.
#
# Tiers that compute run beside those that mostly wait, with what these leave of the processors, and
# their lines come when all have ended.
#
# The last line of the output is `N passed, N failed, N skipped`; the exit status is 1 when a
# test failed or none ran.

set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
SHIM=${SHIM:-$BUILD/stremio-shim}
MAKE=${MAKE:-make}
export BUILD SHIM
# The other takes as long as all of these together, and is asked for by name.
checked='build unit lint fuzz container container-asan escape incus host stack'
known="$checked machine"
computing='build unit lint fuzz'

mkdir -p "$BUILD/tests"
work=$(mktemp -d "$BUILD/tests/run.XXXXXX")
# The lines of each tier, which are counted in the end; what else is kept lies above.
mkdir "$work/said"
beside=
finish() {
	trap '' INT TERM
	[ -z "$beside" ] || { kill -TERM "-$beside" 2> /dev/null && wait "$beside"; } || :
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# prepare TIER: makes what its runner needs. Quiet unless it fails.
prepare() {
	case $1 in
	build) targets=all ;;
	unit) targets=unit-programs ;;
	container) targets='all container-programs' ;;
	container-asan) targets='all asan container-programs' ;;
	lint) targets=lint-headers ;;
	fuzz) targets=fuzz-programs ;;
	*) targets=all ;;
	esac
	# shellcheck disable=SC2086
	$MAKE -s -j"$(nproc)" --no-print-directory $targets > "$work/make.log" 2>&1
}

# runner TIER: what to run, nothing when the tree has no such tier.
runner() {
	case $1 in
	build|lint|unit) file=tests/$1.sh ;;
	container-asan) file=tests/container/run.sh ;;
	host) file=tests/incus/run.sh ;;
	escape) file=tests/container/escape/run.sh ;;
	*) file=tests/$1/run.sh ;;
	esac
	[ ! -f "$file" ] || echo "$file"
}

# run_tier TIER: shows its lines and leaves them in $work/TIER.
run_tier() {
	tier=$1
	file=$(runner "$tier")
	[ -n "$file" ] || return 0
	echo "# $tier"
	began=$(date +%s)
	if [ "$tier" = fuzz ] && ! command -v "${FUZZ_CC:-clang}" > /dev/null; then
		echo 'skip fuzz: needs clang (apt-get install clang)' | sed "$rewrite" | tee "$work/said/$tier"
		return 0
	fi
	if ! prepare "$tier"; then
		sed 's/^/    | /' "$work/make.log"
		echo "not ok $tier: what it needs did not build" | tee "$work/said/$tier"
		return 0
	fi
	(
		[ "$tier" != container-asan ] || SHIM=$BUILD/asan/stremio-shim
		TIER=$tier
		# Whole, for runners that hand paths to a daemon.
		BUILD=$(cd "$BUILD" && pwd)
		export TIER SHIM BUILD
		status=0
		sh "$file" < /dev/null 2>&1 || status=$?
		echo "$status" > "$work/status"
	) | sed -u -e "$rewrite" | tee "$work/said/$tier"
	echo "# $tier took $(($(date +%s) - began)) s"
	status=$(cat "$work/status")
	said=$(sed -n 's/^# passed failed skipped: //p' "$work/said/$tier" | tail -n1)
	counted=$(count "$work/said/$tier")
	if [ -z "$said" ]; then
		why="the runner ended without its counts (exit $status)"
	elif [ "$(total "$said")" != "$(total "$counted")" ]; then
		why="the runner counted $said (passed failed skipped), its lines say $counted"
	elif [ "$status" != 0 ] && [ "$(echo "$counted" | cut -d' ' -f2)" = 0 ]; then
		why="the runner failed (exit $status) with no failed test"
	else
		return 0
	fi
	echo "not ok $tier: $why" | tee -a "$work/said/$tier"
}

# count FILE...: passed failed skipped
count() {
	awk '/^ok /{p++} /^not ok /{f++} /^skip /{s++} END {print p + 0, f + 0, s + 0}' "$@"
}

total() {
	# shellcheck disable=SC2086
	set -- $1
	echo $((${1:-0} + ${2:-0} + ${3:-0}))
}

# start_beside TIER...: those of $aside, by this script, in the background. All of them and what runs
# meanwhile are made first: two make at once would make the same things.
start_beside() {
	echo "# beside the others:$aside"
	for tier in "$@"; do
		# Whoever needs it says that it did not build.
		prepare "$tier" || :
	done
	# In a session of its own, which is what the scheduler weighs (sched(7), autogroup); nice where
	# it does not.
	# shellcheck disable=SC2086
	setsid nice -n 19 sh -c 'echo 19 2> /dev/null > /proc/self/autogroup || :; exec sh "$@"' beside \
		tests/run.sh $aside > "$work/beside" 2>&1 < /dev/null &
	beside=$!
}

# Their lines, and in place of their sum a failure when there is none.
end_beside() {
	wait "$beside" || :
	beside=
	sed '${/^[0-9]* passed, /d}' "$work/beside" | tee "$work/said/beside"
	tail -n 1 "$work/beside" | grep -qE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' ||
		echo 'not ok beside: it ended without a sum' | tee -a "$work/said/beside"
}

# Only the last line of this script may look like a summary.
rewrite='s/^\([0-9][0-9]* passed\)/# \1/'
if [ "${CI:-}" = true ]; then
	rewrite="$rewrite;s/^skip \([a-z-]*\):/not ok \1: skipped in CI:/"
fi

[ $# -gt 0 ] || set -- all
# shellcheck disable=SC2086
[ "$1" != all ] || set -- $checked
for tier in "$@"; do
	case " $known " in
	*" $tier "*) ;;
	*) echo "run: $tier: not one of: all $known" >&2; exit 64 ;;
	esac
done

: > "$work/said/none"
waiting='' aside=''
for tier in "$@"; do
	case " $computing " in
	*" $tier "*) aside="$aside $tier" ;;
	*) waiting="$waiting $tier" ;;
	esac
done
if [ -n "$aside" ] && [ -n "$waiting" ]; then
	start_beside "$@"
	# shellcheck disable=SC2086
	set -- $waiting
fi
for tier in "$@"; do
	run_tier "$tier"
done
[ -z "$beside" ] || end_beside
# shellcheck disable=SC2046
set -- $(count "$work/said"/*)
[ "$2" = 0 ] || {
	echo '# failed:'
	cat "$work/said"/* | sed -n 's/^not ok \(.\{1,200\}\).*/#   \1/p'
}
echo "$1 passed, $2 failed, $3 skipped"
[ "$2" = 0 ] && [ "$1" != 0 ]
