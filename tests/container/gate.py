"""The launch gate: what is required is checked as the application before anything is started."""
import os
import signal
import time

from harness import (APP, FALLBACK_UID, STATE, check, children, equal, gone, test, until,
                     whole_lines)
from inspecting import (DISPLAY, PROBED_SHIM, groups_asked, others, plan, probing, runs)
from privileges import device
from terminal import Screen

RAN = ["exit", "7"]
# What the reader must not believe (fake_probe.c).
LIES = ("magic", "group", "check", "status", "foreign", "target", "summary", "hint", "zero", "twice",
        "short", "flood", "many")


def launch(box, options=(), argv=None, **how):
    return box.spawn([PROBED_SHIM, *options, "--", APP, *(argv or RAN)], **how)


def lines(proc):
    return whole_lines(proc.err())


def refuses(box, *words, options=(), **how):
    """Exit 69 with one line, and no trace of the application."""
    proc = launch(box, options, ["print", "started"], **how)
    proc.complains(69, *words)
    equal(proc.out(), "", "what the application said")
    return proc


@test()
def nothing_required_starts_no_probe():
    for options in ((), ("--devices=none",), ("--devices=gpu,sound,x11,pulse,wayland",)):
        box = probing()
        launch(box, options).ends(7)
        equal(runs(box), [], "runs of the probe")
    box = probing()
    launch(box, ["--require=none"], env=plan("fail")).ends(7)
    equal(runs(box), [], "runs of the probe with --require=none")


@test()
def a_display_is_required_unless_said_otherwise():
    box = probing()
    for init in (True, False):
        proc = launch(box, env=plan("all"), init=init).ends(7)
        equal(proc.err(), "", "diagnostics when all is well")
    equal([groups_asked(run) for run in runs(box)], [["x11"]] * 2, "what was checked")
    refuses(probing(), "x11.socket: /dev/fake: does not work (repair it)", options=["-w", "0"],
            env=plan("fail"))
    refuses(probing(), "x11.socket", env=plan("fail", STREMIO_WAIT="0"), init=False)


@test()
def each_required_thing_that_is_not_good_has_its_line():
    proc = launch(probing(), ["-r", "gpu,sound,x11", "-w", "0"], env=plan("fail,ok,fail")).ends(69)
    equal([line.split(": ")[1] for line in lines(proc)], ["gpu.render", "x11.socket"], "lines")
    check(all("(repair it)" in line for line in lines(proc)), proc.err())


@test()
def it_waits_for_what_is_required_and_says_so():
    for init in (True, False):
        box = probing()
        proc = launch(box, ["-w", "60"], env=plan("late"), init=init)
        until(lambda: (proc._read(0.1) or True) and lines(proc), "a line about the wait")
        check("inspect: waits up to 60 s for x11.socket (/dev/fake: does not work)" in lines(proc)[0],
              proc.err())
        box.write("tmp/ready", "")
        proc.ends(7)
        equal(len(lines(proc)), 1, "lines")


@test()
def it_says_each_kind_that_it_waits_for():
    proc = launch(probing(), ["-r", "gpu,sound,x11", "-w", "0.2"], env=plan("fail,ok,fail")).ends(69)
    waits = [line.split(" for ")[1] for line in lines(proc) if "waits up to" in line]
    equal([what.split()[0] for what in waits], ["gpu.render", "x11.socket"], "what it waits for")


@test()
def a_change_in_a_directory_of_devices_ends_the_pause():
    for directory in ("tmp/.X11-unix", "var/lib/stremio-shim"):
        pauses_until_a_change(directory)


def pauses_until_a_change(directory):
    box = probing(dirs=("tmp/.X11-unix", "var/lib/stremio-shim"))
    proc = launch(box, ["-w", "60"], env=plan("later"))
    until(lambda: len(runs(box)) >= 6, "pauses of a second")
    waits = []
    while len(waits) < 8 and min(waits, default=9) > 0.8:
        count = len(runs(box))
        until(lambda: len(runs(box)) > count, "the next look")  # noqa: used at once
        count, start = len(runs(box)), time.monotonic()
        box.write(f"{directory}/X{count}", "")
        until(lambda: len(runs(box)) > count, "a look after the change")
        waits.append(time.monotonic() - start)
    check(min(waits) < 0.8, f"a change in {directory} was noticed after {waits} s only")
    box.write("tmp/.X11-unix/ready", "")
    proc.ends(7)


@test()
def a_device_that_comes_late_brings_its_group():
    """As udev makes it: root's own at first. Probe and application are of the group it gets."""
    for init, directory in ((True, False), (False, False), (True, True)):
        box = probing(dirs=("dev",))
        if directory:  # which the host's hook has made
            os.mkdir(box.path("dev/dri"))
        proc = box.spawn([PROBED_SHIM, "-d", "gpu", "-r", "gpu", "-w", "60", "--", STATE, "exit", "0"],
                         env=plan("grouped"), init=init)
        until(lambda: (proc._read(0.1) or True) and lines(proc), "a line about the wait")
        device(box, "dev/dri/renderD128", 226, 128, 0, 0o600)
        count = len(runs(box))
        until(lambda: len(runs(box)) > count, "a look at root's own node")
        os.chown(box.path("dev/dri/renderD128"), 0, 105)
        os.chmod(box.path("dev/dri/renderD128"), 0o660)
        proc.ends(0)
        equal(proc.state()["Groups"].strip(), "105", "the application's groups")
        equal([line.split(": ")[1] for line in lines(proc)], ["inspect"], "lines")


@test()
def it_does_not_poll_busily_whatever_happens_in_tmp():
    box = probing()
    churn = os.fork()       # a process: a thread that never rests would hold up this one
    while churn == 0:
        box.write("tmp/other", "")
        os.unlink(box.path("tmp/other"))
    try:
        launch(box, ["-w", "3"], env=plan("fail")).ends(69)
    finally:
        os.kill(churn, signal.SIGKILL)
        os.waitpid(churn, 0)
    # After pauses of 50, 100, 200, 400, 800 and 1000 ms, and at the end.
    check(3 <= len(runs(box)) <= 9, f"{len(runs(box))} runs of the probe in 3 s")


@test()
def a_stop_ends_the_wait_at_once():
    for init, sig in ((True, signal.SIGTERM), (True, 37), (False, signal.SIGTERM),
                      (False, signal.SIGINT), (False, signal.SIGHUP)):
        proc = launch(probing(), ["-w", "600"], env=plan("hang"), init=init)
        until(lambda: any(name == "stremio-probe" for _, name in others(os.getpid())),
              "the probe")
        proc.kill(sig)
        proc.complains(71, "inspect: a stop was asked for")
        until(lambda: not others(os.getpid()), "the end of all processes", 5)


@test()
def a_stop_that_comes_with_the_inspectors_end_is_not_lost():
    """Both are there when the supervisor, which is stopped meanwhile, looks again."""
    for init in (True, False):
        for what, wait in (("late", "600"), ("fail", "1")):
            box = probing()
            proc = launch(box, ["-w", wait], env=plan(what), init=init)
            until(lambda: len(runs(box)) > 1, "the second look")
            proc.kill(signal.SIGSTOP)
            with open(box.path("tmp/ready"), "w", encoding="ascii"):
                pass
            until(lambda: len(others(os.getpid())) == 1, "the inspector's end")
            proc.kill(signal.SIGTERM)
            proc.kill(signal.SIGCONT)
            proc.ends(71)
            check("inspect: a stop was asked for" in lines(proc)[-1], proc.err())


@test()
def int_to_pid_1_at_the_gate_restarts():
    proc = launch(probing(), ["-w", "600"], env=plan("hang"))
    until(lambda: any(name == "stremio-probe" for _, name in others(os.getpid())), "the probe")
    proc.kill(signal.SIGINT)
    proc.ends(-signal.SIGHUP)


@test()
def control_c_at_the_gate_ends_it():
    box = probing()
    screen = Screen(box)
    proc = launch(box, ["-w", "600"], env=plan("fail"), init=False, tty=screen.slave, ctty=True)
    screen.expect("waits up to")
    screen.type("\x03")
    screen.expect("a stop was asked for")
    proc.ends(71)


@test()
def other_signals_are_held_for_the_application():
    """It ends by the one that came during the wait: it has no handler, and the gate did not end."""
    for sig in (int(signal.SIGUSR1), 35):
        box = probing()
        proc = launch(box, ["-w", "60"], ["pause"], env=plan("late"))
        until(lambda: (proc._read(0.1) or True) and lines(proc), "a line about the wait")
        proc.kill(sig)
        box.write("tmp/ready", "")
        proc.ends(128 + sig)
        check(len(runs(box)) >= 2, f"runs of the probe: {runs(box)}")


@test()
def without_a_probe_only_what_was_required_by_name_prevents_the_launch():
    for box in (probing(probe=None), probing(probe=None).write("opt/s/stremio-probe", "", 0o644)):
        proc = launch(box, env=DISPLAY).ends(7)
        equal(len(lines(proc)), 1, "lines")
        for word in ("x11.socket", "stremio-probe", "make install"):
            check(word in proc.err(), f"{word} is not in {proc.err()!r}")
        refuses(box, "stremio-probe", "make install", options=["--require=x11"], env=DISPLAY)


@test()
def a_probe_that_is_no_program_is_no_good_display():
    box = probing(probe=None).write("opt/s/stremio-probe", b"\x7fELF nonsense", 0o755)
    refuses(box, "x11.socket", "exit 127", options=["-w", "0"], env=DISPLAY)


@test()
def a_probe_that_dies_or_says_nothing_is_no_good_display():
    for how, word in (("die", "exit 3"), ("kill", "signal 11"), ("halfway", "ended without"),
                      ("nothing", "says nothing")):
        refuses(probing(), "x11.", word, options=["-w", "0"], env=plan(how))


@test()
def a_probe_that_lies_is_no_good_display():
    for how in LIES:
        refuses(probing(), "x11.socket: stremio-probe does not keep to its format",
                "install the stremio-probe that belongs", options=["-w", "0"], env=plan(how))


@test()
def a_probe_that_hangs_is_ended_at_its_deadline():
    for how in ("hang", "mute"):
        box = probing()
        proc = launch(box, ["-w", "0.5"], env=plan(how)).ends(69)
        check("x11.socket" in proc.err(), proc.err())
        check(how == "mute" or "no answer within 1 s" in proc.err(), proc.err())
        until(lambda: not others(os.getpid()), "the end of all processes", 5)


@test()
def what_a_probe_leaves_behind_is_gone_before_the_launch():
    for init in (True, False):
        proc = launch(probing(), argv=["ready", "up", ",", "pause"], env=plan("litter"), init=init)
        proc.expect("ready up")
        left = [name for _, name in others(os.getpid()) if name not in ("stremio-shim", "app")]
        equal(left, [], "processes beside the application")
        proc.kill(signal.SIGKILL)
        proc.wait()


@test()
def an_inspector_that_is_stopped_after_its_word_does_not_stay():
    for init in (True, False):
        proc = launch(probing(), argv=["ready", "up", ",", "pause"], env=plan("freeze"), init=init)
        proc.expect("ready up")
        until(lambda: [name for _, name in others(os.getpid())].count("stremio-shim") == 1,
              "the inspector's end")
        proc.kill(signal.SIGKILL)
        proc.wait()


@test()
def texts_of_the_probe_cannot_forge_lines():
    proc = launch(probing(), env=plan("ugly")).ends(7)
    equal(len(lines(proc)), 1, "lines")
    check(r"/dev/\x1b[2J" in proc.err() and "\x1b" not in proc.err(), proc.err())
    check(r"\xff" in proc.err() and r"\xe2\x80\xae\x0a" in proc.err(), proc.err())


@test()
def other_devices_are_told_of_and_not_waited_for():
    options = ["--devices=gpu,x11,pulse", "--require=x11"]
    proc = launch(probing(), options, env=plan("fail,ok,hang")).ends(7)
    equal([line.split(": ")[1] for line in lines(proc)], ["gpu.render"], "lines")
    # Of the default list only what there is a trace of.
    box = probing(dirs=("dev",))
    device(box, "dev/dri/renderD128", 226, 128, 44)
    device(box, "dev/snd/timer", 116, 33, 29)
    launch(box, env=plan("ok")).ends(7)
    equal(groups_asked(runs(box)[0]), ["gpu", "sound", "x11"], "what was checked")


@test()
def directories_that_wait_for_devices_are_no_devices():
    """As the host's hook leaves them where there is none; the name of a card does not make one."""
    box = probing(dirs=("dev",))
    os.mkdir(box.path("dev/dri"))
    os.mkdir(box.path("dev/snd"))
    for minor, mode, words in ((None, None, ["x11"]), (0, 0, ["x11"]), (1, 0o660, ["gpu", "x11"])):
        if minor is not None:
            device(box, f"dev/dri/card{minor}", 226, minor, 44, mode)
        launch(box, env=plan("ok")).ends(7)
        equal(groups_asked(runs(box)[-1]), words, "what was checked")


@test()
def one_good_device_of_a_kind_will_do():
    """Two results of one check, ok and fail: the fake probe's first group has both."""
    box = probing()
    proc = launch(box, ["--devices=gpu", "--require=gpu", "-w", "0"],
                  env={"FAKE_PROBE": "either"}).ends(7)
    check("gpu.render" in proc.err() and len(lines(proc)) == 1, proc.err())


@test()
def what_was_not_looked_at_is_no_good_device():
    """Of so many nodes the last are left out, and none of the others is a GPU."""
    box = probing("real_probe", dirs=("dev",))
    os.mkdir(box.path("dev/dri"))
    for number in range(250):
        os.mkfifo(box.path(f"dev/dri/renderD{number}"))
    proc = launch(box, ["--devices=gpu", "--require=gpu", "-w", "0"], ["print", "started"]).ends(69)
    equal(proc.out(), "", "what the application said")
    check("50 more nodes were not looked at" in proc.err(), proc.err()[-300:])


@test()
def what_is_required_but_not_wired_is_a_usage_error():
    for options in (("--devices=none", "--require=gpu"), ("-d", "gpu", "-r", "gpu,x11")):
        launch(probing(), options).complains(64, "--require", "--devices")
    for option, value in (("--devices", "gpu;x11"), ("--devices", "system"), ("--require", "all"),
                          ("--require", ""), ("--devices", "gpu,"), ("--wait", "soon"),
                          ("--wait", "86401"), ("--require", "none,gpu")):
        launch(probing(), [f"{option}={value}"]).complains(64, option)


@test()
def inspector_and_probe_are_out_of_reach_of_the_applications_user():
    """A process that is not dumpable belongs to root in /proc: no tracing, no descriptors of it."""
    proc = launch(probing(), ["-w", "600"], env=plan("hang"), init=False)
    until(lambda: any(name == "stremio-probe" for _, name in others(os.getpid())), "the probe")
    inspector, = children(proc.pid)
    equal(os.stat(f"/proc/{inspector}/fd").st_uid, 0, "owner of the inspector's descriptors")
    equal(proc.status(inspector)["Uid"].split(), [str(FALLBACK_UID)] * 4, "the inspector's user")
    everything = (inspector, *children(inspector))
    equal(len(everything), 2, "inspector and probe")
    for pid in everything:
        status = proc.status(pid)
        equal((status["NoNewPrivs"], status["Seccomp"], int(status["CapBnd"], 16)), ("1", "2", 0),
              "confinement")
    proc.kill(signal.SIGKILL)
    until(lambda: all(gone(pid) for pid in everything), "the end of both with the shim", 5)
    proc.wait()


@test()
def an_ordinary_user_cannot_pass_the_gate_unconfined():
    box = probing()
    proc = launch(box, env=plan("all"), init=False, pre=lambda: os.setresuid(1000, 1000, 1000))
    proc.ends(77)
    equal((runs(box), proc.out()), ([], ""), "runs of the probe, output")
