#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Two tiers in a real Incus 6.0, which this script brings up for itself and takes away again:
# incus, the shipped profile with the shim as PID 1 and the devices' hook; and with TIER=host, what
# a person does on the host: stremio-incus, images, and the README's recipes.
#
#   [TIER=host] [HOST_TESTS=all] tests/incus/run.sh [TEST]...
#
# Without HOST_TESTS=all, as in `make check`, those of the host's below $slow are left out.
# A line a test: `ok TIER.NAME`, `not ok TIER.NAME: reason` or `skip TIER.NAME: reason`; the
# last line is `# passed failed skipped: P F S`. With CI=true what cannot run is a failure.

set -u
top=$(CDPATH='' cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-$top/build}
case $BUILD in /*) ;; *) BUILD=$(pwd)/$BUILD ;; esac
here=$top/tests/incus
tier=${TIER:-incus}
passed=0 failed=0 skipped=0

# Left to `make host` for their time: they make an image for minutes, wait until a limit of stremio-incus,
# the shim or Incus has passed, or start something again for each of many words. None runs a command
# block of the README.
slow='run_sees_that_stremio_lives run_shows_an_image_of_another_tool
	host_says_that_an_instance_is_busy host_knows_a_stale_sound_socket
	host_is_not_held_up_by_hostile_files host_is_not_held_up_by_a_pipe_that_nobody_reads
	host_is_not_held_up_by_a_hostile_self_test
	host_sound_server_sees_its_own_user host_doctor_knows_what_applications_say
	host_launch_does_not_wait_for_a_ready_that_never_comes host_says_how_to_wake_a_frozen_instance
	host_login_refreshes_only_what_this_user_attached host_shows_no_control_characters_of_an_application
	host_launch_after_a_restart_of_the_host a_system_image_takes_a_package_file
	cluster_restore_takes_ready_for_stopped'

# shellcheck source=hooks/lib/packages.sh
. "$top/hooks/lib/packages.sh"
# shellcheck source=hooks/lib/incusd.sh
. "$top/hooks/lib/incusd.sh"
# shellcheck source=hooks/lib/image.sh
. "$top/hooks/lib/image.sh"
# shellcheck source=tests/incus/fake_sysfs.sh
. "$here/fake_sysfs.sh"
# shellcheck source=hooks/lib/display.sh
. "$top/hooks/lib/display.sh"
# shellcheck source=hooks/lib/tone.sh
. "$top/hooks/lib/tone.sh"
# shellcheck source=tests/incus/rig.sh
. "$here/rig.sh"
# shellcheck source=tests/incus/session.sh
. "$here/session.sh"
# shellcheck source=tests/incus/cluster_rig.sh
. "$here/cluster_rig.sh"

counts() {
	echo "# passed failed skipped: $passed $failed $skipped"
	[ "$failed" = 0 ]
}

# The whole tier cannot run here.
cannot() {
	if [ "${CI:-}" = true ]; then
		echo "not ok $tier: $1"
		failed=1
	else
		echo "skip $tier: $1"
		skipped=1
	fi
	counts
	exit
}

run_test() {
	began=$(date +%s)
	# Each begins on a host without devices.
	fake_nothing
	if ( "test_$1" ) > "$RIG/said" 2>&1; then
		passed=$((passed + 1))
		echo "ok $tier.$1"
	else
		failed=$((failed + 1))
		echo "not ok $tier.$1: $(tail -n 1 "$RIG/said" | cut -c1-300)"
		sed '$d' "$RIG/said" | tail -n 20 | sed 's/^/  | /'
	fi
	[ -z "${TIMES:-}" ] || echo "  ($(($(date +%s) - began)) s)"
	# Whatever it left: the next one must find the names free.
	# shellcheck disable=SC2046
	gone $(incus list -f csv -c n)
}

trap rig_down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

[ "$(id -u)" = 0 ] || cannot 'needs root, to run a private Incus daemon (run as root)'
[ -x "$BUILD/stremio-shim" ] || cannot "no $BUILD/stremio-shim (make builds it)"
unshare --mount --net --pid --fork true 2>/dev/null ||
	cannot 'may not make namespaces here (a container without CAP_SYS_ADMIN?)'
why=$(packages_install incus busybox 2>&1) || cannot "$(echo "$why" | tail -n 1)"
RIG=$(mktemp -d "$BUILD/incus-tests.XXXXXX") || cannot "cannot write in $BUILD"
rig_up > "$RIG/said" 2>&1 || cannot "$(tail -n 1 "$RIG/said")"

# Every function test_NAME of these files is a test, in the order they stand there.
shim_files="$here/profile.sh $here/lifetime.sh $here/surroundings.sh $here/exec.sh $here/errors.sh
	$here/hook.sh $here/hook_running.sh $here/hook_plug.sh $here/hook_hostile.sh $here/audit.sh $here/inspect.sh
	$here/picture.sh
	$top/tests/container/escape/incus.sh"
host_files="$here/host.sh $here/host_again.sh $here/host_picture.sh $here/host_desktop.sh $here/host_errors.sh
	$here/host_hostile.sh $here/host_outcomes.sh $here/oci.sh $here/readme.sh $here/recipes.sh $here/cluster.sh
	$here/stremio.sh"
for f in $shim_files $host_files; do
	# shellcheck source=/dev/null
	. "$f"
done
files=$shim_files
[ "$tier" = incus ] || files=$host_files
# shellcheck disable=SC2086
names=$(sed -n 's/^test_\([a-z0-9_]*\)() {$/\1/p' $files)
for t in $slow; do
	[ "$tier" = incus ] || echo "$names" | grep -qx "$t" || {
		echo "not ok $tier: there is no test $t to be left out"
		failed=$((failed + 1))
	}
done
# shellcheck disable=SC2086
[ "${HOST_TESTS:-}" = all ] || names=$(echo "$names" | grep -vxF "$(printf '%s\n' $slow)")
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $names
for t in "$@"; do
	run_test "$t"
done
counts
