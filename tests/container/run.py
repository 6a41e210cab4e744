#!/usr/bin/env python3
"""Runs the container tier: tests/container/run.py [NAME-PART]...

SHIM=FILE     the program under test (default $BUILD/stremio-shim; BUILD=build)
TIER=NAME     prefix of the result lines; a name ending in asan skips what cannot hold there
JOBS=N        tests at a time (default: processors, at most 4)
FAIL_FAST=1   stop at the first failure (mutation runs)
VERBOSE=1     times on stderr
"""
import ctypes
import importlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
sys.dont_write_bytecode = True
import harness                                                  # noqa: E402
from harness import TESTS, TIER                                 # noqa: E402

MODULES = ("stop", "signals", "terminal", "inherited", "privileges", "preparation", "policy_live",
           "landlock", "hostile", "readiness", "bad_input", "resources", "faults", "audit",
           "audit_faults", "print_policy", "engine", "gate", "gate_faults", "self_test", "late_display",
           "probe_x11", "probe_servers", "probe_nodes", "probe_system")
HELPERS = ("app", "state", "calls", "inject", "poke", "reach", "denied", "fake_probe")


def stage_programs(directory):
    """Copies what the tests run to where every uid can reach it (a build may live in /root)."""
    build = os.environ.get("BUILD", "build")
    shim = os.environ.get("SHIM", os.path.join(build, "stremio-shim"))
    os.chmod(directory, 0o755)
    for name in ("t", "root"):
        os.mkdir(os.path.join(directory, name), 0o755)
    for source, name in [(shim, "stremio-shim")] + [
            (os.path.join(build, "tests", name), name) for name in HELPERS] + [
            (os.path.join(build, "stremio-probe"), "real_probe"),
            (os.path.join(build, "policy", "server-deny.bpf"), "server-deny.bpf")]:
        target = os.path.join(directory, "t", name)
        shutil.copyfile(source, target)
        os.chmod(target, 0o755)


def linked_with(program):
    """The libraries of a dynamic program; ldd(1) fails for a static one, which has none."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return re.findall(r"(/\S+) \(0x", done.stdout) if done.returncode == 0 else []


def in_namespaces(name, report):
    """Becomes the test's own PID 1, runs it and writes the outcome."""
    harness.libcall("prctl", harness.PR_SET_PDEATHSIG, signal.SIGKILL)
    harness.new_namespaces(harness.CLONE_NEWPID | harness.CLONE_NEWNS | harness.CLONE_NEWNET |
                           harness.CLONE_NEWIPC | harness.CLONE_NEWUTS)
    pid = os.fork()
    if pid:
        os.close(report)
        os.waitpid(pid, 0)
        os._exit(0)
    harness.libcall("prctl", harness.PR_SET_PDEATHSIG, signal.SIGKILL)
    harness.mount(None, "/", None, harness.MS_REC | harness.MS_PRIVATE)
    harness.mount("proc", "/proc", "proc")
    try:
        TESTS[name][0]()
        outcome = ("ok", "")
    except harness.Skip as reason:
        outcome = ("skip", str(reason))
    except AssertionError as reason:
        outcome = ("not ok", str(reason) or traceback.format_exc(limit=-2))
    except BaseException:                                       # noqa: a broken test is a red test
        outcome = ("not ok", traceback.format_exc(limit=-3))
    os.write(report, json.dumps(outcome).encode())
    os._exit(0)


class Running:
    def __init__(self, name):
        self.name, self.start, self.text = name, time.monotonic(), b""
        self.report, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.report)
                in_namespaces(name, write)
            except BaseException:                               # noqa: reported, then gone
                os.write(write, json.dumps(("not ok", traceback.format_exc(limit=-3))).encode())
            os._exit(1)
        os.close(write)

    def outcome(self):
        """None while running, else (kind, reason)."""
        late = time.monotonic() - self.start > TESTS[self.name][1]
        if late:
            os.kill(self.pid, signal.SIGKILL)
        elif select.select([self.report], [], [], 0)[0]:
            data = os.read(self.report, 65536)
            self.text += data
            if data:
                return None
        else:
            return None
        os.close(self.report)
        os.waitpid(self.pid, 0)
        if late:
            return "not ok", f"no end within {TESTS[self.name][1]} s"
        return tuple(json.loads(self.text)) if self.text else ("not ok", "the test process died")


def run(names):
    jobs = int(os.environ.get("JOBS", 0)) or min(os.cpu_count() or 1, 4)
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    waiting = sorted(names, key=lambda name: TESTS[name][2])    # those that want to be alone: last
    running = []
    while waiting or running:
        while waiting and len(running) < jobs:
            if running and (TESTS[waiting[0]][2] or TESTS[running[0].name][2]):
                break
            running.append(Running(waiting.pop(0)))
        select.select([one.report for one in running], [], [], 0.5)
        for one in list(running):
            outcome = one.outcome()
            if outcome is None:
                continue
            running.remove(one)
            kind, reason = outcome
            counts[kind] += 1
            reason = " / ".join(reason.split("\n")).strip()
            print(f"{kind} {TIER}.{one.name}" + (f": {reason}" if reason else ""), flush=True)
            if os.environ.get("VERBOSE"):
                print(f"    {time.monotonic() - one.start:.2f} s", file=sys.stderr)
            if kind == "not ok" and os.environ.get("FAIL_FAST"):
                for other in running:
                    os.kill(other.pid, signal.SIGKILL)
                    os.waitpid(other.pid, 0)
                return counts
    return counts


def summary(counts):
    print(f"# passed failed skipped: {counts['ok']} {counts['not ok']} {counts['skip']}")
    return 1 if counts["not ok"] else 0


def main():
    for module in MODULES:
        importlib.import_module(module)
    names = [n for n in TESTS if not sys.argv[1:] or any(part in n for part in sys.argv[1:])]
    if sys.argv[1:] and not names:
        print(f"no test has {' or '.join(sys.argv[1:])} in its name", file=sys.stderr)
        return 1
    if os.geteuid() != 0:
        kind = "not ok" if os.environ.get("CI") else "skip"
        print(f"{kind} {TIER}: needs root (namespaces with other uids)")
        return summary({"ok": 0, "not ok": int(kind == "not ok"), "skip": int(kind == "skip")})
    skipped = [n for n in names if harness.ASAN and TESTS[n][3]]
    for name in skipped:
        print(f"skip {TIER}.{name}: {TESTS[name][3]}")
    ctypes.CDLL(None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    harness.stage = tempfile.mkdtemp(prefix="stremio-shim-container.")
    try:
        stage_programs(harness.stage)
        harness.libraries = linked_with(os.path.join(harness.stage, "t", "stremio-shim"))
        counts = run([n for n in names if n not in skipped])
    finally:
        shutil.rmtree(harness.stage)
    counts["skip"] += len(skipped)
    return summary(counts)


if __name__ == "__main__":
    sys.exit(main())
