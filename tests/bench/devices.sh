#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a desktop's 14 GPU and sound nodes cost at `incus start`: given by stremio-hook, by 14
# devices in the instance's configuration, and not at all. A Markdown table on stdout.
#
#   STARTS=N   starts of each, in turn (default 20)
#   CALLS=N    calls of the hook without Incus (default 100)
# As root, with Incus. The devices are fake ones (tests/incus/fake_sysfs.sh); what it takes to show
# them to the hook, a mount namespace and an exec, is counted as the hook's.

set -eu
top=$(CDPATH='' cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$top/build}
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
STARTS=${STARTS:-20}
CALLS=${CALLS:-100}
here=$top/tests/incus
# shellcheck source=hooks/lib/packages.sh
. "$top/hooks/lib/packages.sh"
# shellcheck source=hooks/lib/incusd.sh
. "$top/hooks/lib/incusd.sh"
# shellcheck source=hooks/lib/image.sh
. "$top/hooks/lib/image.sh"
# shellcheck source=tests/incus/fake_sysfs.sh
. "$top/tests/incus/fake_sysfs.sh"
# shellcheck source=tests/incus/rig.sh
. "$top/tests/incus/rig.sh"

[ "$(id -u)" = 0 ] || { echo 'devices: needs root (a private Incus)' >&2; exit 1; }
packages_install incus busybox >&2
RIG=$(mktemp -d "$BUILD/devices-bench.XXXXXX")
trap rig_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
rig_up > "$RIG/said" 2>&1 || { tail -n 1 "$RIG/said" >&2; exit 1; }
fake_desktop

now() { date +%s%N; }
for i in none hook api; do
	instance $i -- /bin/sleep 1000
done
incus profile get stremio raw.lxc | sed '/lxc.hook/d' > "$RIG/raw"
for i in none api; do
	incus profile copy stremio plain-$i
	incus profile set plain-$i raw.lxc - < "$RIG/raw"
	incus profile assign $i plain-$i > /dev/null 2>&1
done

in_daemon "$FAKE/stremio-hook" start-host --dry-run |
	sed 's/^add //; s/:/ /' > "$RIG/nodes"
began=$(now)
while read -r path major minor; do
	incus config device add api "node$minor" unix-char path="$path" major="$major" minor="$minor" \
		gid=1000 mode=0660 > /dev/null
done < "$RIG/nodes"
added=$((($(now) - began) / 1000000))

round=0
while [ $round -lt "$STARTS" ]; do
	for i in none hook api; do
		began=$(now)
		incus start $i || { incus info $i --show-log >&2; exit 1; }
		echo $((($(now) - began) / 1000)) >> "$RIG/$i.us"
		incus stop -f $i
	done
	round=$((round + 1))
done

quantile() {
	sort -n "$1" | awk -v q="$2" '{ v[NR] = $1 } END { i = int(q * NR + 0.5); print v[i < 1 ? 1 : i] }'
}

echo "| \`incus start\`, $STARTS rounds, 14 nodes | median ms | p10 | over none, ms |"
echo '|---|---:|---:|---:|'
none=$(quantile "$RIG/none.us" 0.5)
for i in none 'hook stremio-hook' 'api unix-char devices of the configuration'; do
	name=${i#* }
	i=${i%% *}
	median=$(quantile "$RIG/$i.us" 0.5)
	awk -v name="$name" -v m="$median" -v p="$(quantile "$RIG/$i.us" 0.1)" -v none="$none" 'BEGIN {
		printf "| %s | %.0f | %.0f | %.1f |\n", name, m / 1000, p / 1000, (m - none) / 1000 }'
done
echo
echo "Adding the 14 devices to the configuration beforehand, once: $added ms."

# A start's time spreads by more than that. Without Incus, and beside the least that a line in
# the profile can cost, a shell that runs a program that does nothing:
line=$(incus profile get stremio raw.lxc | sed -n "s|$FAKE/stremio-hook|$FAKE/real-hook|; s/^lxc.hook.start-host = //p")
"$BUILD/bench/hook_cost" "$CALLS" "$FAKE/class" "$FAKE/fake_sysfs.so" 'exec /bin/true' "exec $line" |
	awk -F'\t' -v calls="$CALLS" '
	{ median[NR] = $1; p10[NR] = $2 }
	END {
		print ""
		printf "| the hook alone, %d calls, 14 nodes | median µs | p10 | /nothing |\n", calls
		print "|---|---:|---:|---:|"
		printf "| a hook that does nothing | %d | %d | 1.00 |\n", median[1], p10[1]
		printf "| stremio-hook start-host | %d | %d | %.2f |\n", median[2], p10[2], median[2] / median[1]
		printf "\nstremio-hook: %.1f ms at a start (bar 10)\n", median[2] / 1000
	}'
