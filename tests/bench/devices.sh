#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a desktop's 14 GPU and sound nodes cost at `incus start`: given by stremio-hook, which gives the
# name of a primary node, too, by 14 devices in the instance's configuration, and not at all. A Markdown
# table on stdout.
#
#   STARTS=N   rounds of a start of each (default 40)
#   CALLS=N    calls of the hook without Incus (default 300)
# As root, with Incus. The devices are fake ones (tests/incus/fake_sysfs.sh), which the daemon, and so
# the hook, has for its own: the namespace that shows them in a test would count as the hook's.
# Not to be run in a real-time class: Incus is Go, whose threads wait for one another by yielding.

set -eu
top=$(CDPATH='' cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$top/build}
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
STARTS=${STARTS:-40}
CALLS=${CALLS:-300}
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
# The other sysfs is for the instances: theirs may be mounted only beside one that hides nothing.
# shellcheck disable=SC2016
in_daemon sh -c 'mkdir "$1/sys" && mount -t sysfs sysfs "$1/sys" &&
	mount --bind "$2/class" /sys/class' sh "$RIG" "$FAKE"
# shellcheck disable=SC2016
incus profile get stremio raw.lxc |
	sed "s|$FAKE/stremio-hook|$FAKE/real-hook|; s|exec \$h|LD_PRELOAD=$FAKE/fake_sysfs.so &|" |
	incus profile set stremio raw.lxc -

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

in_daemon env LD_PRELOAD="$FAKE/fake_sysfs.so" "$FAKE/real-hook" start-host --dry-run |
	sed '/, name only$/d; s/^add //; s/:/ /' > "$RIG/nodes"
began=$(now)
while read -r path major minor; do
	incus config device add api "node$minor" unix-char path="$path" major="$major" minor="$minor" \
		gid=1000 mode=0660 > /dev/null
done < "$RIG/nodes"
added=$((($(now) - began) / 1000000))

# Each round has one start of each, and begins with another one of them: what is compared is what
# was measured within two seconds, so that a load that comes and goes counts for little.
order='none hook api'
round=0
while [ $round -lt "$STARTS" ]; do
	for i in $order; do
		began=$(now)
		incus start "$i" || { incus info "$i" --show-log >&2; exit 1; }
		echo $((($(now) - began) / 1000)) >> "$RIG/$i.us"
		incus stop -f "$i"
	done
	order="${order#* } ${order%% *}"
	round=$((round + 1))
done

# The median and, from the ranks of a binomial distribution, between what it lies with 95 %.
median() {
	sort -n | awk '{ v[NR] = $1 } END {
		w = 0.98 * sqrt(NR)
		low = int((NR + 1) / 2 - w); low = low < 1 ? 1 : low
		high = int((NR + 1) / 2 + w + 1); high = high < NR ? high : NR
		m = int((NR + 1) / 2)
		middle = NR % 2 ? v[m] : (v[m] + v[m + 1]) / 2
		printf "%.1f | %.1f to %.1f", middle / 1000, v[low] / 1000, v[high] / 1000 }'
}

echo "| \`incus start\`, $STARTS rounds, 14 nodes | median ms | with 95 % | over none, median of the differences, ms | with 95 % |"
echo '|---|---:|---:|---:|---:|'
for i in none 'hook stremio-hook' 'api unix-char devices of the configuration'; do
	name=${i#* }
	i=${i%% *}
	echo "| $name | $(median < "$RIG/$i.us") | $(paste "$RIG/$i.us" "$RIG/none.us" | awk '{ print $1 - $2 }' | median) |"
done
echo
echo "Before that, once: \`incus config device add\` of the 14 devices, $added ms."

# A start's time spreads by more than that. Without Incus, and beside the least that a line in
# the profile can cost, a shell that runs a program that does nothing.
line=$(incus profile get stremio raw.lxc | sed -n 's/^lxc.hook.start-host = //p')
# This part in such a class: what else runs on the machine is not what is measured.
alone=
! chrt -f 1 true 2> /dev/null || alone='chrt -f 1'
# shellcheck disable=SC2086
$alone "$BUILD/bench/hook_cost" "$CALLS" "$FAKE/class" 'exec /bin/true' "exec $line" |
	awk -F'\t' -v calls="$CALLS" '
	{ median[NR] = $1; p10[NR] = $2; over = $3 }
	END {
		print ""
		printf "| the hook alone, %d calls, 14 nodes | median µs | p10 | over nothing |\n", calls
		print "|---|---:|---:|---:|"
		printf "| a hook that does nothing | %d | %d | 0 |\n", median[1], p10[1]
		printf "| stremio-hook start-host | %d | %d | %d |\n", median[2], p10[2], over
		printf "\nstremio-hook: %.1f ms at a start (bar 10)\n", median[2] / 1000
	}'
