#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# make bench: spawn-to-exit times and memory beside other inits and launchers, as Markdown
# tables on stdout and in $BUILD/bench/*.md. No test: it judges nothing, the bars stand beside.
#
#   ROUNDS=N   spawns of each command (default 300)
#   IDLE=N     seconds of idleness to watch (default 10)
# As root; other programs are measured when they are installed (sh hooks/lib/packages.sh bench).

set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
SHIM=${SHIM:-$BUILD/stremio-shim}
ROUNDS=${ROUNDS:-300}
out=$BUILD/bench

[ "$(id -u)" = 0 ] || { echo 'bench: needs root (the shim gives it up, namespaces)' >&2; exit 1; }
[ -x "$SHIM" ] || { echo "bench: $SHIM is not there (make)" >&2; exit 1; }
mkdir -p "$out"
# Where every uid reaches them: a build may lie in a home directory.
stage=$(mktemp -d /tmp/stremio-shim-bench.XXXXXX)
trap 'rm -rf "$stage"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
chmod 755 "$stage"
cp "$SHIM" "$stage/stremio-shim"
cp "$BUILD/stremio-probe" "$stage/stremio-probe"
cp "$out/nothing" "$stage/nothing"
chmod 755 "$stage"/*
# Pages of the file that wait to be written would count as dirty memory.
sync "$stage"/*
# The user every container image of the project has; numbers need no passwd entry.
user=65532:65532
shim=$stage/stremio-shim
app=$stage/nothing

set -- 'stremio-shim, fully confined' "$shim" -u $user -- "$app"
set -- "$@" , 'stremio-shim --landlock=off' "$shim" -u $user --landlock=off -- "$app"
set -- "$@" , 'stremio-shim --policy=none' "$shim" -u $user --policy=none -- "$app"
missing=
for init in 'tini-static|-s --' 'tini|-s --' 'catatonit|--' 'dumb-init|--' \
	    'bwrap|--dev-bind / /'; do
	if ! path=$(command -v "${init%%|*}"); then
		missing="$missing ${init%%|*}"
		continue
	fi
	name="${init%%|*} ${init#*|}"
	# shellcheck disable=SC2086
	set -- "$@" , "$name" "$path" ${init#*|} "$app"
done
set -- "$@" , 'bare, static musl' "$app" , 'bare, glibc: /bin/true' /bin/true

echo "spawn to exit: $ROUNDS rounds, all commands in each" >&2
"$out/spawn" "$ROUNDS" "$@" > "$out/spawn.tsv"
awk -F'\t' -v rounds="$ROUNDS" '
{ name[NR] = $1; median[NR] = $2; p10[NR] = $3; p90[NR] = $4
  if ($1 ~ /^tini-static/) tini = $2
  if ($1 ~ /^bwrap/) bwrap = $2 }
function ratio(us, base) { return base ? sprintf("%.2f", us / base) : "-" }
END {
	printf "| spawn to exit, median of %d | µs | p10 | p90 | /tini-static | /bwrap |\n", rounds
	print "|---|---:|---:|---:|---:|---:|"
	for (i = 1; i <= NR; i++)
		printf "| %s | %d | %d | %d | %s | %s |\n", name[i], median[i], p10[i], p90[i],
			ratio(median[i], tini), ratio(median[i], bwrap)
	print ""
	if (tini)
		printf "shim/tini-static: %s (bar 0.90, goal 0.60)\n", ratio(median[1], tini)
	if (bwrap)
		printf "shim/bwrap: %s (bar 0.40)\n", ratio(median[1], bwrap)
}' "$out/spawn.tsv" | tee "$out/spawn.md"
[ -z "$missing" ] || echo "Not installed:$missing (to have them: sh hooks/lib/packages.sh bench)."
echo

sh tests/bench/memory.sh "$shim" "$app" | tee "$out/memory.md"

echo
sh tests/bench/self_test.sh "$shim" | tee "$out/self_test.md"

# Programs of the parts that print figures of their own (Makefile: BENCHES).
for bench in ${BENCHES:-}; do
	echo
	"$bench" | tee "$out/$(basename "$bench").md"
done

# What gets out under each of them; keeps its table itself.
echo
sh tests/bench/escape_peers.sh

# mpv, confined and not, in the stack tier's root file system (made the first time).
echo
COST=1 sh tests/stack/run.sh | tee "$out/player.log" | grep -v '^ok \|^#'
grep '^|' "$out/player.log" > "$out/player.md" || :
