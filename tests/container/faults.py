"""Every system call of the launch is made to fail, or to lie, in turn.

One good run is traced (tests/container/inject.c); then each call of the shim (process 0) and of
its child (process 1) up to the child's exec is refused once per errno, or answered with success
without being done. Allowed outcomes: exit 71 or 77 (126/127 when it was the exec itself) with one
line that names the step; or, where nothing that matters was lost, a launch whose application is
shown to be fully confined, with a warning line or with an entry in HARMLESS that says why.
"""
import errno
import os
import re

from harness import INJECT, SHIM, STATE, Box, check, test
from names import NAME, NR
from privileges import unconfined

SHIM_ITSELF, CHILD = 0, 1
NATIVE = "the sanitizer's own start-up calls fail first"

# (process or None for both, call): why a silent failure changes nothing that was promised.
HARMLESS = {
    (None, "close"): "the number is free even if close(2) reports an error",
    (None, "munmap"): "only memory is kept",
    (None, "umask"): "cannot fail (umask(2)); the state report compares the result all the same",
    (None, "getpid"): "cannot fail (getpid(2))",
    (None, "getuid"): "cannot fail", (None, "geteuid"): "cannot fail",
    (None, "getgid"): "cannot fail", (None, "getegid"): "cannot fail",
    (None, "gettid"): "cannot fail", (None, "getpgrp"): "cannot fail",
    (None, "set_tid_address"): "musl's start-up: only threads would need it",
    (None, "brk"): "the allocator falls back on mmap",
    (SHIM_ITSELF, "readlink"): "no process can hide by it",
    (None, "newfstatat"): "a device or directory that cannot be looked at counts as absent",
    (None, "stat"): "as newfstatat", (None, "lstat"): "as newfstatat", (None, "fstat"): "as newfstatat",
    (None, "statfs"): "as newfstatat: then it is mounted anew or left out",
    (None, "getdents64"): "devices that cannot be listed give the application no groups",
    (SHIM_ITSELF, "ioctl"): "no terminal: the application gets a session of its own",
    (None, "access"): "only decides about the words of a failure",
}

def options():
    return ["-t", "2"]


def launch(box, init, rules=(), trace=None):
    flags = (["-1"] if init else []) + (["-o", trace] if trace else [])
    return box.spawn([INJECT, *flags, *rules, "--", SHIM, *options(), "--", STATE, "exit", "0"],
                     init=False, env={"XDG_CACHE_HOME": "/c"})


def calls_of_the_launch(box, init):
    """[(process, number, count, result)] of a good run, until the shim waits for the command."""
    launch(box, init, trace="/tmp/trace").ends(0)
    found, over = [], {}
    with open(box.path("tmp/trace"), encoding="ascii") as file:
        lines = [line.split() for line in file]
    execs = [n for n, words in enumerate(lines) if words[1] == "exec"]
    check(execs, "the trace shows no exec of the child")
    for words in lines:
        if words[1] == "exec":
            over[int(words[0])] = True
            continue
        process, number, count, result = map(int, words)
        if over.get(process):
            continue
        if process == SHIM_ITSELF and NAME.get(number) in ("poll", "ppoll"):
            over[process] = True
            continue
        found.append((process, number, count, result))
    return found


def one_line(proc):
    lines = [x for x in proc.err().splitlines() if x.startswith("stremio-shim: ")]
    return len(lines) == 1 and len(lines) == len(proc.err().splitlines()) and \
        re.match(r"stremio-shim: [a-z-]+: ", lines[0])


def before_main(process, call):
    """musl cannot report what goes wrong before main(): it stops at once."""
    return process == SHIM_ITSELF and call in ("arch_prctl", "set_tid_address")


def ended(proc):
    try:
        return proc.wait(6)
    except AssertionError:
        proc.kill(9)
        proc.wait()
        return None


def judge(proc, process, call):
    """None when the outcome is allowed, else what is wrong."""
    code = ended(proc)
    if code is None:
        return f"hangs; stdout {proc.out()[-60:]!r}, stderr {proc.err()!r}"
    ran = "end" in proc.lines() or "Uid=" in proc.out()
    if not ran:
        if code in (71, 77) or call == "execve" and code in (126, 127):
            warnings = proc.err().splitlines()[:-1]
            if warnings and not all("(" in line for line in warnings):
                return f"exit {code} with {proc.err()!r}"
            return None if proc.err() and (one_line(proc) or warnings) else \
                f"exit {code} without its one line: {proc.err()!r}"
        if before_main(process, call):
            return None
        return f"exit {code}: {proc.err()!r}"
    wrong = unconfined(proc.state())
    if wrong:
        return "a running application with " + "; ".join(wrong)
    if code:
        return f"the application ran, then exit {code}: {proc.err()!r}"
    if proc.err().startswith("stremio-shim: ") or (process, call) in HARMLESS or \
            (None, call) in HARMLESS:
        return None
    return "passed over in silence (no warning, not among the harmless)"


def try_each(init, rule_of, skip=lambda call, result: False):
    box = Box()
    wrong, tried = [], 0
    for process, number, count, result in calls_of_the_launch(box, init):
        call = NAME.get(number, str(number))
        if skip(call, result):
            continue
        tried += 1
        fresh = Box()
        proc = launch(fresh, init, [f"{process}:{number}:{count}:{rule_of(call)}"])
        verdict = judge(proc, process, call)
        if verdict:
            who = "child" if process else "shim"
            wrong.append(f"{who}'s {call} #{count} {rule_of(call)}: {verdict}")
        fresh.remove()
    check(tried > 60, f"only {tried} calls were tried")
    check(not wrong, f"{len(wrong)} of {tried}: " + " | ".join(wrong))


def fails_with(code):
    def rule(_call):
        return f"errno={code}"
    return rule


@test(timeout=120, asan=NATIVE)
def every_call_of_the_launch_that_fails_with_eperm_prevents_it_or_is_harmless():
    try_each(True, fails_with(errno.EPERM))


@test(timeout=120, asan=NATIVE)
def every_call_of_the_launch_that_fails_with_einval_prevents_it_or_is_harmless():
    try_each(True, fails_with(errno.EINVAL))


@test(timeout=120, asan=NATIVE)
def every_call_of_the_launch_that_is_not_there_prevents_it_or_is_harmless():
    try_each(False, fails_with(errno.ENOSYS))


@test(timeout=120, asan=NATIVE)
def every_call_of_the_launch_without_memory_prevents_it_or_is_harmless():
    try_each(False, fails_with(errno.ENOMEM))


CONFINING = ("setgroups", "setresgid", "setresuid", "setgid", "setuid", "capset", "prctl",
             "seccomp")


@test(timeout=120, asan=NATIVE)
def no_confining_call_is_trusted_when_it_claims_success():
    """The call is not done and answers 0: only reading back what the kernel says can tell."""
    box = Box()
    wrong, tried = [], 0
    for init in (True, False):
        for process, number, count, result in calls_of_the_launch(box, init):
            call = NAME.get(number, str(number))
            if call not in CONFINING or result < 0:
                continue
            tried += 1
            flags = ["-1"] if init else []
            proc = Box().spawn([INJECT, *flags, f"{process}:{number}:{count}:ret=0", "--", SHIM,
                                *options(), "--", STATE, "exit", "0"], init=False,
                               pre=with_everything)
            code = ended(proc)
            who = "child" if process else "shim"
            if "Uid=" not in proc.out():
                if code not in (71, 77) or not one_line(proc):
                    wrong.append(f"{who}'s {call} #{count}: exit {code}, {proc.err()!r}")
                continue
            # It ran: then the call must have been one whose effect was there already.
            lost = unconfined(proc.state())
            if lost:
                wrong.append(f"{who}'s {call} #{count} believed: application with {lost}")
    check(tried > 40, f"only {tried} calls were tried")
    check(not wrong, f"{len(wrong)} of {tried}: " + " | ".join(wrong))


def with_everything():
    """All that a launch must take away is there: groups, inheritable and ambient capabilities."""
    import ctypes
    from harness import libcall
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    libcall("capget", header, data)
    data[2], data[5] = data[1], data[4]
    libcall("capset", header, data)
    for cap in (0, 1, 5, 6, 7):
        libcall("prctl", 47, 2, ctypes.c_ulong(cap), 0, 0)
    os.setgroups([4, 27, 44])


@test(asan=NATIVE)
def setuid_0_that_works_after_the_drop_prevents_the_launch():
    for init in (True, False):
        flags = ["-1"] if init else []
        proc = Box().spawn([INJECT, *flags, f"{CHILD}:{NR['setuid']}:1:ret=0", "--", SHIM, "--",
                            STATE, "exit", "0"], init=False)
        proc.complains(77, "verify")


@test(asan=NATIVE)
def a_parent_that_changed_before_the_death_signal_was_set_prevents_the_launch():
    proc = Box().spawn([INJECT, f"{CHILD}:{NR['getppid']}:1:ret=1", "--", SHIM, "--",
                        STATE, "exit", "0"], init=False)
    proc.complains(77)


@test(asan=NATIVE)
def a_shim_that_dies_during_the_launch_leaves_no_half_confined_child():
    import signal
    from harness import children, gone, until
    for call in ("setgroups", "setresuid", "seccomp", "execve"):
        proc = Box().spawn([INJECT, f"{CHILD}:{NR[call]}:1:delay=300000", "--", SHIM, "--",
                            STATE, "hold"], init=False)
        shim = until(lambda: children(proc.pid), "the shim", 5)[0]
        child = until(lambda: children(shim), "its child", 5)[0]
        os.kill(shim, signal.SIGKILL)
        proc.wait()
        until(lambda: gone(child), f"the child's end (killed before {call})", 3)
        check("Uid=" not in proc.out(), f"{call}: the application ran without its supervisor")
