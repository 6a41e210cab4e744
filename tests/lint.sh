#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# clang-format, clang-tidy, cppcheck, shellcheck over every file of the tree, and the house
# limits that no tool knows. A tool that is not installed is skipped (and fails in CI).

set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
# As seen from here, should it be elsewhere in the tree than in build/.
products=${BUILD#"$PWD"/}/
passed=0 failed=0 skipped=0 begun=
work=$(mktemp -d "${TMPDIR:-/tmp}/stremio-shim-lint.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# files PATTERN...: of this tree, without build products
files() {
	if git rev-parse --show-toplevel > /dev/null 2>&1; then
		git ls-files -co --exclude-standard -- "$@" | sort -u |
			while read -r f; do [ ! -f "$f" ] || echo "$f"; done
	else
		for pattern in "$@"; do
			find . -name .git -prune -o -path ./build -prune -o -type f -name "$pattern" -print
		done | sed 's,^\./,,' | grep -v "^$products" | sort -u
	fi
}

# check NAME COMMAND...: begun at once, beside the others: some use one processor only
check() {
	name=$1
	shift
	"$@" > "$work/$name" 2>&1 &
	begun="$begun $name=$!"
}

# result NAME=PID: prints its line when it has ended, and the output when it is not good
result() {
	if wait "${1#*=}"; then
		echo "ok lint.${1%%=*}"
		passed=$((passed + 1))
	else
		sed 's/^/    | /' "$work/${1%%=*}"
		echo "not ok lint.${1%%=*}"
		failed=$((failed + 1))
	fi
}

# tool PROGRAM NAME COMMAND...: the same when the program is there
tool() {
	program=$1
	shift
	if command -v "$program" > /dev/null; then
		check "$@"
	elif [ "${CI:-}" = true ]; then
		echo "not ok lint.$1: $program not found (apt-get install $program)"
		failed=$((failed + 1))
	else
		echo "skip lint.$1: $program not found (apt-get install $program)"
		skipped=$((skipped + 1))
	fi
}

shell_files() {
	files '*.sh'
	files '*' | grep -v '\.[a-z]*$' | while read -r f; do
		if head -n1 "$f" | grep -Eq '^#!.*[ /](ba)?sh( |$)'; then echo "$f"; fi
	done
	[ ! -f .ci/run ] || echo .ci/run
}

# The flags the sources see, with the host's headers: musl's are not needed to judge them.
flags="-std=c11 -D_GNU_SOURCE -Ishim -Ishim/policy -Ihooks -Itests/unit -I$BUILD/policy
	-isystem $BUILD/deps/host/include -isystem $BUILD/deps/alsa/include"

# Only the files' names: what is to be done is always `make format`.
layout() {
	# shellcheck disable=SC2086
	clang-format --dry-run -Werror $c_files 2>&1 |
		sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error:.*/\1: make format/p' | sort | uniq -c | grep . &&
		return 1
	return 0
}

tidy() {
	# One file a run: it says how many warnings it swallowed, which nobody needs.
	# shellcheck disable=SC2016,SC2086
	echo "$judged" | xargs -P "$(nproc)" -I FILE sh -c '
		said=$(clang-tidy --quiet --warnings-as-errors="*" FILE -- "$@" 2> /dev/null)
		status=$?
		echo "$said" | grep -E "(error|warning): " || :
		exit $status' tidy $flags '-DPOLICY_TOOL=""' '-DSHIM_VERSION=""'
}

# What the shim and the tests map or open lives as long as their process does: cppcheck's leak
# checks are for the host's tools.
lint_cppcheck() {
	common='--quiet --std=c11 --error-exitcode=1 --inline-suppr
		--enable=warning,performance,portability --suppress=missingIncludeSystem
		--library=posix,gnu -D_GNU_SOURCE -D__linux__ -D__x86_64__ -Ishim -Ishim/policy -Ihooks'
	leaks='--suppress=memleak --suppress=resourceLeak --suppress=leakReturnValNotUsed
		--suppress=strtokCalled --suppress=invalidFunctionArgBool --suppress=uninitvar:tests/*
		--suppress=legacyUninitvar:tests/* --suppress=pointerOutOfBoundsCond:tests/*'
	status=0
	# Two runs, side by side: the options of one would silence the other.
	# shellcheck disable=SC2046,SC2086
	{
		set -- $(echo "$judged" | grep -E '^(shim/[^/]*|tests/.*)$')
		[ $# = 0 ] || cppcheck $common $leaks "$@" > "$work/leaks" 2>&1 &
		set -- $(echo "$judged" | grep -Ev '^(shim/[^/]*|tests/.*)$')
		[ $# = 0 ] || cppcheck $common "$@" || status=1
	}
	wait $! || status=1
	cat "$work/leaks"
	return $status
}

too_long() {
	# shellcheck disable=SC2046
	wc -l $(files '*.c' '*.h' '*.sh') | awk '$2 != "total" && $1 > 450 { print; bad = 1 } END { exit bad }'
}

c_files=$(files '*.c' '*.h')
c_sources=$(files '*.c')
# The container tier's programs do on purpose what an analyzer warns of.
judged=$(echo "$c_sources" | grep -v '^tests/container/')
# shellcheck disable=SC2086
{
	tool clang-format layout layout
	tool clang-tidy clang_tidy tidy
	tool cppcheck cppcheck lint_cppcheck
	# shellcheck disable=SC2046
	tool shellcheck shellcheck shellcheck -x -P SCRIPTDIR $(shell_files | sort -u)
	check no_file_above_450_lines too_long
}
for c in $begun; do
	result "$c"
done
echo "# passed failed skipped: $passed $failed $skipped"
[ "$failed" = 0 ]
