#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Incus in the guest: the machine's own daemon under systemd, AppArmor in force, the shipped
# profile as it is, real devices. Prints the lines of a tier's runner.
set -u
top=/tests
BUILD=/run/build
export BUILD
mkdir -p "$BUILD"
# shellcheck source=hooks/lib/incusd.sh
. "$top/hooks/lib/incusd.sh"
# shellcheck source=hooks/lib/image.sh
. "$top/hooks/lib/image.sh"

die() {
	echo "$*"
	exit 1
}

# try NAME: run test_NAME in a subshell and say how it came out. They build upon each other:
# all of them run, or none.
try() {
	before=$(cut -d. -f1 /proc/uptime)
	if ("test_$1") > "$BUILD/out" 2>&1; then
		echo "ok $1"
	else
		echo "not ok $1: $(tail -n 5 "$BUILD/out" | tr '\n' '|' | cut -c1-600)"
	fi
	echo "incus: $1: $(($(cut -d. -f1 /proc/uptime) - before)) s" >&2
}

# until_true SECONDS COMMAND...
until_true() {
	tries=$(($1 * 4))
	shift
	while [ $tries -gt 0 ]; do
		if "$@" > /dev/null 2>&1; then
			return 0
		fi
		sleep 0.25
		tries=$((tries - 1))
	done
	return 1
}

in_m1() {
	incus exec m1 -- "$@" < /dev/null
}

pid_of() {
	incus query "/1.0/instances/$1/state" | sed -n 's/^\t"pid": \([0-9]*\),*$/\1/p'
}

# The application: what it sees when it starts, then it waits.
app() {
	cat <<-'END'
	#!/bin/sh
	ls -ln /dev/dri /dev/snd > ~/nodes 2>&1
	id > ~/id
	grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/self/status > ~/status
	for n in /dev/dri/renderD* /dev/snd/pcm*p /dev/snd/control*; do
		{ : <> "$n"; } 2> /dev/null && echo "$n"
	done > ~/opened
	touch ~/seen
	exec sleep 1000000
	END
}

home() {
	cat "/proc/$(pid_of m1)/root/home/stremio/$1"
}

test_incus_up() {
	systemctl start lxcfs.service incus.service || die "systemctl: $(journalctl -n 5 -u incus)"
	incus_use "$BUILD/private" || die 'no Incus'
	[ "$INCUS_PRIVATE" = 0 ] || die "not the machine's own"
	image_import /tests/busybox busybox || die 'no image'
	incus profile create stremio < /usr/local/share/stremio-shim/incus-profile.yaml
}

test_incus_start() {
	incus init busybox m1 --no-profiles --profile stremio < /dev/null || die 'incus init'
	app > "$BUILD/app"
	incus file push -q "$BUILD/app" m1/bin/app --mode 0755 || die 'incus file push'
	printf '%s\n' -- /bin/app > "$BUILD/args"
	incus file push -q "$BUILD/args" m1/etc/stremio-shim.args --mode 0644 || die 'incus file push'
	incus config set m1 environment.STREMIO_EXEC_BOUNDING=full
	incus start m1 || die "$(incus info m1 --show-log | grep ERROR)"
	until_true 30 home seen || die "$(incus console m1 --show-log | tail -n 3)"
	grep -q stremio-shim "/proc/$(pid_of m1)/cmdline" || die "PID 1 is $(cat "/proc/$(pid_of m1)/comm")"
	home id | grep -q 'uid=1000' || die "the application is $(home id)"
	home status | grep -q 'NoNewPrivs:.1' || die "$(home status)"
}

# PID 1 and the application under the profile that Incus made for this instance, enforced.
test_incus_apparmor_in_force() {
	label=$(cat "/proc/$(pid_of m1)/attr/current")
	echo "PID 1: $label"
	case $label in
	incus-m1_*'(enforce)') ;;
	*) exit 1 ;;
	esac
	# AppArmor stacks nothing here: no_new_privs keeps the label of PID 1.
	application=$(cat "/proc/$(pgrep -P "$(pid_of m1)" -x sleep)/attr/current")
	[ "$application" = "$label" ] || die "the application: $application"
	# Incus stacks it over a namespace of the instance's own, for profiles that are made inside.
	grep -qF "${label%%//&*} (enforce)" /sys/kernel/security/apparmor/profiles
}

# A directory that its mode opens to everybody, and the profile to nobody.
test_incus_apparmor_denies_files() {
	unshare --user --map-root-user ls -d /sys/kernel/tracing/. || die 'its mode denies it, too'
	in_m1 ls /sys/kernel/tracing/ 2>&1 | grep 'Permission denied'
}

# The nodes of every card of this machine, there when the application starts, and openable.
test_incus_hook_nodes_at_start() {
	nodes=$(home nodes)
	for name in $(cd /dev && ls dri/renderD* snd/control* snd/pcm*); do
		echo "$nodes" | grep -q "^c.* ${name#*/}\$" || die "no $name: $(echo "$nodes" | tail -n 20)"
		case $name in
		*renderD*|*control*|*pcm*p) home opened | grep -q "$name\$" ||
			die "the application cannot open $name: $(echo "$nodes" | grep "${name#*/}\$")" ;;
		esac
	done
	! echo "$nodes" | grep -q ' card[0-9]' || die 'a primary node, not asked for'
}

test_incus_hook_owner() {
	# crw-rw---- 1 0 GID: never the overflow id of an unmapped owner, nothing for others.
	home nodes | grep '^c' | awk '
		$3 == 65534 || $4 == 65534 || $4 == 0 || $1 !~ /^c......---/ { print; bad = 1 }
		END { exit bad }'
}

has_node() { [ -c "/proc/$(pid_of m1)/root$1" ]; }
has_no_node() { ! has_node "$1"; }

test_incus_plug_gpu() {
	# shellcheck source=tests/machine/guest/prelude.sh
	. /tests/prelude.sh
	node=$VGEM
	has_node "$node" || die "no $node to begin with"
	rmmod vgem || die 'rmmod vgem'
	until_true 20 has_no_node "$node" || die "$node is still there"
	modprobe vgem
	until_true 20 has_node "$node" || die "$node did not come back"
}

test_incus_plug_sound() {
	# shellcheck source=tests/machine/guest/prelude.sh
	. /tests/prelude.sh
	node=/dev/snd/controlC$(card Loopback)
	has_node "$node" || die "no $node to begin with"
	modprobe -r snd-aloop || die 'modprobe -r snd-aloop'
	until_true 20 has_no_node "$node" || die "$node is still there"
	modprobe snd-aloop
	udevadm settle
	until_true 20 has_node "/dev/snd/controlC$(card Loopback)" || die "$node did not come back"
	in_m1 ls -ln /dev/snd
}

# The report of a self-test as root of the instance has it: good devices, found as uid 1000.
test_incus_self_test() {
	in_m1 /opt/stremio-shim/stremio-shim --self-test=json --devices=gpu,sound > "$BUILD/report" ||
		die "exit $?: $(cut -c1-500 "$BUILD/report")"
	python3 -B - "$BUILD/report" <<-'END'
	import json, sys
	report = json.load(open(sys.argv[1]))
	good = {c['id'] for c in report['checks'] if c['status'] == 'ok'}
	bad = [c for c in report['checks'] if c['status'] == 'fail']
	missing = {'gpu.render', 'sound.control', 'sound.pcm', 'sandbox.caps'} - good
	if bad or missing or report['user']['uid'] != 1000:
	    sys.exit(f'missing {missing}, bad {bad}, user {report["user"]}')
	END
}

test_incus_stop() {
	incus stop m1 --timeout 60 || die 'incus stop'
	left=$(find /run/stremio-shim -mindepth 1 -name '*m1*' 2> /dev/null)
	[ -z "$left" ] || die "left over: $left"
	! grep -q 'stremio-hook\|/run/stremio-shim/m1' /proc/self/mounts || die "$(cat /proc/self/mounts)"
	incus delete m1
}

if grep -q . /tests/wanted && ! grep -q incus /tests/wanted; then
	exit 0
fi
try incus_up
try incus_start
try incus_apparmor_in_force
try incus_apparmor_denies_files
try incus_hook_nodes_at_start
try incus_hook_owner
try incus_plug_gpu
try incus_plug_sound
try incus_self_test
try incus_stop
