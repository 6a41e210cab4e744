"""stremio-probe and what every application takes for granted; and the probe itself."""
import fcntl
import os
import signal
import socket
import struct

import records
from harness import (MS_BIND, MS_NOSUID, MS_RDONLY, MS_REMOUNT, SHIM, check, children, equal, gone, mount,
                     proc_status, test, until)
from landlock import needs
from probing import ENV, HOME, RUNTIME, SHORT_MS, UID, UNMAPPED, confined, fake, probe, room, silent

PROBE = "/opt/s/stremio-probe"
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
F_SETPIPE_SZ = 1031
MS_NOEXEC = 8


def loopback_up():
    """In the probe's own network namespace, before it starts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


@test(timeout=120)
def a_system_that_has_everything_is_good():
    found = probe(room(), "system", peers=[loopback_up])
    found.expect("shm", "ok", "64 MiB, tmpfs, exec", target="/dev/shm")
    found.expect("runtime-dir", "ok", f"{UID}:{UID} 0700", target=RUNTIME)
    found.expect("home", "ok", ", at least 64 MiB free", target=HOME)
    found.expect("loopback", "ok", "up", target="127.0.0.1")


@test(timeout=120)
def loopback_that_is_down_is_known_as_down():
    probe(room(), "system").expect("loopback", "fail", "the loopback interface is down",
                                   "nic nictype=p2p")


@test(timeout=120)
def shared_memory_is_judged_by_size_kind_and_rights():
    box = room()
    for options, flags, status, *words in (
            ("mode=1777,size=32m", 0, "warn", "32 MiB, tmpfs, exec", "size=256m"),
            ("mode=1777,size=8m", 0, "fail", "8 MiB, tmpfs", "size=256m"),
            ("mode=1777,size=0", 0, "ok", "no limit, tmpfs"),
            ("mode=1777,size=64m", MS_NOEXEC, "ok", "64 MiB, tmpfs, noexec"),
            ("mode=755,size=64m", 0, "fail", "cannot be written to: Permission", "chmod 1777"),
            ("mode=1777,size=64m", MS_RDONLY, "fail", "cannot be written to: Read-only", "findmnt")):
        mount("shm", box.path("dev/shm"), "tmpfs", MS_NOSUID | flags, options)
        probe(box, "system").expect("shm", status, *words)


@test(timeout=120)
def directories_that_are_not_there_are_named_with_the_command_that_makes_them():
    found = probe(room(shm=False), "system",
                  env={"HOME": "/nowhere", "XDG_RUNTIME_DIR": "/run/none"})
    found.expect("shm", "fail", "not there", "lxc.mount.entry = tmpfs dev/shm tmpfs ")
    found.expect("home", "fail", "not there", "incus file create", "/nowhere")
    found.expect("runtime-dir", "fail", "not there", "incus file create", "/run/none")


@test(timeout=120)
def what_the_shim_makes_at_its_launch_is_made_by_the_command_that_is_named():
    """As in a fresh system container, whose init is not the shim."""
    box = room(passwd=f"stremio:x:{UID}:{UID}::{HOME}:/bin/sh\n")
    for name in (HOME, "home", RUNTIME, "run/user"):
        os.rmdir(box.path(name))
    found = probe(box, "system")
    for name, path in (("runtime-dir", RUNTIME), ("home", HOME)):
        hint = found.expect(name, "fail", "not there", " -- /opt/stremio-shim/stremio-shim ",
                            "incus file create --create-dirs --type=directory", path).hint
        command = hint.partition(" -- /opt/stremio-shim/stremio-shim ")[2].partition(";")[0]
        box.spawn([SHIM, *command.split()]).ends(0)
        probe(box, "system").expect(name, "ok")
        os.rmdir(box.path(path))


@test(timeout=120)
def the_runtime_directory_is_judged_by_owner_mode_and_use():
    box = room()
    path = box.path(RUNTIME)
    os.chown(path, 0, 0)
    os.chmod(path, 0o777)
    probe(box, "system").expect("runtime-dir", "fail", "0:0 0777, not the application's own",
                                f"STREMIO_TMPFS={RUNTIME}:mode=0700,uid={UID}")
    os.chown(path, UID, UID)
    os.chmod(path, 0o750)
    probe(box, "system").expect("runtime-dir", "warn", "0750, open to others",
                                f"--user {UID} --group {UID} -- chmod 700 {RUNTIME}")
    os.chmod(path, 0o500)
    probe(box, "system").expect("runtime-dir", "fail", "cannot be written to: Permission",
                                f"chmod 700 {RUNTIME}")
    mount(path, path, None, MS_BIND)
    mount(None, path, None, MS_BIND | MS_REMOUNT | MS_RDONLY)
    probe(box, "system").expect("runtime-dir", "fail", "cannot be written to: Read-only", "findmnt")
    for value, words in ((None, "is not set"), ("run/user", "no absolute path")):
        probe(box, "system", env={"XDG_RUNTIME_DIR": value}).expect(
            "runtime-dir", "warn", words, f"/run/user/{UID}")
    box.write("run/file", "")
    os.mkdir(box.path("run/closed"), 0o700)
    for path, words in (("/run/file", "Not a directory"), ("/run/closed/x", "Permission denied")):
        found = probe(box, "system", env={"XDG_RUNTIME_DIR": path, "HOME": path})
        found.expect("runtime-dir", "fail", words, "namei -l " + path)
        found.expect("home", "fail", words, "namei -l " + path)


@test(timeout=120)
def the_home_directory_is_judged_by_use_owner_and_room():
    box = room()
    os.chown(box.path(HOME), 0, 0)
    probe(box, "system").expect("home", "fail", "cannot be written to: Permission",
                                f"chown {UID}:{UID} {HOME}")
    os.chmod(box.path(HOME), 0o777)
    probe(box, "system").expect("home", "warn", "0:0 0777", "somebody else's")
    mount("home", box.path(HOME), "tmpfs", 0, f"mode=700,uid={UID},size=8m")
    probe(box, "system").expect("home", "warn", "0700, 8 MiB free", "make room")
    for value, words in ((None, "HOME is not set"), ("home", "no absolute path")):
        probe(box, "system", env={"HOME": value}).expect("home", "fail", words)


@test(asan=UNMAPPED)
def under_the_shim_the_sandbox_is_found_in_force():
    box = room()
    proc = box.shim(PROBE, "sandbox", options=[f"--user={UID}"])
    proc.ends(0)
    found = {record.id: record for record in records.findings(proc.text[1], "sandbox")}
    for name in ("caps", "nnp", "seccomp", "userns"):
        equal(found["sandbox." + name].status, "ok", f"{found['sandbox.' + name]}")
    check(found["sandbox.landlock"].status in ("ok", "warn"), f"{found['sandbox.landlock']}")


@test(asan=UNMAPPED)
def landlock_is_in_force_also_where_reading_is_open_everywhere():
    needs(1)

    def no_writing():
        mount(None, "/proc", None, MS_BIND | MS_REMOUNT | MS_RDONLY)
    for options, peers, status, words in (
            ([], [], "ok", "are closed"),
            (["--ro=/"], [], "ok", "reading is open everywhere (--ro=/), writing is not"),
            (["--ro=/"], [no_writing], "skip", "reading is open everywhere (--ro=/): Read-only"),
            (["--landlock=off"], [], "warn", "not in force"),
            (["--landlock=off", "--ro=/"], [], "warn", "not in force")):
        confined(room(), "sandbox", options=options, peers=peers).expect("sandbox.landlock", status, words)


@test(timeout=120)
def without_the_shim_each_missing_confinement_is_named():
    found = probe(room(), "sandbox", uid=0)
    found.expect("sandbox.caps", "fail", "holds capabilities: 0x", "start it through stremio-shim")
    found.expect("sandbox.nnp", "fail", "new privileges can be had")
    found.expect("sandbox.seccomp", "warn", "no system call filter", "--policy=none")
    found.expect("sandbox.landlock", "warn", "not in force")
    found = probe(room(), "sandbox")
    found.expect("sandbox.caps", "fail", "the bounding set is 0x", "set-uid program")


def start(box, *argv, env=None, pre=None):
    return box.spawn([PROBE, *argv], env={**ENV, **(env or {})}, pre=pre)


@test(timeout=120)
def a_command_line_that_is_none_is_refused_with_one_line():
    box = room()
    for argv, words in (((), "no group was named"), (("gpus",), "no such group: 'gpus'"),
                        (("--fast", "gpu"), "unknown option '--fast'"),
                        (("gpu", "gpu"), "given twice: 'gpu'"),
                        (("--deadline-ms=0", "gpu"), "no such time"),
                        (("--deadline-ms=1s", "gpu"), "no such time"),
                        (("--deadline-ms=600001", "gpu"), "no such time"),
                        (("\x1b[31m\n\xff",), "\\x1b[31m\\x0a")):
        proc = start(box, *argv).ends(64)
        lines = proc.err().splitlines()
        check(len(lines) == 1 and lines[0].startswith("stremio-probe: usage: ") and
              words in lines[0], f"{argv}: {proc.err()!r}")
        equal(proc.out(), "", "output of a refused command line")
    check("GROUP is one of: gpu sound x11" in start(box, "--help").ends(0).out(), "no help")
    check(start(box, "--version").ends(0).out().startswith("stremio-probe "), "no version")


@test(timeout=120)
def a_reader_that_is_gone_ends_the_probe_at_once():
    box = room()

    def deaf():
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)
    for sigpipe in (signal.SIG_DFL, signal.SIG_IGN):
        def become(sigpipe=sigpipe):
            signal.signal(signal.SIGPIPE, sigpipe)
            deaf()
        start(box, "--deadline-ms=60000", "system", "gpu", pre=become).ends(1, timeout=30)
    start(box, "system", pre=lambda: os.close(1)).ends(1, timeout=30)


@test(timeout=120)
def a_reader_that_does_not_read_holds_the_probe_no_longer_than_its_deadline():
    """4096 bytes of pipe take four records."""
    box = room()

    def full():
        reader, writer = os.pipe()
        fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
        os.dup2(reader, 0)
        os.dup2(writer, 1)
    for non_blocking in (False, True):
        def become(non_blocking=non_blocking):
            full()
            os.set_blocking(1, not non_blocking)
        start(box, "--deadline-ms=1000", "system", "gpu", "sound", pre=become).ends(1, timeout=30)


@test(timeout=120)
def a_probe_that_is_killed_leaves_no_process():
    box = room()
    proc = box.spawn([PROBE, "--deadline-ms=60000", "x11", "pulse"], init=False,
                     env={**ENV, "DISPLAY": ":7", "PULSE_SERVER": "/tmp/pulse"},
                     pre=lambda: [fake("/tmp/.X11-unix/X7", silent)(),
                                  fake("/tmp/pulse", silent)()])

    def at_work():
        mine = [pid for pid in children(proc.pid)
                if os.readlink(f"/proc/{pid}/exe").endswith("stremio-probe")]
        return mine if len(mine) == 2 and all(proc_status(p)["Seccomp"] == "2" for p in mine) else None
    pids = until(at_work, "both groups at work")
    proc.kill(signal.SIGKILL)
    proc.wait()
    until(lambda: all(gone(pid) for pid in pids), "the end of the groups")


@test(timeout=120)
def a_blocked_alarm_does_not_take_the_deadline_away():
    def become():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGXCPU})
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        fake("/tmp/.X11-unix/X7", silent)()
    found = probe(room(), "x11", env={"DISPLAY": ":7"}, peers=[become], deadline=SHORT_MS)
    found.expect("x11.socket", "fail", "does not answer")


@test(timeout=120)
def each_group_works_under_a_filter_and_limits_of_its_own():
    """Also the single one that asks servers only, which needs no process of its own."""
    for groups in (["x11"], ["x11", "pulse"]):
        proc = room().spawn([PROBE, "--deadline-ms=60000", *groups], init=False,
                            env={**ENV, "DISPLAY": ":7", "PULSE_SERVER": "/tmp/pulse"},
                            pre=lambda: [fake("/tmp/.X11-unix/X7", silent)(),
                                         fake("/tmp/pulse", silent)()])

        def at_work(alone=len(groups) == 1):
            mine = [pid for pid in ([proc.pid] if alone else children(proc.pid))
                    if os.readlink(f"/proc/{pid}/exe").endswith("stremio-probe") and
                    proc_status(pid)["Seccomp"] == "2"]
            return mine if len(mine) == len(groups) else None
        for pid in until(at_work, "the groups at work"):
            equal(proc_status(pid)["NoNewPrivs"], "1", "no_new_privs")
            with open(f"/proc/{pid}/limits", encoding="ascii") as file:
                limits = {line[:26].strip(): line[26:].split()[:2] for line in file}
            equal(limits["Max core file size"], ["0", "0"], "core dumps")
            equal(limits["Max cpu time"], ["2", "3"], "seconds of CPU time")
            equal(limits["Max open files"], ["64", "64"], "descriptors")
        proc.kill(signal.SIGKILL)
        proc.wait()
