"""Every system call of the gate is made to fail in turn: of the shim while it waits, of the
inspector, and of the process that becomes the probe. Nothing of it may open the gate, and nothing
may start an application that is less confined."""
import errno
import re

from faults import CHILD, IMPOSSIBLE, NATIVE, SHIM_ITSELF, ended
from harness import INJECT, STATE, Box, check, test
from inspecting import PROBED_SHIM, plan, probing
from names import NAME
from privileges import unconfined

PROBE = 2                               # CHILD is the inspector here: its parent is the shim
# The line that would tell is what fails: the exit status has to do.
UNTOLD = re.compile(r"write\(2,")


def launch(box, what, rules=(), trace=None):
    flags = ["-o", trace] if trace else []
    return box.spawn([INJECT, *flags, *rules, "--", PROBED_SHIM, "-t", "2", "-r", "x11", "-w", "0", "--",
                      STATE, "exit", "0"], init=False, env=plan(what, XDG_CACHE_HOME="/c"))


def calls_of_the_gate(what, code):
    """[(process, number, count, result, detail)], from the shim's first fork on."""
    box = probing()
    launch(box, what, trace="/tmp/trace").ends(code)
    with open(box.path("tmp/trace"), encoding="ascii", errors="replace") as file:
        lines = [line.split(maxsplit=4) for line in file.read().split("\n") if line]
    found, forks = [], 0
    for words in lines:
        if words[1] == "exec":
            continue
        process, number, count, result = map(int, words[:4])
        name = NAME.get(number)
        if process == SHIM_ITSELF and name in ("fork", "clone"):
            forks += 1
        # The second fork is the launch's, which faults.py tries.
        if process == SHIM_ITSELF and forks != 1 or process > PROBE or name in IMPOSSIBLE:
            continue
        found.append((process, number, count, result, words[4] if len(words) > 4 else ""))
    return found


def try_each(what, usual, code, judge):
    wrong, tried = [], 0
    for process, number, count, result, detail in calls_of_the_gate(what, usual):
        if result == -code:
            continue
        tried += 1
        box = probing(box=Box())
        proc = launch(box, what, [f"{process}:{number}:{count}:errno={code}"])
        status = ended(proc)
        call = f"{NAME.get(number, number)}({detail.strip()})"
        verdict = "hangs" if status is None else judge(proc, status, call)
        if verdict:
            who = {SHIM_ITSELF: "shim", CHILD: "inspector", PROBE: "probe"}[process]
            wrong.append(f"{who}'s {call} #{count}: {verdict}; {proc.err()[-200:]!r}")
        box.remove()
    check(tried > 60, f"only {tried} calls were tried")
    check(not wrong, f"{len(wrong)} of {tried}: " + " | ".join(wrong))


def stays_shut(proc, status, call):
    if "Uid=" in proc.out():
        return "the application was started"
    if status not in (69, 71, 77):
        return f"exit {status}"
    lines = proc.err().splitlines()
    if not lines and not UNTOLD.match(call):
        return "not a word"
    return None if all(line.startswith("stremio-shim: ") for line in lines) else "a foreign line"


def opens_well_or_stays_shut(proc, status, call):
    if "Uid=" not in proc.out():
        return stays_shut(proc, status, call)
    wrong = unconfined(proc.state())
    if wrong:
        return "a running application with " + "; ".join(wrong)
    return None if status == 0 else f"the application ran, then exit {status}"


@test(timeout=400, asan=NATIVE)
def no_call_that_fails_opens_the_gate():
    try_each("fail", 69, errno.EPERM, stays_shut)


@test(timeout=400, asan=NATIVE)
def no_call_that_fails_at_the_gate_leaves_the_application_less_confined():
    try_each("ok", 0, errno.EINVAL, opens_well_or_stays_shut)
