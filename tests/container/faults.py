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
import signal

from harness import (INJECT, MS_BIND, SHIM, STATE, Box, check, children, equal, gone, mount,
                     proc_status, test, until)
from names import NAME, NR
from privileges import unconfined

SHIM_ITSELF, CHILD = 0, 1
NATIVE = "the sanitizer's own start-up calls fail first"

# Who, which call (a regular expression over NAME(DETAIL)), and why its failure may pass in silence.
BOTH = (SHIM_ITSELF, CHILD)
HARMLESS = (
    (BOTH, r"(munmap|madvise)\(", "only memory is kept"),
    (BOTH, r"(umask|get[pe]?[ugpt]?id|getpgid|getpgrp)\(", "these cannot fail"),
    (BOTH, r"brk\(", "the allocator falls back on mmap"),
    (BOTH, r"(socket|pipe2)\(", "musl falls back on the call without flags"),
    (BOTH, r"close_range\(", "one by one then, by /proc/self/fd"),
    (BOTH, r"(new)?f?l?statf?s?(at)?\(", "what cannot be looked at counts as absent"),
    (SHIM_ITSELF, r"(open|openat|read)\((/proc/sys/kernel/cap_last_cap|3,)", "libcap-ng's"
     " constructor: the sets are read back from the kernel later"),
    (SHIM_ITSELF, r"prctl\((27|39|23|47),", "libcap-ng's constructor asks, nothing is set"),
    (SHIM_ITSELF, r"openat?\(/dev/(dri|snd)", "devices that cannot be listed give no groups"),
    (SHIM_ITSELF, r"openat?\(/etc/(passwd|group)", "absent files are empty ones"),
    (SHIM_ITSELF, r"getdents64\(", "as above"),
    (BOTH, r"openat2\(", "the path is walked name by name then"),
    (SHIM_ITSELF, r"openat\(/proc/self/[ug]id_map", "an id without a mapping is refused later"),
    (SHIM_ITSELF, r"openat\(/proc/sys/fs/suid_dumpable", "the child gets a copy of this memory,"
     " as with fork(2)"),
    (SHIM_ITSELF, r"ioctl\([012],", "no terminal: the application has a session of its own"),
    (SHIM_ITSELF, r"(socket|connect|sendto|write)\(", "nobody to report readiness to"),
    (SHIM_ITSELF, r"rt_sigprocmask\(.* #1$", "done again later, when a failure can be told"),
    (CHILD, r"setuid\(0", "it has to fail, with whatever error"),
    (SHIM_ITSELF, r"p?poll\(", "read(2) waits then; and each round looks at everything"),
    (CHILD, r"openat\(/\) ", "Landlock is proved by a whiteout that it refuses, then"),
    (CHILD, r"access\(", "only decides about the words of a failure"),
    (CHILD, r"(openat\(/opt/t/state|readlink\()", "only tells whether the command is a browser whose"
     " own sandbox wants a word of advice"),
)
# A failure of these that leaves things as they were is not something a kernel does.
IMPOSSIBLE = {
    "close": "the number is free even when close(2) reports an error",
    "arch_prctl": "before main(), where musl stops at once (a trap that ptrace hides from PID 1)",
    "set_tid_address": "cannot fail", "exit_group": "cannot fail", "exit": "cannot fail",
}


def is_harmless(process, call, detail, count):
    text = f"{call}({detail.strip()}) #{count}"
    return any(who in (process, BOTH) and re.match(what, text) for who, what, _ in HARMLESS)


def options():
    return ["-t", "2"]


def as_a_shells_background_job():
    """Something is ignored, whoever runs the tests: undoing that is a step of the launch."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)


def launch(box, init, rules=(), trace=None):
    flags = (["-1"] if init else []) + (["-o", trace] if trace else [])
    return box.spawn([INJECT, *flags, *rules, "--", SHIM, *options(), "--", STATE, "exit", "0"],
                     init=False, env={"XDG_CACHE_HOME": "/c"}, pre=as_a_shells_background_job)


def calls_of_the_launch(box, init):
    """[(process, number, count, result, detail)] of a good run, until the shim first reaps."""
    return [call[:5] for call in calls_and_word(box, init)]


def calls_and_word(box, init):
    """The same, each with whether the shim had given the child the word to go by then."""
    launch(box, init, trace="/tmp/trace").ends(0)
    found, over, writes = [], {}, 0
    with open(box.path("tmp/trace"), encoding="ascii") as file:
        lines = [line.split(maxsplit=4) for line in file.read().split("\n") if line]
    execs = [n for n, words in enumerate(lines) if words[1] == "exec"]
    check(execs, "the trace shows no exec of the child")
    for words in lines:
        if words[1] == "exec":
            over[int(words[0])] = True
            continue
        process, number, count, result = map(int, words[:4])
        if over.get(process):
            continue
        if process == SHIM_ITSELF and over and NAME.get(number) in ("wait4", "waitid"):
            over[process] = True
            continue
        found.append((process, number, count, result, words[4] if len(words) > 4 else "",
                      writes > 1))
        # The first one lets the child begin, the second is the word.
        writes += process == SHIM_ITSELF and NAME.get(number) == "write"
    return found


def one_line(proc):
    lines = [x for x in proc.err().splitlines() if x.startswith("stremio-shim: ")]
    return len(lines) == 1 and len(lines) == len(proc.err().splitlines()) and \
        re.match(r"stremio-shim: [a-z-]+: ", lines[0])


def ended(proc):
    try:
        return proc.wait(6)
    except AssertionError:
        proc.kill(9)
        proc.wait()
        return None


def judge(proc, which, word):
    """None when the outcome is allowed, else what is wrong."""
    call = which[1]
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
        return f"exit {code}: {proc.err()!r}"
    if word and code in (71, 77) and one_line(proc):
        # The supervisor gave up right after the exec and killed it: what it said counts.
        proc.text[1] = proc.text[1].rpartition(b"\n")[0]
        wrong = [text for text in unconfined(proc.state()) if "is 'not there'" not in text and
                 " is '" in text]
        wrong += [f"process {pid} left behind" for pid in children(os.getpid()) if not gone(pid)]
        return f"was running with {'; '.join(wrong)}" if wrong else None
    wrong = unconfined(proc.state())
    if wrong:
        return "a running application with " + "; ".join(wrong)
    if code:
        return f"the application ran, then exit {code}: {proc.err()!r}"
    if proc.err().startswith("stremio-shim: ") or is_harmless(*which):
        return None
    return "passed over in silence (no warning, not among the harmless)"


def try_each(init, code):
    wrong, tried = [], 0
    for process, number, count, result, detail, word in calls_and_word(Box(), init):
        call = NAME.get(number, str(number))
        if call in IMPOSSIBLE or result == -code:
            continue
        tried += 1
        fresh = Box()
        proc = launch(fresh, init, [f"{process}:{number}:{count}:errno={code}"])
        verdict = judge(proc, (process, call, detail, count), word)
        if verdict:
            who = "child" if process else "shim"
            wrong.append(f"{who}'s {call}({detail}) #{count}: {verdict}")
        fresh.remove()
    check(tried > 60, f"only {tried} calls were tried")
    check(not wrong, f"{len(wrong)} of {tried}: " + " | ".join(wrong))


@test(timeout=120, asan=NATIVE)
def every_call_of_the_launch_that_fails_with_eperm_prevents_it_or_is_harmless():
    try_each(True, errno.EPERM)


@test(timeout=120, asan=NATIVE)
def every_call_of_the_launch_that_fails_with_einval_prevents_it_or_is_harmless():
    try_each(True, errno.EINVAL)


@test(timeout=120, asan=NATIVE)
def every_call_of_the_launch_that_is_not_there_prevents_it_or_is_harmless():
    try_each(False, errno.ENOSYS)


@test(timeout=120, asan=NATIVE)
def every_call_of_the_launch_without_memory_prevents_it_or_is_harmless():
    try_each(False, errno.ENOMEM)


def runs(proc):
    """Waits until the application has reported, or the end of it all."""
    while "end" not in proc.lines():
        if not proc._read(10):
            return False
    return True


def unretired(pid, init):
    """What the supervisor should not have any more."""
    status = proc_status(pid)
    keep = 1 << 5 | (1 << 22 if init else 0)                    # CAP_KILL, CAP_SYS_BOOT
    want = {"CapInh": 0, "CapPrm": keep, "CapEff": keep, "CapAmb": 0,
            "CapBnd": 0x1e0 if init else 0}
    wrong = [f"{key} of the shim is {status[key]}" for key, value in want.items()
             if int(status[key], 16) != value]
    wrong += [f"{key} of the shim is {status[key]}" for key, value in
              (("NoNewPrivs", "1"), ("Seccomp", "2")) if status[key] != value]
    return wrong


CONFINING = ("setgroups", "setresgid", "setresuid", "setgid", "setuid", "capset", "prctl",
             "seccomp")


@test(timeout=120, asan=NATIVE)
def no_confining_call_is_trusted_when_it_claims_success():
    """The call is not done and answers 0: only reading back what the kernel says can tell."""
    box = Box()
    wrong, tried = [], 0
    for init in (True, False):
        for process, number, count, result, detail in calls_of_the_launch(box, init):
            call = NAME.get(number, str(number))
            if call not in CONFINING or result < 0:
                continue
            tried += 1
            flags = ["-1"] if init else []
            proc = Box().spawn([INJECT, *flags, f"{process}:{number}:{count}:ret=0", "--", SHIM,
                                *options(), "--", STATE, "hold"], init=False,
                               pre=with_everything)
            what = f"{'child' if process else 'shim'}'s {call}({detail}) #{count}"
            if not runs(proc):
                if ended(proc) not in (71, 77) or not one_line(proc):
                    wrong.append(f"{what}: exit {proc.code}, {proc.err()!r}")
                continue
            # It runs: then the call must have been one whose effect was there already.
            lost = unconfined(proc.state()) + unretired(children(proc.pid)[0], init)
            if lost:
                wrong.append(f"{what} believed: {lost}")
            proc.kill(signal.SIGKILL)
            proc.wait()
    check(tried > 40, f"only {tried} calls were tried")
    check(not wrong, f"{len(wrong)} of {tried}: " + " | ".join(wrong))


def steps(calls, who, wanted):
    """The wanted steps in the order in which this process took them."""
    order = []
    for process, number, _, result, detail in calls:
        line = f"{NAME.get(number, number)}({detail}"
        for name, pattern in wanted:
            if process == who and result >= 0 and re.match(pattern, line) and name not in order:
                order.append(name)
    return order


@test(asan=NATIVE)
def the_steps_are_taken_in_the_order_that_keeps_them_effective():
    child = (("session", r"setsid\("), ("dispositions", r"rt_sigaction\("),
             ("groups", r"setgroups\("), ("bounding", r"prctl\(24,"),
             ("securebits", r"prctl\(28,239"), ("gid", r"setresgid\("), ("uid", r"setresuid\("),
             ("capabilities", r"capset\("), ("ambient", r"prctl\(47,4"),
             ("no-new-privs", r"prctl\(38,1"), ("parent-death", r"prctl\(1,9"),
             ("landlock", r"landlock_restrict_self\("),
             ("close-on-exec", r"close_range\(3,4294967295"), ("filter", r"seccomp\(1,"),
             ("release", r"rt_sigprocmask\(2"))
    shim = (("hold", r"rt_sigprocmask\(2"), ("dumpable", r"prctl\(4,0"),
            ("signalfd", r"signalfd4\("), ("bounding", r"prctl\(24,"),
            ("capabilities", r"capset\("), ("ambient", r"prctl\(47,4"),
            ("no-new-privs", r"prctl\(38,1"), ("filter", r"seccomp\(1,"))
    for init in (True, False):
        calls = calls_of_the_launch(Box(), init)
        if not init:                                            # the shim has left nothing of it
            child = tuple(step for step in child if step[0] != "bounding")
        first = [NAME.get(number) for process, number, *_ in calls if process == SHIM_ITSELF]
        early = set(first[:first.index("rt_sigprocmask")])
        check(early <= {"arch_prctl", "set_tid_address", "brk", "mmap", "mprotect"},
              f"before signals are held: {early}")
        for who, wanted in ((CHILD, child), (SHIM_ITSELF, shim)):
            found, names = steps(calls, who, wanted), [name for name, _ in wanted]
            if "landlock" not in found:                         # a kernel without it
                names = [name for name in names if name != "landlock"]
            check(found == names, f"process {who}: {' '.join(found)}, not {' '.join(names)}")


CLONE_VM = 0x100


@test(asan=NATIVE)
def memory_is_shared_only_where_it_stays_out_of_the_applications_reach():
    """fs.suid_dumpable is what a change of ids sets the dumpable flag of a memory to."""
    for value, shared in (("0", True), ("2", True), ("1", False)):
        box = Box()
        box.write("tmp/dumpable", value + "\n")
        proc = box.spawn([INJECT, "-o", "/tmp/trace", "--", SHIM, *options(), "--", STATE, "exit",
                          "0"], init=False, pre=lambda: mount(
                              "/tmp/dumpable", "/proc/sys/fs/suid_dumpable", None, MS_BIND))
        proc.ends(0)
        with open(box.path("tmp/trace"), encoding="ascii") as file:
            clones = [line.split()[4] for line in file
                      if line.startswith(f"{SHIM_ITSELF} {NR['clone']} ")]
        equal([bool(int(flags.split(",")[0]) & CLONE_VM) for flags in clones], [shared], value)


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
    for call in ("setgroups", "setresuid", "seccomp", "execve"):
        proc = Box().spawn([INJECT, f"{CHILD}:{NR[call]}:1:delay=300000", "--", SHIM, "--",
                            STATE, "hold"], init=False)
        shim = until(lambda: children(proc.pid), "the shim", 5)[0]
        child = until(lambda: children(shim), "its child", 5)[0]
        os.kill(shim, signal.SIGKILL)
        proc.wait()
        until(lambda: gone(child), f"the child's end (killed before {call})", 3)
        check("Uid=" not in proc.out(), f"{call}: the application ran without its supervisor")


@test(asan=NATIVE)
def the_application_waits_for_a_supervisor_that_is_slow_to_confine_itself():
    for init in (True, False):
        flags = ["-1"] if init else []
        proc = Box().spawn([INJECT, *flags, f"{SHIM_ITSELF}:{NR['seccomp']}:1:delay=800000", "--",
                            SHIM, "--", STATE, "hold"], init=False)
        shim = until(lambda: children(proc.pid), "the shim", 5)[0]
        child = until(lambda: children(shim), "its child", 5)[0]
        until(lambda: proc_status(child)["Seccomp_filters"] >
              proc_status(shim)["Seccomp_filters"], "the child's filter", 5)
        until(lambda: proc._read(0.02) and "Uid=" in proc.out(), "the application", 10)
        equal(proc_status(shim)["Seccomp_filters"], proc_status(child)["Seccomp_filters"],
              "filters of the supervisor while the application runs")
        proc.kill(signal.SIGKILL)
        proc.wait()


@test(asan=NATIVE)
def a_shim_that_stays_open_to_tracing_does_not_launch():
    """PR_SET_DUMPABLE (4) seems to succeed and has done nothing."""
    for init in (True, False):
        counts = [count for process, number, count, _, detail in calls_of_the_launch(Box(), init)
                  if process == SHIM_ITSELF and NAME.get(number) == "prctl" and
                  detail.strip().startswith("4,")]
        check(counts, "the trace shows no PR_SET_DUMPABLE")
        proc = launch(Box(), init, [f"{SHIM_ITSELF}:{NR['prctl']}:{counts[0]}:ret=0"])
        check(proc.wait() == 77 and "dumpable" in proc.err(), f"exit {proc.code}: {proc.err()!r}")
