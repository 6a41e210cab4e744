"""The system call policy as the kernel applies it to a running application."""
import errno
import functools
import os
import struct
import subprocess

import harness
from harness import APP, CALLS, STATE, Box, check, equal, signal, test, until
from names import NR
from privileges import confined

ENOSYS, EPERM = errno.ENOSYS, errno.EPERM
ALWAYS = {
    "clone3": {ENOSYS}, "unknown": {ENOSYS}, "unknown_high": {ENOSYS}, "negative": {ENOSYS},
    "tiocsti": {EPERM}, "tiocsti_high": {EPERM}, "tioclinux": {EPERM}, "tioclinux_high": {EPERM},
    "int80_getpid": {ENOSYS}, "int80_ioctl": {ENOSYS}, "x32_getpid": {ENOSYS},
    "io_uring_setup": {ENOSYS, EPERM}, "io_uring_enter": {ENOSYS, EPERM},
    "bpf": {ENOSYS, EPERM}, "keyctl": {ENOSYS, EPERM}, "add_key": {ENOSYS, EPERM},
    "request_key": {ENOSYS, EPERM}, "ptrace": {ENOSYS, EPERM}, "setns": {ENOSYS, EPERM},
    "process_vm_readv": {ENOSYS, EPERM},
    "fork": {0}, "memfd": {0}, "socket_unix": {0},
}
NAMESPACES = ("unshare_user", "clone_user", "unshare_mount", "unshare_net")


FAULT = f"signal {int(signal.SIGSEGV)}"


@functools.cache
def missing_entries():
    """Calls by an entry that faults on this machine without any filter, before one is asked."""
    lines = Box().spawn([CALLS], init=False).ends(0).lines()
    return {line.split()[0] for line in lines if line.startswith("int80") and line.endswith(FAULT)}


def answers(*options, init=True):
    proc = Box().spawn(["/opt/t/stremio-shim", *options, "--", CALLS], init=init).ends(0)
    found = {}
    for line in proc.lines():
        name, value, code = line.split()
        found[name] = f"signal {code}" if value == "signal" else int(code)
    check(len(found) > 25, f"no full report: {proc.out()!r}")
    return found


def compare(found, want, policy):
    want = {name: {FAULT} if name in missing_entries() else codes for name, codes in want.items()}
    wrong = [f"{name}: {found[name]}, not {sorted(codes)}" for name, codes in want.items()
             if found[name] not in codes]
    check(not wrong, f"{policy}: " + "; ".join(wrong))


@test()
def dangerous_calls_are_refused_and_common_ones_work():
    for policy in ("stremio", "server"):
        for init in (True, False):
            found = answers(f"--policy={policy}", init=init)
            compare(found, ALWAYS, policy)
            compare(found, {name: {EPERM} for name in NAMESPACES}, policy)


@test()
def userns_allow_opens_namespaces_and_nothing_else():
    for policy in ("stremio",):
        found = answers(f"--policy={policy}", "--userns=allow")
        compare(found, ALWAYS, policy)
        compare(found, {name: {0} for name in NAMESPACES}, policy)


@test()
def policy_none_shows_that_the_probes_would_see_a_hole():
    found = answers("--policy=none")
    reached = {"clone3", "tiocsti", "tiocsti_high", "tioclinux", "ptrace", "keyctl", "add_key",
               "process_vm_readv", "setns", "unshare_user", "clone_user"}
    for name in reached:
        check(found[name] not in ALWAYS.get(name, {EPERM}),
              f"{name} answers {found[name]} without a policy too")


@test()
def no_answer_is_a_kill():
    for name, code in answers().items():
        fault = name in missing_entries() and code == FAULT
        check(fault or not str(code).startswith("signal"), f"{name}: {code}")


def compiled():
    with open(os.path.join(harness.stage, "t", "server-deny.bpf"), "rb") as file:
        return file.read()


@test()
def a_compiled_policy_file_can_be_used():
    box = Box(files={"etc/mine.bpf": compiled()})
    confined(box.shim(STATE, "exit", "0", options=("--policy=/etc/mine.bpf",)).ends(0).state())


@test()
def a_policy_file_that_is_not_to_be_trusted_is_refused():
    data = compiled()
    damaged = {"truncated": data[:-4], "longer": data + bytes(8), "empty": b"",
               "magic": b"X" + data[1:], "version": data[:8] + b"\xff" + data[9:],
               "arch": data[:12] + b"\1\2\3\4" + data[16:],
               "count": data[:16] + struct.pack("<I", 5000) + data[20:],
               "code": data[:64] + b"\xff" * 8 + data[72:]}
    for name, text in damaged.items():
        box = Box(files={"etc/mine.bpf": text})
        box.shim(APP, "exit", "0", options=("--policy=/etc/mine.bpf",)).complains(77, "policy")
        check(name, "")
    for mode, owner in ((0o666, 0), (0o620, 0), (0o644, 1000)):
        box = Box()
        box.write("etc/mine.bpf", data, mode)
        os.chown(box.path("etc/mine.bpf"), owner, 1000)
        box.shim(APP, "exit", "0", options=("--policy=/etc/mine.bpf",)).complains(77, "policy")


@test()
def a_policy_that_does_not_answer_as_compiled_is_refused():
    """The canaries are exchanged for a call that the filter lets through."""
    data = compiled()
    for offset in (20, 24):
        box = Box(files={"etc/mine.bpf":
                         data[:offset] + struct.pack("<I", NR["getppid"]) + data[offset + 4:]})
        box.shim(APP, "exit", "0", options=("--policy=/etc/mine.bpf",)).complains(77, "filter")


@test(asan="the sanitizer's run-time interposes its own calls")
def calls_that_pid_1_does_not_need_are_refused_to_it():
    """Seen from its own side: a debugger makes it try them."""
    # Not openat: whom a stop concerns is read from /proc.
    useless = ("execve", "socket", "ptrace", "mount", "setuid", "prctl", "mprotect",
               "clone", "unshare", "bpf", "ioctl", "unlinkat")
    for init in (True, False):
        numbers = [NR[name] for name in useless]
        proc = Box().shim(APP, "trap", "main", "0", "0", init=init)
        proc.expect("ready main")
        until(lambda: proc.status()["Seccomp"] == "2" and
              proc.status()["State"].startswith("S"), "the steady state", 3)
        poke = os.path.join(harness.stage, "t", "poke")
        done = subprocess.run([poke, str(proc.pid), *map(str, numbers)], capture_output=True,
                              text=True, timeout=10, check=False)
        if done.returncode == 99:
            raise harness.Skip(done.stderr.strip())
        equal(done.returncode, 0, done.stderr)
        answers = {int(n): int(v) for n, v in map(str.split, done.stdout.splitlines())}
        equal(set(answers), set(numbers), "calls tried")
        wrong = {name: answers[NR[name]] for name in useless
                 if answers[NR[name]] not in (-errno.EPERM, -errno.ENOSYS)}
        check(not wrong, f"PID 1 may still call {wrong}")
        proc.kill(signal.SIGTERM)
        proc.ends(0)
