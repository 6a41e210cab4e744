"""A launch with --audit whose calls fail or lie, or whose processes are killed, in turn.

As faults.py does it for a launch without: each call of the child (process 1) and the auditor
(process 2) up to the exec.
"""
import errno
import os
import re
import signal

from audit import LINE, auditors
from harness import INJECT, SHIM, STATE, Box, check, children, equal, gone, proc_status, test, until
from names import NAME, NR
from privileges import unconfined

NATIVE = "the sanitizer's own start-up calls fail first"
LAUNCHER, AUDITOR = 1, 2                # in the order of their birth, as inject.c counts
# Not tried: what comes back differs from run to run, or no kernel refuses it.
UNTRIED = ("poll", "ppoll", "close", "exit_group", "clock_gettime")
# (Process, call, why its failure may pass in silence.) All else must be said.
HARMLESS = (
    (LAUNCHER, r"(umask|get[pegut]*id)\(", "these cannot fail"),
    (AUDITOR, r"get[pegut]*id\(", "these cannot fail"),
    (LAUNCHER, r"close_range\(", "one by one then, by /proc/self/fd"),
    (LAUNCHER, r"setuid\(0", "it has to fail, with whatever error"),
    (LAUNCHER, r"seccomp\(1,40\)", "the flag is newer than listeners: without it then"),
    (LAUNCHER, r"access\(", "only decides about the words of a failure"),
    (LAUNCHER, r"(openat\(/opt/t/state|readlink\()", "only tells whether the command is a browser"
     " whose own sandbox wants a word of advice"),
    (AUDITOR, r"ioctl\(\d+,1074274564\)", "answers are slower then (NOTIF_SET_FLAGS)"),
)


def inject(init, *rules, trace=None, box=None):
    flags = (["-1"] if init else []) + (["-o", trace] if trace else [])
    return (box or Box()).spawn([INJECT, *flags, *rules, "--", SHIM, "--audit", "-t", "2",
                                 "--landlock=off", "--", STATE, "exit", "0"], init=False)


def calls_of_both(init):
    """[(process, number, count, result, detail)] of a good launch's child and its auditor."""
    box, found = Box(), []
    inject(init, trace="/tmp/trace", box=box).ends(0)
    with open(box.path("tmp/trace"), encoding="ascii") as file:
        for line in file:
            words = line.split(maxsplit=4)
            if words[:2] == [str(LAUNCHER), "exec"]:
                break
            if words[1] != "exec" and int(words[0]) in (LAUNCHER, AUDITOR):
                found.append((*map(int, words[:4]), words[4].strip() if len(words) > 4 else ""))
    box.remove()
    check({LAUNCHER, AUDITOR} == {call[0] for call in found}, "not both are in the trace")
    return found


def verdict_on(proc):
    """What is wrong with the outcome, or None."""
    try:
        code = proc.wait(8)
    except AssertionError:
        proc.kill(signal.SIGKILL)
        proc.wait()
        return f"hangs: {proc.out()[-60:]!r} {proc.err()!r}"
    if auditors():
        return "an auditor is left"
    if "Uid=" not in proc.out():
        good = code in (71, 77, 126) and proc.err().startswith("stremio-shim: ")
        return None if good else f"exit {code} with {proc.err()!r}"
    wrong = unconfined(proc.state())
    return f"an application with {wrong}" if wrong else None


def in_silence(proc, process, what):
    """An application that ran, without a word about what failed and without a reason."""
    return "Uid=" in proc.out() and all(LINE.fullmatch(x) for x in proc.err().splitlines()) and \
        not any(process == who and re.match(call, what) for who, call, _ in HARMLESS)


@test(timeout=120, asan=NATIVE)
def every_call_of_an_audited_launch_that_fails_prevents_it_or_is_harmless():
    for init, code in ((True, errno.EPERM), (False, errno.EINVAL)):
        wrong, tried = [], 0
        for process, number, count, result, detail in calls_of_both(init):
            call = NAME.get(number, str(number))
            if call in UNTRIED or result == -code:
                continue
            tried += 1
            proc = inject(init, f"{process}:{number}:{count}:errno={code}")
            what = f"{call}({detail})"
            verdict = verdict_on(proc)
            if not verdict and in_silence(proc, process, what):
                verdict = "passed over in silence"
            if verdict:
                who = "auditor" if process == AUDITOR else "child"
                wrong.append(f"{who}'s {what} #{count}: {verdict}")
        check(tried > 60, f"only {tried} calls were tried")
        check(not wrong, f"{len(wrong)} of {tried}: " + " | ".join(wrong))


@test(timeout=120, asan=NATIVE)
def the_auditor_does_not_trust_a_call_that_claims_success():
    """What it believes must have been so already: not dumpable, no ambient set, a name for ps."""
    def everything():
        os.setgroups([4, 27, 44])
    already = ["prctl(15,", "prctl(4,0)", "prctl(47,4)"]
    bounding = int(proc_status(os.getpid())["CapBnd"], 16)
    already += [f"prctl(24,{cap})" for cap in range(64) if not bounding >> cap & 1]
    tried, believed = 0, []
    for process, number, count, result, detail in calls_of_both(True):
        what = f"{NAME.get(number, str(number))}({detail})"
        if process != AUDITOR or result < 0 or \
                not what.startswith(("setgroups", "capset", "prctl", "seccomp")):
            continue
        tried += 1
        proc = Box().spawn([INJECT, "-1", f"{AUDITOR}:{number}:{count}:ret=0", "--", SHIM,
                            "--audit", "--landlock=off", "--", STATE, "exit", "0"], init=False,
                           pre=everything)
        if proc.wait(8) != 77 and not what.startswith(tuple(already)):
            believed.append(f"{what} #{count}")
    check(tried > 12, f"only {tried} calls were tried")
    check(not believed, " | ".join(believed))


def delayed(call):
    """A launch that pauses in its child, after the auditor's start: (inject, shim, child)."""
    proc = inject(False, f"{LAUNCHER}:{NR[call]}:1:delay=400000")
    shim = until(lambda: children(proc.pid), "the shim", 5)[0]
    child = until(lambda: children(shim), "its child", 5)[0]
    until(auditors, "the auditor", 5)
    return proc, shim, child


@test(asan=NATIVE)
def an_auditor_killed_before_it_listens_prevents_the_launch():
    for call in ("setgroups", "seccomp"):
        proc, _, _ = delayed(call)
        os.kill(auditors()[0], signal.SIGKILL)
        proc.complains(77, "the auditor ended")


@test(asan=NATIVE)
def a_launcher_killed_on_the_way_takes_the_auditor_along():
    for call in ("setgroups", "seccomp"):
        proc, _, child = delayed(call)
        os.kill(child, signal.SIGKILL)
        proc.ends(77)
        equal(auditors(), [], "auditors left")


@test(asan=NATIVE)
def a_shim_killed_on_the_way_takes_both_along():
    for call in ("setgroups", "seccomp"):
        proc, shim, child = delayed(call)
        os.kill(shim, signal.SIGKILL)
        proc.wait()
        until(lambda: gone(child) and not auditors(), "the end of both", 3)
        check("Uid=" not in proc.out(), "the application ran without its supervisor")
