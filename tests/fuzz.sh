#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# make fuzz: runs each libFuzzer program for some seconds, from the corpus it kept before.
#
#   fuzz.sh SECONDS PROGRAM...     corpora and findings below $BUILD/fuzz

set -eu
BUILD=${BUILD:-build}
seconds=${1:?usage: fuzz.sh SECONDS PROGRAM...}
shift
[ $# -gt 0 ] || { echo 'fuzz: no fuzzer was built' >&2; exit 1; }
for program in "$@"; do
	name=$(basename "$program")
	corpus=$BUILD/fuzz/$name.corpus
	mkdir -p "$corpus"
	echo "fuzz: $name for $seconds s" >&2
	set -- "$corpus"
	[ ! -d "tests/fuzz/$name" ] || set -- "$@" "tests/fuzz/$name"
	"$program" -max_total_time="$seconds" -print_final_stats=1 -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix="$BUILD/fuzz/$name-" "$@" > "$BUILD/fuzz/$name.log" 2>&1 || {
		tail -n 40 "$BUILD/fuzz/$name.log"
		echo "fuzz: $name: found something (see $BUILD/fuzz/$name.log)" >&2
		exit 1
	}
	grep -E '^(Done|stat::number_of_executed_units|stat::new_units_added)' "$BUILD/fuzz/$name.log"
done
