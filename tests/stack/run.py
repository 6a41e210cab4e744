#!/usr/bin/env python3
"""Runs the stack tier: tests/stack/run.py ROOT.squashfs [NAME-PART]...

SHIM=FILE     the program under test (default $BUILD/stremio-shim; BUILD=build)
SHIM_OPTIONS  more options for it, by blanks (--landlock=off)
CYCLES=N      starts and stops in a row (default 2; 50 in ten minutes)
KNOCKOUTS=1   instead: each system call that is known to be needed, taken from the policy in
              turn, must be missed by all of the Qt application (two minutes; without this
              most of them by what shows it soonest)
TRACE=1       instead: trace the applications; tables in $BUILD/stack/trace
COST=1        instead: what confinement costs the player, in one paired run
LIMITS=1      instead: what the applications take of the profile's limits, with large clips
VERBOSE=1     figures and times on stderr
TIMES=1       how long each scenario took

What each application leaves (log, report, sound, screenshot) is in $BUILD/stack/run/NAME, the
screenshots also as $BUILD/stack/NAME.png.
"""
import json
import os
import signal
import sys
import time
import traceback

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "container"))
sys.path.insert(0, here)
sys.dont_write_bytecode = True
import bad_input                                                # noqa: E402, F401: registers
import controls                                                 # noqa: E402
import cycles                                                   # noqa: E402, F401: registers
import doctor                                                   # noqa: E402, F401: registers
import harness                                                  # noqa: E402
import limits                                                   # noqa: E402
import measure                                                  # noqa: E402
import required                                                 # noqa: E402, F401: registers
import scenarios                                                # noqa: E402


class Results:
    """Lines as they come, and their counts."""

    def __init__(self):
        self.counts = {"ok": 0, "not ok": 0, "skip": 0}

    def take(self, kind, name, reason):
        self.counts[kind] += 1
        reason = " / ".join(str(reason).split("\n")).strip()
        if kind == "ok" and reason and os.environ.get("VERBOSE"):
            print(f"    {name}: {reason}", file=sys.stderr)
        print(f"{kind} stack.{name}" + (f": {reason[:1500]}" if kind != "ok" else ""), flush=True)


def in_namespaces(run, write):
    """Enters the scenario's own namespaces (as their PID 1, unless it looks on from the host),
    runs it, writes results as JSON lines."""
    def report(kind, name, reason=""):
        os.write(write, (json.dumps([kind, name, reason]) + "\n").encode())

    harness.prctl(harness.PR_SET_PDEATHSIG, signal.SIGKILL)
    own = harness.CLONE_NEWNS | harness.CLONE_NEWNET | harness.CLONE_NEWIPC | harness.CLONE_NEWUTS
    host = needs_incus(run)
    harness.new_namespaces(own | (0 if host else harness.CLONE_NEWPID))
    harness.mount(None, "/", None, harness.MS_REC | harness.MS_PRIVATE)
    if not host:
        pid = os.fork()
        if pid:
            os.close(write)
            os.waitpid(pid, 0)
            os._exit(0)
        harness.prctl(harness.PR_SET_PDEATHSIG, signal.SIGKILL)
        harness.mount("proc", "/proc", "proc")
    try:
        run(report)
    except BaseException:                                       # noqa: a broken test is a red test
        report("not ok", run.__name__, traceback.format_exc(limit=-4))
    report("end", "", "")
    os._exit(0)


def run_scenario(run, timeout, results):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            os.close(read)
            in_namespaces(run, write)
        except BaseException:                                   # noqa: reported, then gone
            traceback.print_exc()
        os._exit(1)
    os.close(write)
    start, text, ended = time.monotonic(), b"", False
    while True:
        left = timeout - (time.monotonic() - start)
        if left <= 0 or not scenarios.readable(read, left):
            os.kill(pid, signal.SIGKILL)
            results.take("not ok", run.__name__, f"no end within {timeout} s")
            break
        data = os.read(read, 65536)
        if not data:
            if not ended:
                results.take("not ok", run.__name__, "the test process died")
            break
        text += data
        *lines, text = text.split(b"\n")
        for line in lines:
            kind, name, reason = json.loads(line)
            if kind == "end":
                ended = True
            else:
                results.take(kind, name, reason)
    os.close(read)
    os.waitpid(pid, 0)
    if os.environ.get("TIMES") or os.environ.get("VERBOSE"):
        print(f"    {run.__name__}: {time.monotonic() - start:.1f} s", flush=True)


def listed():
    """(function, seconds it may take) of the mode that the environment asks for."""
    if os.environ.get("KNOCKOUTS"):
        return controls.knockouts_of_all()
    if os.environ.get("TRACE"):
        return measure.traces()
    if os.environ.get("COST"):
        return [(measure.player_cost, 600)]
    if os.environ.get("LIMITS"):
        return limits.measured()
    return scenarios.SCENARIOS


def needs_incus(run):
    return getattr(run, "host", False)


def main():
    wanted = [s for s in listed()
              if not sys.argv[2:] or any(part in s[0].__name__ for part in sys.argv[2:])]
    if sys.argv[1] == "--wants-incus":
        print("yes" if any(needs_incus(run) for run, _ in wanted) else "no")
        return 0
    scenarios.configure(os.path.abspath(sys.argv[1]))
    if not wanted:
        print(f"no scenario has {' or '.join(sys.argv[2:])} in its name", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    results = Results()
    lacking = os.environ.get("STACK_NO_INCUS")
    for run, timeout in wanted:
        if needs_incus(run) and lacking is not None:
            results.take("not ok" if os.environ.get("CI") else "skip", run.__name__, lacking)
        else:
            run_scenario(run, timeout, results)
    counts = results.counts
    print(f"# passed failed skipped: {counts['ok']} {counts['not ok']} {counts['skip']}")
    return 1 if counts["not ok"] or not counts["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
