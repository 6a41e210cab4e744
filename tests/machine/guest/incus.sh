#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Incus in the guest: the machine's own daemon under systemd, AppArmor in force, the shipped
# profile as it is, real devices. Prints the lines of a tier's runner.
# shellcheck source=tests/machine/guest/rig.sh
. /tests/rig.sh

in_m1() {
	incus exec m1 -- "$@" < /dev/null
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
	incus_ready busybox
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

# What the rules of raw.apparmor forbid, tried by host root with every capability, for whom nothing
# else forbids it: prints NAME ERRNO, as it is with the rule of that name.
forbidden_acts() {
	cat <<-'END'
	import ctypes, socket, time
	libc = ctypes.CDLL(None, use_errno=True)
	def call(name, function, *args):
	    ctypes.set_errno(0)
	    print(name, ctypes.get_errno() if function(*args) < 0 else 0)
	call('sys_module', libc.syscall, 176, b'no_such_module', 0)          # delete_module
	call('sys_rawio', libc.ioperm, 0x80, 1, 1)
	now = divmod(time.clock_gettime_ns(time.CLOCK_REALTIME), 10**9)
	call('sys_time', libc.clock_settime, time.CLOCK_REALTIME, (ctypes.c_long * 2)(*now))
	call('syslog', libc.klogctl, 10, None, 0)                            # SYSLOG_ACTION_SIZE_BUFFER
	for name, family in dict(alg=38, bluetooth=31, can=29, rds=21, tipc=30, vsock=40).items():
	    for kind in socket.SOCK_SEQPACKET, socket.SOCK_RAW, socket.SOCK_DGRAM:
	        fd = libc.socket(family, kind, 1 if family == 29 else 0)
	        if fd >= 0:
	            break
	    print(name, 0 if fd >= 0 else ctypes.get_errno())
	END
}

test_incus_apparmor_rules_of_the_profile() {
	forbidden_acts > "$BUILD/acts"
	sysctl -q kernel.dmesg_restrict=1
	# CAP_SYS_ADMIN would do in the place of CAP_SYSLOG.
	setpriv --bounding-set=-sys_admin python3 -B "$BUILD/acts" > "$BUILD/free" || exit 1
	profile=$(sed 's/ (.*//; s/\/\/&.*//' "/proc/$(pid_of m1)/attr/current")
	aa-exec -p "$profile" -- setpriv --bounding-set=-sys_admin python3 -B "$BUILD/acts" \
		> "$BUILD/bound" || exit 1
	echo "free: $(tr '\n' ',' < "$BUILD/free") bound: $(tr '\n' ',' < "$BUILD/bound")"
	# Each rule of the profile is tried; 1 is EPERM, 13 EACCES.
	sed -n '/raw.apparmor/,/^$/s/^ *deny [a-z]* \([a-z_]*\),$/\1/p' "$SHARE/incus-profile.yaml" |
		sort > "$BUILD/rules"
	sed 's/ .*//' "$BUILD/free" | sort | cmp - "$BUILD/rules" || exit 1
	! grep -E ' (1|13)$' "$BUILD/free" || exit 1
	! grep -vE ' (1|13)$' "$BUILD/bound"
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
	# Primary nodes, which are not asked for: all by their names, for nobody to open.
	! echo "$nodes" | grep ' card[0-9]' | grep -v '^c---------' || die 'a primary node, not asked for'
	for name in $(cd /sys/class/drm && ls -d card[0-9]); do
		echo "$nodes" | grep -q " $name\$" || die "not the name of $name"
	done
}

test_incus_hook_owner() {
	# crw-rw---- 1 0 GID: never the overflow id of an unmapped owner, nothing for others. Of it are
	# only those that nobody is to open.
	home nodes | grep '^c' | awk '
		$1 == "c---------" && $3 == 65534 && $4 == 65534 { next }
		$3 == 65534 || $4 == 65534 || $4 == 0 || $1 !~ /^c......---/ { print; bad = 1 }
		END { exit bad }'
}

has_node() { [ -c "/proc/$(pid_of m1)/root$1" ]; }
has_no_node() { ! has_node "$1"; }

# The self-test as root of the instance has it: good devices, found as uid 1000. Without a command
# before it; udev's and the hook's work may go on for a moment.
# usage: self_test_is_green [REPORT'S TARGET]...
self_test_is_green() {
	in_m1 /opt/stremio-shim/stremio-shim --self-test=json --devices=gpu,sound > "$BUILD/report" || {
		echo "exit $?: $(cut -c1-500 "$BUILD/report")"
		return 1
	}
	python3 -B - "$BUILD/report" "$@" <<-'END'
	import json, sys
	report = json.load(open(sys.argv[1]))
	good = {word for c in report['checks'] if c['status'] == 'ok' for word in (c['id'], c['target'])}
	bad = [c for c in report['checks'] if c['status'] == 'fail']
	wanted = {'gpu.render', 'sound.control', 'sound.pcm', 'sandbox.caps', *sys.argv[2:]}
	if bad or wanted - good or report['user']['uid'] != 1000:
	    sys.exit(f'missing {wanted - good}, bad {bad}, user {report["user"]}')
	END
}

# usage: leaves_and_comes_back NODE 'COMMAND THAT TAKES IT' 'COMMAND THAT BRINGS IT' [TARGET]...
# What is left is good meanwhile, and afterwards all is again.
leaves_and_comes_back() {
	node=$1 away=$2 back=$3
	shift 3
	has_node "$node" || die "no $node to begin with"
	sh -c "$away" || die "$away"
	until_true 20 has_no_node "$node" || die "$node is still there after: $away"
	self_test_is_green || die "after: $away"
	sh -c "$back" || die "$back"
	until_true 20 has_node "$node" || die "$node did not come back after: $back"
	self_test_is_green "$node" "$@" || die "after: $back"
}

test_incus_gpu_module_reloaded() {
	# shellcheck source=tests/machine/guest/prelude.sh
	. /tests/prelude.sh
	leaves_and_comes_back "$VGEM" 'rmmod vgem' 'modprobe vgem' "$VIRTIO"
}

test_incus_gpu_unplugged() {
	# shellcheck source=tests/machine/guest/prelude.sh
	. /tests/prelude.sh
	driver=/sys/bus/virtio/drivers/virtio_gpu
	device=$(basename "$(readlink -f $driver/virtio*)")
	leaves_and_comes_back "$VIRTIO" "echo $device > $driver/unbind" "echo $device > $driver/bind" "$VGEM"
}

test_incus_sound_module_reloaded() {
	# shellcheck source=tests/machine/guest/prelude.sh
	. /tests/prelude.sh
	leaves_and_comes_back "/dev/snd/controlC$(card Loopback)" 'modprobe -r snd-aloop' \
		'modprobe snd-aloop' "/dev/snd/controlC$(card HDA-Intel)"
}

# The card itself, off its bus and on it again.
test_incus_sound_unplugged() {
	# shellcheck source=tests/machine/guest/prelude.sh
	. /tests/prelude.sh
	hda=$(card HDA-Intel)
	device=$(readlink -f "/sys/class/sound/card$hda/device")
	leaves_and_comes_back "/dev/snd/controlC$hda" "echo 1 > $device/remove" \
		'echo 1 > /sys/bus/pci/rescan' "/dev/snd/controlC$(card Loopback)"
}

test_incus_self_test() {
	self_test_is_green
}

# The README's way in a virtual machine, from where Incus has put the files: this is one.
test_virtual_machine_of_the_readme() {
	sed -n '/^    incus launch .* --vm/,/^$/p' /tests/README.md > "$BUILD/block"
	# shellcheck disable=SC2046 # names of files
	set -- $(sed -n 's/^    incus file push -p --mode=0755 \(.*\) player-vm\(\/.*\)$/\1 \2/p' "$BUILD/block")
	[ $# -ge 2 ] || die "the block is $(cat "$BUILD/block")"
	files=$(echo "$*" | sed 's/ [^ ]*$//')
	shift $(($# - 1))
	mkdir -p "$1"
	# shellcheck disable=SC2086 # names of files
	install -m 755 $files "$1" || exit 1
	sed -n 's/^    incus exec player-vm -- //p' "$BUILD/block" > "$BUILD/commands"
	[ "$(wc -l < "$BUILD/commands")" = 2 ] || die "the block is $(cat "$BUILD/block")"
	sh -eux "$BUILD/commands" > "$BUILD/said" 2>&1 || die "exit $?: $(cat "$BUILD/said")"
	grep -q '^uid=1000(stremio) gid=1000(stremio)' "$BUILD/said" || die "$(cat "$BUILD/said")"
	grep -q 'gpu.render.*virtio_gpu' "$BUILD/said" || die "$(cat "$BUILD/said")"
}

test_incus_stop() {
	incus stop m1 --timeout 60 || die 'incus stop'
	left=$(find /run/stremio-shim -mindepth 1 -name '*m1*' 2> /dev/null)
	[ -z "$left" ] || die "left over: $left"
	! grep -q 'stremio-hook\|/run/stremio-shim/m1' /proc/self/mounts || die "$(cat /proc/self/mounts)"
	incus delete m1
}

if grep -q . /tests/wanted && ! grep -qE "incus|virtual" /tests/wanted; then
	exit 0
fi
try virtual_machine_of_the_readme
try incus_up
try incus_start
try incus_apparmor_in_force
try incus_apparmor_denies_files
try incus_apparmor_rules_of_the_profile
try incus_hook_nodes_at_start
try incus_hook_owner
try incus_self_test
try incus_gpu_module_reloaded
try incus_gpu_unplugged
try incus_sound_module_reloaded
try incus_sound_unplugged
try incus_stop
