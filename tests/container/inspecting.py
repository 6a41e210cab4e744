"""Boxes with a probe beside the shim, and what both say."""
import json
import os

from harness import Box, check, equal, gone

PROBED_SHIM = "/opt/s/stremio-shim"
DISPLAY = {"DISPLAY": ":0"}


def probing(probe="fake_probe", box=None, **how):
    """A box whose shim has a probe beside it; None: has none."""
    box = box or Box(**how)
    box.copy("stremio-shim", "opt/s/stremio-shim")
    if probe:
        box.copy(probe, "opt/s/stremio-probe")
    return box


def plan(what, **more):
    """The environment in which the fake probe (fake_probe.c) behaves so."""
    return {**DISPLAY, "FAKE_PROBE": what, **more}


def runs(box):
    """What the fake probe was asked for, once a run."""
    try:
        with open(box.path("tmp/runs"), encoding="ascii") as file:
            return [line.split() for line in file.read().splitlines()]
    except FileNotFoundError:
        return []


def groups_asked(run):
    return [word for word in run if not word.startswith("-")]


def self_test(box, form="json", code=0, options=(), **how):
    """The report of a self-test, parsed where it is JSON."""
    proc = box.spawn([PROBED_SHIM, f"--self-test={form}", *options], **how).ends(code)
    return json.loads(proc.out()) if form == "json" else proc.out()


def by_id(report, name):
    found = [one for one in report["checks"] if one["id"] == name]
    check(found, f"no {name} in {report}")
    equal(len(found), 1, f"results of {name}")
    return found[0]


def sandbox_of_probe(report):
    """What the kernel said of the fake probe's own process (its plan `sandbox`)."""
    text = by_id(report, "sandbox.caps")["summary"]
    return {key: value.strip() for key, _, value in
            (field.partition(":") for field in text.split(";")) if key}


def others(pid):
    """All living processes of the test's namespace but this one, with their names."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == pid or gone(int(name)):
            continue
        try:
            with open(f"/proc/{name}/comm", encoding="utf-8", errors="replace") as file:
                found.append((int(name), file.read().strip()))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
