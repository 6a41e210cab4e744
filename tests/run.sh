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

mkdir -p "$BUILD/tests"
work=$(mktemp -d "$BUILD/tests/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
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
		echo 'skip fuzz: needs clang (apt-get install clang)' | sed "$rewrite" | tee "$work/$tier"
		return 0
	fi
	if ! prepare "$tier"; then
		sed 's/^/    | /' "$work/make.log"
		echo "not ok $tier: what it needs did not build" | tee "$work/$tier"
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
	) | sed -u -e "$rewrite" | tee "$work/$tier"
	echo "# $tier took $(($(date +%s) - began)) s"
	status=$(cat "$work/status")
	said=$(sed -n 's/^# passed failed skipped: //p' "$work/$tier" | tail -n1)
	counted=$(count "$work/$tier")
	if [ -z "$said" ]; then
		why="the runner ended without its counts (exit $status)"
	elif [ "$(total "$said")" != "$(total "$counted")" ]; then
		why="the runner counted $said (passed failed skipped), its lines say $counted"
	elif [ "$status" != 0 ] && [ "$(echo "$counted" | cut -d' ' -f2)" = 0 ]; then
		why="the runner failed (exit $status) with no failed test"
	else
		return 0
	fi
	echo "not ok $tier: $why" | tee -a "$work/$tier"
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

: > "$work/none"
for tier in "$@"; do
	run_tier "$tier"
done
rm -f "$work/make.log" "$work/status"
# shellcheck disable=SC2046
set -- $(count "$work"/*)
[ "$2" = 0 ] || {
	echo '# failed:'
	cat "$work"/* | sed -n 's/^not ok \(.\{1,200\}\).*/#   \1/p'
}
echo "$1 passed, $2 failed, $3 skipped"
[ "$2" = 0 ] && [ "$1" != 0 ]
