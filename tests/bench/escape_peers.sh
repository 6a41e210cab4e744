#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The escape suite under other launchers: tests/bench/escape_peers.sh
#
# The same program, in the same kind of container (a user namespace with 65536 ids, its own
# root), with the same things left open by a careless manager (descriptors, a working directory
# outside, groups, inheritable capabilities): once under each launcher, as it is used by default.
# Prints a table and what each let through; the same goes to BUILD/bench/escape.md. A peer that is
# not there is installed when this is root on Debian, else named as missing.

# $suite is several words on purpose.
# shellcheck disable=SC2086

set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
SHIM=${SHIM:-$BUILD/stremio-shim}
MAKE=${MAKE:-make}
user=65532

[ "$(id -u)" = 0 ] || { echo 'escape_peers: needs root (user namespaces with many ids)' >&2; exit 71; }
$MAKE -s --no-print-directory -f tests/container/escape/escape.mk BUILD="$BUILD" escape-programs \
	"$BUILD/escape/peer_rules"

# need PROGRAM-OR-FILE PACKAGE: 0 when it is there in the end
need() {
	command -v "$1" > /dev/null || [ -e "$1" ] && return 0
	command -v apt-get > /dev/null || return 1
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$2" \
		> "$BUILD/bench/install.log" 2>&1 || return 1
	command -v "$1" > /dev/null || [ -e "$1" ]
}

mkdir -p "$BUILD/bench"
work=$(mktemp -d "${TMPDIR:-/tmp}/escape.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
chmod 755 "$work"
mkdir "$work/root" "$work/out"
install -m 755 "$BUILD/escape/escape" "$work/escape"
install -m 755 "$SHIM" "$work/shim"
"$BUILD/escape/peer_rules" > "$work/rules.bpf"
printf '#!/bin/sh\nexec 8< /opt/escape/rules.bpf\nexec "$@"\n' > "$work/with-rules"

escape=/opt/escape/escape
# Landlock's attempts count for everybody, when the shim has it.
force=
if "$SHIM" --help | grep -q -- --landlock && [ "$("$work/escape" --landlock-abi)" -gt 0 ]; then
	force=--in-force=landlock
fi
suite="$escape --json --victim=find $force"

# in_box NAME [BOX-OPTION]... -- COMMAND...
in_box() {
	out=$work/out/$1
	shift
	timeout 120 "$BUILD/escape/box" --root="$work/root" --prepare --sit --hard --programs \
		--file="$work/escape:/opt/escape/escape:755" \
		--file="$work/shim:/opt/stremio-shim/stremio-shim:755" \
		--file="$work/rules.bpf:/opt/escape/rules.bpf:644" \
		--file="$work/with-rules:/opt/escape/with-rules:755" \
		"$@" < /dev/null > "$out.json" 2> "$out.err" || true
}

# crun starts its own containers, so it gets a root and namespaces by its own configuration.
crun_config() { # crun_config FILE UID COMMAND...
	python3 - "$work/crun/rootfs" "$@" << 'END'
import json, sys
rootfs, out, uid, command = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
# What podman gives a container by default.
caps = ["CAP_" + c for c in ("CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP "
                             "SETGID SETPCAP SETUID SYS_CHROOT").split()]
profile = json.load(open("/usr/share/containers/seccomp.json"))
rules = []
for rule in profile["syscalls"]:
    needs, never = rule.get("includes", {}), rule.get("excludes", {})
    if not set(needs.get("caps", [])) <= set(caps) or set(never.get("caps", [])) & set(caps):
        continue
    if "amd64" not in needs.get("arches", ["amd64"]) or "amd64" in never.get("arches", []):
        continue
    kept = {k: rule[k] for k in ("names", "action", "args", "errnoRet") if rule.get(k)}
    rules.append(kept)
held = {k: (caps if uid == 0 or k == "bounding" else [])
        for k in ("bounding", "effective", "permitted", "inheritable", "ambient")}
held["inheritable"] = held["ambient"] = []
def mount(to, kind, *options):
    return {"destination": to, "type": kind, "source": kind, "options": list(options)}
plain = ["nosuid", "noexec", "nodev"]
json.dump({
    "ociVersion": "1.0.2",
    "root": {"path": rootfs},
    "hostname": "box",
    "process": {"user": {"uid": uid, "gid": uid}, "args": command, "cwd": "/",
                "env": ["PATH=/usr/bin:/bin", "HOME=/home/nobody"], "capabilities": held,
                "noNewPrivileges": False},
    "mounts": [mount("/proc", "proc"), mount("/dev", "tmpfs", "nosuid", "mode=755"),
               mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666"),
               mount("/dev/shm", "tmpfs", "mode=1777", *plain),
               mount("/dev/mqueue", "mqueue", *plain), mount("/sys", "sysfs", "ro", *plain)],
    "linux": {
        "uidMappings": [{"containerID": 0, "hostID": 1000000, "size": 65536}],
        "gidMappings": [{"containerID": 0, "hostID": 1000000, "size": 65536}],
        "namespaces": [{"type": t} for t in
                       ("user", "mount", "pid", "ipc", "uts", "network", "cgroup")],
        "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                        "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
                        "/proc/timer_stats", "/sys/dev/block", "/sys/firmware"],
        "readonlyPaths": ["/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                          "/proc/sysrq-trigger"],
        "seccomp": {"defaultAction": profile["defaultAction"],
                    "defaultErrnoRet": profile.get("defaultErrnoRet", 1),
                    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
                    "syscalls": rules}}}, open(out, "w"))
END
}

crun_run() { # crun_run UID COMMAND...
	crun_config "$work/crun/config.json" "$@"
	# shellcheck disable=SC2016
	# In a mount namespace of its own a unified hierarchy: crun wants no other.
	timeout 120 unshare -m --propagation private sh -c '
		umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup || exit
		exec crun --root="$0/state" --cgroup-manager=disabled run --bundle "$0" "$1"' \
		"$work/crun" "escape-$$"
}

run_crun() {
	fs=$work/crun/rootfs
	mkdir -p "$work/crun/state"
	for d in proc sys dev tmp etc opt/escape root home/nobody run srv var/lib/escape var/log; do
		mkdir -p "$fs/$d"
	done
	install -m 755 "$work/escape" "$fs/opt/escape/escape"
	echo 'root:x:0:0::/root:/bin/sh' > "$fs/etc/passwd"
	echo 'of root' > "$fs/root/secret"
	echo 'a log' > "$fs/var/log/readable"
	chown -R 1000000:1000000 "$fs"
	chown 1065532:1065532 "$fs/home/nobody"
	chmod 1777 "$fs/tmp"
	chmod 777 "$fs/srv" "$fs/var/lib/escape"
	chmod 755 "$work/crun"
	crun_run 0 $escape --prepare=/opt/escape/helpers > "$work/out/crun.err" 2>&1 || return 0
	# Another user's process, once the container runs.
	(
		tries=0
		while [ $tries -lt 30 ]; do
			crun --root="$work/crun/state" --cgroup-manager=disabled exec --user 4242:4242 \
				"escape-$$" $escape --sit > /dev/null 2>&1 && break
			tries=$((tries + 1))
			sleep 0.1
		done
	) &
	# shellcheck disable=SC2086
	crun_run $user $suite < /dev/null > "$work/out/crun.json" 2> "$work/out/crun.err" \
		9< /etc/hostname || true
	wait
}

missing=
in_box shim -- /opt/stremio-shim/stremio-shim -- $suite
in_box nothing -- $suite
if need tini tini; then in_box tini -- /usr/bin/tini -- $suite
else missing="$missing tini"; fi
in_box setpriv -- /usr/bin/setpriv --no-new-privs --reuid=$user --regid=$user --clear-groups $suite
if need bwrap bubblewrap; then
	in_box bwrap -- /usr/bin/setpriv --reuid=$user --regid=$user --clear-groups \
		/opt/escape/with-rules /usr/bin/bwrap --seccomp 8 --unshare-all --die-with-parent \
		--ro-bind /usr /usr --ro-bind /opt /opt --ro-bind /etc /etc --ro-bind /sys /sys \
		--proc /proc --dev /dev --tmpfs /tmp --tmpfs /run --dir /home/nobody --chdir / \
		--setenv HOME /home/nobody $suite
else missing="$missing bubblewrap"; fi
if need firejail firejail; then
	install -m 755 "$(command -v firejail)" "$work/firejail"
	# Set-user-id of the box's root, as it is of the machine's.
	in_box firejail --file="$work/firejail:/opt/firejail:4755" -- \
		/usr/bin/setpriv --reuid=$user --regid=$user --clear-groups \
		/opt/firejail --quiet --noprofile --seccomp $suite
else missing="$missing firejail"; fi
if need crun crun && need /usr/share/containers/seccomp.json golang-github-containers-common; then
	run_crun
else missing="$missing crun"; fi

python3 - "$work/out" "$BUILD/bench/escape.md" "$missing" << 'END'
import collections, json, os, sys
rows = [("shim", "stremio-shim"), ("bwrap", "bwrap with flatpak's rules"),
        ("crun", "crun, containers' default profile, uid 65532"),
        ("firejail", "firejail --seccomp"),
        ("setpriv", "setpriv --no-new-privs, uid 65532"),
        ("tini", "tini (as root)"), ("nothing", "nothing (as root)")]
where, target, missing = sys.argv[1:]
table = ["| launcher | attempts | blocked | reached | latent | skipped | controls |",
         "|---|--:|--:|--:|--:|--:|--:|"]
lists, failed = [], 0
for key, name in rows:
    try:
        said = json.load(open(os.path.join(where, key + ".json")))
    except (OSError, ValueError):
        if key not in missing.replace("bubblewrap", "bwrap"):
            err = os.path.join(where, key + ".err")
            why = open(err).read().strip().splitlines()[-1:] if os.path.exists(err) else []
            table.append(f"| {name} | did not run: {' '.join(why)} | | | | | |")
            failed += 1
        continue
    n = said["counts"]
    table.append(f"| {name} | {n['attempts']} | {n['blocked']} | {n['reached']} | {n['latent']} "
                 f"| {n['skipped']} | {n['controls_reached']} of {n['controls']} |")
    groups = collections.defaultdict(list)
    for a in said["attempts"]:
        if a["outcome"] == "reached" and a["expected"] == "blocked":
            group, rest = a["id"].split(".", 1)
            groups[group].append(rest + ("*" if a["kind"] == "latent" else ""))
        elif a["outcome"] == "broken":
            groups["broken"].append(f"{a['id']} ({a['detail']})")
    lists.append(f"**{name}** reached: " + ("; ".join(
        f"{g}: {' '.join(v)}" for g, v in groups.items()) or "nothing") + ".")
text = "\n".join(table) + "\n\nAn asterisk marks what is latent: harmless by itself.\n\n" + \
    "\n\n".join(lists) + "\n"
if missing.strip():
    text += (f"\nNot installed: {missing.strip()} (to have them: "
             "sh hooks/lib/packages.sh bench).\n")
open(target, "w").write(text)
print(text, end="")
sys.exit(1 if failed else 0)
END
