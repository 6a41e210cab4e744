"""An X server that starts after the shim, in its network namespace: it listens on an abstract socket, too."""
import os
import socket
import time

from gate import lines
from harness import APP, SHIM, Box, check, equal, test, until
from inspecting import PROBED_SHIM, plan, probing, runs
from landlock import REACH, needs
from probe_x11 import entry, put
from probing import ENV, UID, need, room
from self_test import are_good, watches_no_more

X = {**ENV, "DISPLAY": ":7"}
ABSTRACT = "/tmp/.X11-unix/X7"


def later(become):
    """For pre: a process beside the shim, in its namespaces, that goes on when /tmp/go is there."""
    def start():
        if os.fork():
            return
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        while not os.path.exists("/tmp/go"):
            time.sleep(0.01)
        become()
    return start


def with_a_server_to_come(argv):
    """A box, and the shim in it, with an Xvfb that starts when /tmp/go is there."""
    xvfb = need("Xvfb")
    box = probing(probe=None, box=room())
    box.write("server.auth", entry(), 0o600)
    put(box, entry())
    return box, box.spawn([PROBED_SHIM, *argv], env=X, pre=later(lambda: os.execv(
        xvfb, [xvfb, ":7", "-screen", "0", "320x200x24", "-nolisten", "tcp", "-noreset", "-auth",
               "/server.auth"])))


def listens_as(uid, name="\0" + ABSTRACT):
    """For pre: somebody of that user who never answers. The credentials are those of listen(2)."""
    def start():
        if os.fork():
            until(lambda: os.path.exists("/tmp/up"), "a listener")
            return
        os.setresuid(uid, uid, uid)
        server = socket.socket(socket.AF_UNIX)
        server.bind(name)
        server.listen(50)
        open("/tmp/up", "w", encoding="ascii").close()
        while True:
            time.sleep(3600)
    return start


@test(timeout=120)
def a_display_that_starts_after_the_shim_is_found_and_used():
    needs(6)
    box, proc = with_a_server_to_come(["-w", "60", "--", REACH, f"abstract:{ABSTRACT}"])
    until(lambda: (proc._read(0.1) or True) and lines(proc), "a line about the wait")
    box.write("tmp/go", "")
    proc.ends(0, timeout=60)
    equal(proc.lines(), [f"abstract {ABSTRACT}=ok"], "what the application reached")
    # Once each, and no third one.
    equal([line.split(": ")[1] for line in lines(proc)], ["inspect", "landlock"], "lines")


@test(timeout=120)
def watch_sees_a_display_that_starts_after_it():
    needs(6)
    box, proc = with_a_server_to_come(["--self-test=json", "--watch", "--devices=x11"])
    until(lambda: (proc._read(0.1) or True) and proc.lines(), "the first report", 30)
    box.write("tmp/go", "")
    until(lambda: (proc._read(0.1) or True) and are_good(proc)[-1], "a good report", 20)
    check(not are_good(proc)[0], "the first report, without a server, is good")
    watches_no_more(proc)


@test()
def a_listener_of_the_applications_own_user_is_no_display():
    """It could be there to have the scope taken away; nor does it make the gate look more often."""
    needs(6)
    for uid, want in ((UID, "EPERM"), (0, "ok"), (1000, "ok")):
        proc = Box().spawn([SHIM, "--", REACH, f"abstract:{ABSTRACT}"], env=X,
                           pre=listens_as(uid)).ends(0)
        equal(proc.lines(), [f"abstract {ABSTRACT}={want}"], f"with a listener of uid {uid}")
    box = probing()
    proc = box.spawn([PROBED_SHIM, "-w", "3", "--", APP, "exit", "7"],
                     env=plan("fail", DISPLAY=":7"), pre=listens_as(UID)).ends(69)
    # After pauses of 50, 100, 200, 400, 800 and 1000 ms, and at the end.
    check(3 <= len(runs(box)) <= 9, f"{len(runs(box))} runs of the probe in 3 s")
    equal([line.split(": ")[1] for line in lines(proc)], ["inspect", "x11.socket"], "lines")


@test()
def each_name_of_a_local_display_is_known():
    needs(6)
    for display, want in ((":7", "ok"), ("unix:7", "ok"), ("unix/:7", "ok"), ("unix/:7.0", "ok"),
                          ("unix//:7", "EPERM"), ("unix", "EPERM"), ("far:7", "EPERM")):
        proc = Box().spawn([SHIM, "--require=none", "--", REACH, f"abstract:{ABSTRACT}"],
                           env={"DISPLAY": display}, pre=listens_as(0)).ends(0)
        equal(proc.lines(), [f"abstract {ABSTRACT}={want}"], f"with DISPLAY={display}")
