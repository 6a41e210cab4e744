"""--self-test: what it reports in each format, and that it changes nothing."""
import json
import os
import re
import signal

from harness import (FALLBACK_UID, SHIM, Box, Skip, check, children, equal, gone, test, until)
from gate import LIES
from inspecting import (DISPLAY, PROBED_SHIM, by_id, groups_asked, others, plan, probing, runs,
                     sandbox_of_probe, self_test)
from privileges import device
from terminal import Screen

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "self_test.schema.json")
ALL = "--devices=gpu,sound,x11,wayland,pulse"
# What keeps the report of a hostile probe from being believed, or readable.
HOSTILE = ("ok", "warn", "fail", "skip", "all", "either", "ugly", "halfway", "mute", "die", "kill",
           "nothing", "litter", *LIES)


def validate(report):
    try:
        import jsonschema
    except ImportError as error:
        raise Skip("needs python3-jsonschema") from error
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(report)
    order = schema["properties"]["checks"]["items"]["properties"]["id"]["enum"]
    ids = [order.index(one["id"]) for one in report["checks"]]
    equal(ids, sorted(ids), "the order of the checks")
    return order


def families(text):
    try:
        from prometheus_client.openmetrics.parser import text_string_to_metric_families
    except ImportError as error:
        raise Skip("needs python3-prometheus-client") from error
    return {family.name: family for family in text_string_to_metric_families(text)}


@test()
def json_follows_its_schema_whatever_the_probe_says():
    for how in HOSTILE:
        proc = probing().spawn([PROBED_SHIM, "--self-test=json", ALL], env={"FAKE_PROBE": how})
        code = proc.wait()
        check(code in (0, 69), f"{how}: exit {code}, {proc.err()!r}")
        report = json.loads(proc.out())
        validate(report)
        equal(report["ok"], code == 0, f"{how}: ok")
        if how in LIES:
            equal({one["summary"] for one in report["checks"]},
                  {"stremio-probe does not keep to its format"}, f"what is believed of {how}")


@test()
def every_check_that_was_asked_for_is_in_the_report():
    report = self_test(probing(), options=[ALL], env=plan("all"))
    equal([one["id"] for one in report["checks"]], validate(report), "checks")
    equal({one["status"] for one in report["checks"]}, {"ok"}, "statuses")
    real = self_test(probing("real_probe"), options=[ALL])
    equal(list(dict.fromkeys(one["id"] for one in real["checks"])), validate(real),
          "checks of stremio-probe")


@test()
def openmetrics_is_what_a_parser_accepts():
    for how in HOSTILE:
        proc = probing().spawn([PROBED_SHIM, "--self-test=openmetrics", ALL],
                               env={"FAKE_PROBE": how})
        code = proc.wait()
        check(code in (0, 69), f"{how}: exit {code}, {proc.err()!r}")
        found = families(proc.text[1].decode("utf-8"))
        equal(found["stremio_self_test_ok"].samples[0].value, 1.0 if code == 0 else 0.0, how)
        # promtool knows none of the types that are OpenMetrics' own.
        equal({family.type for family in found.values()}, {"gauge"}, "types")
        equal(found["stremio_shim_info"].samples[0].value, 1.0, "info")
        for sample in found["stremio_check_duration_seconds"].samples:
            check(0 <= sample.value < 60, f"{how}: {sample}")


@test()
def openmetrics_says_what_json_says():
    box = probing()
    options = [ALL, "--require=x11"]
    report = self_test(box, options=options, env=plan("fail,ok,warn,skip"))
    text = self_test(box, "openmetrics", options=options, env=plan("fail,ok,warn,skip"))
    states = {}
    for sample in families(text)["stremio_check"].samples:
        labels = sample.labels
        if sample.value:
            states[labels["check"], labels["target"]] = labels["status"], labels["required"]
    equal(states, {(one["id"], one["target"]): (one["status"], str(int(one["required"])))
                   for one in report["checks"]}, "states")


@test()
def text_is_a_table_for_people():
    out = self_test(probing(), "text", env=plan("fail,ok,warn,ok"))
    rows = out.splitlines()
    columns = {row.index(word) for row in rows[:-1] if not row.startswith(" ")
               for word in ("/dev/fake",) if word in row}
    equal(len(columns), 1, f"columns of the targets in {out}")
    check(re.search(r"^fail  gpu\.render +/dev/fake +does not work$", out, re.M), out)
    check("      -> repair it\n" in out, out)
    check(re.fullmatch(r"good: 3 ok, 1 warn, 1 fail, 0 skip", rows[-1]), rows[-1])
    check("\x1b" not in out, "colour in a pipe")


@test()
def colour_is_for_terminals_that_show_it():
    for env, coloured in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({}, False),
                          ({"TERM": "xterm", "NO_COLOR": "1"}, False),
                          ({"TERM": "xterm", "NO_COLOR": ""}, True)):
        box = probing()
        screen = Screen(box)
        proc = box.spawn([PROBED_SHIM, "--self-test"], init=False, tty=screen.slave,
                         env={**plan("ok"), **env})
        text = screen.expect("good:")
        equal("\x1b[32mok\x1b[0m" in text, coloured, f"colour with {env}")
        proc.ends(0)


@test()
def terminals_and_logs_get_no_bytes_that_steer_them():
    for form in ("text", "openmetrics"):
        out = self_test(probing(), form, env=plan("ugly"))
        check(not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out), repr(out))
        check(r"\x1b[2J" in out.replace("\\\\", "\\"), out)


@test()
def the_exit_status_is_about_what_is_required():
    for require, code in ((None, 69), ("x11", 69), ("gpu", 0), ("none", 0)):
        options = [] if require is None else [f"--require={require}"]
        report = self_test(probing(), options=options, env=plan("ok,ok,fail,ok"), code=code)
        equal([one["required"] for one in report["checks"] if one["id"] == "x11.socket"],
              [require in (None, "x11")], "required")
    # A sandbox that is not in force counts always.
    self_test(probing(), options=["--devices=none"], env={"FAKE_PROBE": "ok,fail"}, code=69)


@test()
def without_a_probe_everything_is_skipped_and_says_why():
    report = self_test(probing(probe=None), env=DISPLAY)
    equal({one["status"] for one in report["checks"]}, {"skip"}, "statuses")
    check(all("stremio-probe" in one["summary"] and "make install" in one["hint"]
              for one in report["checks"]), report)
    self_test(probing(probe=None), options=["--require=x11"], env=DISPLAY, code=69)


@test()
def a_group_that_hangs_fails_alone():
    report = self_test(probing("real_probe"))
    check(report["ok"], report)
    proc = probing().spawn([PROBED_SHIM, "--self-test=json", "--devices=gpu,sound"],
                           env={"FAKE_PROBE": "ok,hang"}).ends(69, timeout=40)
    report = json.loads(proc.out())
    equal(by_id(report, "gpu.render")["status"], "ok", "what came before")
    late = by_id(report, "sound.control")
    equal((late["status"], late["summary"]), ("fail", "no answer within 5 s"), "what hangs")
    check(late["hint"], "no hint")
    until(lambda: not others(os.getpid()), "the end of all processes", 5)


@test()
def checks_are_made_with_the_applications_identity_and_confinement():
    box = probing(passwd="app:x:1234:1235:App:/home/app:/bin/sh\n")
    device(box, "dev/snd/controlC0", 116, 0, 29)
    device(box, "dev/dri/renderD128", 226, 128, 44)
    for init in (True, False):
        report = self_test(box, options=["--user=app", "--devices=gpu,sound"], init=init,
                           env={"FAKE_PROBE": "ok,ok,ok,sandbox"})
        equal(report["user"], {"uid": 1234, "gid": 1235, "groups": [29, 44]}, "user")
        want = {"Uid": " ".join(["1234"] * 4), "Gid": " ".join(["1235"] * 4), "Groups": "29 44",
                "NoNewPrivs": "1", "Seccomp": "2",
                **{f"Cap{name}": "0" * 16 for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")},
                "SigBlk": "0" * 16}
        said = sandbox_of_probe(report)
        equal({key: " ".join(said.get(key, "").split()) for key in want}, want, "the probe")


@test()
def the_sandbox_of_the_report_is_what_the_kernel_says():
    for options, want in (((), {"no_new_privs": True, "seccomp": "stremio", "bounding": 0}),
                          (("--policy=server",), {"seccomp": "server"}),
                          (("--policy=none", "--landlock=off"),
                           {"no_new_privs": True, "seccomp": None, "landlock_abi": 0})):
        report = self_test(probing("real_probe"), options=["--devices=none", *options])
        equal({key: report["sandbox"][key] for key in want}, want, "sandbox")
        filtered = by_id(report, "sandbox.seccomp")["status"]
        equal(filtered, "ok" if report["sandbox"]["seccomp"] else "warn", "sandbox.seccomp")
        locked = by_id(report, "sandbox.landlock")["status"]
        check(locked in ("ok", "skip") if report["sandbox"]["landlock_abi"] else
              locked in ("warn", "skip"), f"sandbox.landlock: {locked} with {report['sandbox']}")


@test()
def devices_that_are_not_wired_give_no_group_and_no_path():
    box = Box()
    device(box, "dev/snd/controlC0", 116, 0, 29)
    device(box, "dev/dri/renderD128", 226, 128, 44)
    for devices, groups, paths in (("gpu,sound", [29, 44], {"/dev/dri", "/dev/snd"}),
                                   ("gpu", [44], {"/dev/dri"}), ("sound,x11", [29], {"/dev/snd"}),
                                   ("none", [], set())):
        proc = box.spawn([SHIM, "--print-policy=json", f"--devices={devices}"]).ends(0)
        said = json.loads(proc.out())
        equal(said["user"]["groups"], groups, f"groups with {devices}")
        if said["landlock"]["abi"]:
            equal({rule["path"] for rule in said["landlock"]["rules"]} &
                  {"/dev/dri", "/dev/snd"}, paths, f"paths with {devices}")


@test()
def an_ordinary_user_gets_a_report_too():
    def become():
        os.setgroups([])
        os.setresuid(1000, 1000, 1000)
    report = self_test(probing("real_probe"), init=False, pre=become,
                       options=["--devices=none"])
    validate(report)
    equal((report["user"]["uid"], report["ok"]), (1000, True), "user and verdict")
    caps = by_id(report, "sandbox.caps")
    check(caps["status"] == "skip" and "SETPCAP" in caps["hint"], caps)
    equal(by_id(report, "runtime-dir")["target"], "/run/user/1000", "whose runtime directory")
    check(report["sandbox"]["no_new_privs"] and report["sandbox"]["seccomp"] == "stremio",
          report["sandbox"])


@test()
def nothing_is_prepared_changed_or_left_behind():
    box = probing("real_probe", shm=True)

    def everything():
        return sorted((os.path.join(where, name), os.lstat(os.path.join(where, name)).st_mode)
                      for where, dirs, files in os.walk(box.root) for name in dirs + files
                      if not where.startswith((box.path("proc"), box.path("dev/pts"))))
    before = everything()
    # Often, where none ends by the end of PID 1: one that is late for a moment is left behind.
    for init in (True, *[False] * 20):
        self_test(box, options=[ALL, "--tmpfs=/var"], init=init)
        equal(others(os.getpid()), [], "processes")
    equal(everything(), before, "files")


def watching(box, form, devices, what):
    """A self-test that goes on, and how many lines its first report has."""
    proc = box.spawn([PROBED_SHIM, f"--self-test={form}", "--watch", f"--devices={devices}"],
                     env=plan(what))
    until(lambda: (proc._read(0.1) or True) and
          re.search("^(not )?good:|}}$", proc.out(), re.M), "the first report")
    return proc, len(proc.lines())


def watches_no_more(proc):
    proc.kill(signal.SIGTERM)
    proc.ends(128 + signal.SIGTERM)
    until(lambda: not others(os.getpid()), "the end of all processes", 5)


def are_good(proc):
    """Of reports in JSON, whether each is."""
    reports = [json.loads(line) for line in proc.lines()]
    validate(reports[-1])
    return [report["ok"] for report in reports]


@test()
def watch_reports_changes_until_it_is_stopped():
    for form in ("text", "json"):
        box = probing(dirs=("tmp/.X11-unix",))
        proc, first = watching(box, form, "x11", "later,ok")
        box.write("tmp/.X11-unix/ready", "")
        until(lambda: (proc._read(0.1) or True) and len(proc.lines()) > first, "the change")
        if form == "text":
            check(proc.lines()[first].split()[:2] == ["ok", "x11.socket"], proc.out())
            equal(len(proc.lines()), first + 1, "lines of what has not changed")
        else:
            equal(are_good(proc), [False, True], "reports")
        watches_no_more(proc)


@test()
def watch_looks_with_the_group_that_a_late_device_brings():
    """As udev makes it: root's own at first. What has not changed is not said anew."""
    for form in ("text", "json"):
        box = probing(dirs=("dev",))
        proc, first = watching(box, form, "gpu", "grouped")
        device(box, "dev/dri/renderD128", 226, 128, 0, 0o600)
        proc.collect(1.5)
        os.chown(box.path("dev/dri/renderD128"), 0, 105)
        os.chmod(box.path("dev/dri/renderD128"), 0o660)
        # Each group of the fake probe's is good with it, and "watch" goes on.
        until(lambda: (proc._read(0.1) or True) and len(proc.lines()) > first, "the change")
        if form == "text":
            check([line.split()[0] for line in proc.lines()[first:]] == ["ok"] * 3, proc.out())
        else:
            equal(are_good(proc), [False, True], "reports")
        os.unlink(box.path("dev/dri/renderD128"))
        proc.collect(2.5)
        watches_no_more(proc)


@test()
def watch_tells_what_is_gone():
    """One of two, of which nothing is left to report."""
    box = probing("real_probe", dirs=("dev",), shm=True)
    os.mkdir(box.path("dev/dri"))
    for number in (128, 129):
        os.mkfifo(box.path(f"dev/dri/renderD{number}"))
    proc, first = watching(box, "text", "gpu", "ok")
    os.unlink(box.path("dev/dri/renderD129"))
    until(lambda: (proc._read(0.1) or True) and len(proc.lines()) > first, "the change")
    equal([line.split()[:3] for line in proc.lines()[first:]],
          [["gone", "gpu.render", "/dev/dri/renderD129"]], "what is said")
    watches_no_more(proc)


@test()
def watch_is_silent_while_nothing_changes():
    box = probing("real_probe", dirs=("tmp/.X11-unix",), shm=True)
    proc = box.spawn([PROBED_SHIM, "--self-test=json", "--watch", ALL])
    until(lambda: (proc._read(0.1) or True) and proc.lines(), "the first report")
    inspector, = children(proc.pid)

    def looks():
        status = proc.status(inspector)
        return int(status["voluntary_ctxt_switches"])
    proc.collect(1.5)
    before = looks()
    proc.collect(2.5)
    # Its own checks are no change that sets off the next ones.
    equal((looks(), len(proc.lines())), (before, 1), "wake-ups and reports")
    proc.kill(signal.SIGTERM)
    proc.ends(128 + signal.SIGTERM)
    until(lambda: gone(inspector), "the inspector's end", 5)


@test()
def watch_goes_with_a_report_that_can_go_on():
    for options in (("--watch",), ("--self-test=openmetrics", "--watch"),
                    ("--watch", "--print-policy")):
        probing().spawn([PROBED_SHIM, *options]).complains(64, "--watch")
    probing().spawn([PROBED_SHIM, "--self-test=xml"]).complains(64, "--self-test", "xml")


@test()
def a_report_that_cannot_be_written_is_no_good_report():
    for form in ("text", "json", "openmetrics"):
        box = probing()
        proc = box.spawn([PROBED_SHIM, f"--self-test={form}"], env=plan("ok"),
                         pre=lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 1))
        proc.complains(71, "self-test", "No space left")


@test()
def options_of_the_args_file_hold_for_the_self_test():
    box = probing(passwd="app:x:1234:1235:App:/home/app:/bin/sh\n",
                  files={"etc/stremio-shim.args": "--user=app\n--require=gpu\nno-such-command\n"})
    report = self_test(box, env={"FAKE_PROBE": "ok"})
    equal(report["user"]["uid"], 1234, "user")
    check(by_id(report, "gpu.render")["required"], report)
    equal(groups_asked(runs(box)[0]), ["gpu", "sound", "x11", "system", "sandbox"], "groups")
    equal(FALLBACK_UID, self_test(probing(), env=plan("ok"))["user"]["uid"], "fallback user")
