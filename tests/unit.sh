#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The unit tier: runs each cmocka program named in $BUILD/unit/programs (made by
# `make unit-programs`), or those given, and turns its TAP into the result lines of run.sh.

set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
[ $# -gt 0 ] || {
	# shellcheck disable=SC2046
	set -- $(cat "$BUILD/unit/programs")
}
[ $# -gt 0 ] || {
	echo 'not ok unit: there is no test program'
	echo '# passed failed skipped: 0 1 0'
	exit 1
}
work=$(mktemp -d "$BUILD/unit/run.XXXXXX")
trap 'rm -rf "$work"' EXIT

for program in "$@"; do
	name=$(basename "$program" _test)
	status=0
	CMOCKA_MESSAGE_OUTPUT=TAP timeout 300 "$program" \
		< /dev/null > "$work/out" 2> "$work/err" || status=$?
	# Plan line: 1..N, one for each group. Fewer results than planned, or a status that the
	# results do not explain, is a crash.
	awk -v name="$name" -v status="$status" '
	/^1\.\.[0-9]+/ { planned += substr($1, 4) }
	# The second form is the one that cmocka 1.1.5 writes.
	/^ok [0-9]+ - .*# SKIP/ || /^not ok [0-9]+ # SKIP / {
		sub(/^(ok [0-9]+ - |not ok [0-9]+ # SKIP )/, ""); sub(/ *# SKIP.*/, "")
		print "skip unit." name "." $0 ": skipped by the test"; seen++; next }
	/^ok [0-9]+ - / { sub(/^ok [0-9]+ - /, ""); print "ok unit." name "." $0; seen++; next }
	/^not ok [0-9]+ - / { sub(/^not ok [0-9]+ - /, "")
		print "not ok unit." name "." $0; seen++; failed++ }
	END {
		if (!planned || seen != planned)
			print "not ok unit." name ": " seen + 0 " of " planned + 0 \
				" tests reported (exit " status ")"
		else if (status != 0 && !failed)
			print "not ok unit." name ": exit " status " with no failed test"
	}' "$work/out" > "$work/lines"
	if grep -q '^not ok' "$work/lines"; then
		cat "$work/out" "$work/err" | sed 's/^/    | /'
	fi
	cat "$work/lines"
	cat "$work/lines" >> "$work/all"
done
awk '/^ok /{p++} /^not ok /{f++} /^skip /{s++}
	END {print "# passed failed skipped:", p + 0, f + 0, s + 0; exit f != 0}' "$work/all"
