"""The usual failures of real components in a real instance, and that `stremio-incus doctor` has a
name and a cure for each."""
import os
import re
import subprocess

from harness import check, equal, until
from limits import ControlGroup
from oracles import nothing_left
from scenarios import (READY_TIMEOUT, new_instance, node, one, reaches, scenario, settings,
                       started, stops, why)

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "hooks",
                       "stremio-incus")


def diagnosed(*findings):
    """Each is a pattern of a line. What is said last may reach the console a moment later, and
    Incus gives out a running instance's once: all that doctor has said counts."""
    said = ""

    def found():
        nonlocal said
        done = subprocess.run(["sh", PROGRAM, "doctor", os.environ["STACK_INSTANCE"]],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", check=False, timeout=120)
        said += done.stdout + done.stderr
        return all(re.search(pattern, said, re.M) for pattern in findings)

    try:
        until(found, "the diagnosis", 30)
    except AssertionError:
        missing = [pattern for pattern in findings if not re.search(pattern, said, re.M)]
        raise AssertionError(f"doctor does not say {missing}: {said[-1500:]}") from None
    return said


# An old server that was left, as an application of its own.
SECOND = ("HOME=/var/tmp node /opt/stack/app.js server & "
          "until grep -qs listen.:.true /var/tmp/report.json; do sleep 0.1; done; "
          "exec node /opt/stack/app.js server")


@scenario(host=True)
def doctor_port_taken(report):
    with one(report, "doctor_names_the_taken_port"):
        world = new_instance("doctor")
        world.start(["/bin/sh", "-c", SECOND], ("--policy=server", *settings["options"]))
        reaches(world, "the attempt", lambda said: "listen" in said["failed"])
        # A server that does not listen has nothing to wait for.
        equal(world.wait_end(READY_TIMEOUT, "the attempt"), 0, "exit status")
        diagnosed(r"^fail +console +port 11470 is taken.*\n +-> incus restart ")
        nothing_left(world)


def refused_at_the_gate(report, what, finding, env=None, cookie=None):
    """Nothing is started without what is required, and the cure is named."""
    with one(report, f"doctor_names_{what}"):
        world = new_instance("doctor")
        if cookie:
            with open(f"{world.home}/.Xauthority", "r+b") as file:
                file.seek(-len(cookie), os.SEEK_END)
                file.write(cookie)
        started(world, "server", ("--policy=server", "--wait=1"), env)
        equal(world.wait_end(READY_TIMEOUT, "the start"), 69, f"exit status ({world.said()})")
        equal(world.report(), None, "the application's report")
        diagnosed(rf"^fail +console +as the shim would, .*the console says: stremio-shim: {finding}: .*"
                  rf"stremio-incus attach ")
        nothing_left(world)


@scenario(host=True)
def doctor_no_display(report):
    refused_at_the_gate(report, "the_missing_display", r"x11\.socket", {"DISPLAY": ":78"})


@scenario(host=True)
def doctor_wrong_cookie(report):
    refused_at_the_gate(report, "the_wrong_cookie", r"x11\.auth", cookie=os.urandom(16))


@scenario(host=True)
def doctor_sandbox(report):
    """Chromium's own may not be made, and a program of another name was not told."""
    with one(report, "doctor_names_the_browsers_sandbox"):
        world = new_instance("doctor")
        started(world, "chromium", env={"STACK_SANDBOX": "own"})
        reaches(world, "the end of the view", lambda said: "view.alive" in said["failed"])
        diagnosed(r"^fail +console +no usable sandbox.*\n +-> .*STREMIO_USERNS=allow")
        stops(world)


@scenario(host=True)
def incus_webkit_needs_nesting(report):
    """bwrap mounts a /proc of its own, which below lxcfs is refused: it stops WebKitGTK."""
    with one(report, "incus_webkit_own_sandbox_needs_nesting"):
        world = new_instance("incus_webkit_needs_nesting")
        started(world, "webkit", ("--userns=allow",))
        reaches(world, "the end of the view", lambda said: "view.alive" in said["failed"])
        diagnosed(r"^fail +console +no usable sandbox: WebKitGTK wants bubblewrap\n")
        stops(world)
        check("bwrap: Can't mount proc" in world.said(10**7), f"bwrap: {world.said()}")


@scenario(host=True)
def incus_no_network(report):
    """The profile gives no network: what is inside works, what asks for more is answered at once."""
    with one(report, "without_a_network_what_is_inside_works_and_doctor_says_why"):
        world = new_instance("incus_no_network")
        started(world, "server", ("--policy=server",), {"STACK_OUTSIDE": "1"})
        reaches(world, "the answers", lambda said: said["state"] == "ready" and
                {"outside.name", "outside.address"} <= set(said["failed"]))
        failed = world.report()["failed"]
        check("EAI_AGAIN" in failed["outside.name"], failed["outside.name"])
        check("ENETUNREACH" in failed["outside.address"], failed["outside.address"])
        # That there is no GPU either is the machine's, if so.
        gpu = () if os.path.isdir("/dev/dri") else (r"^warn +host\.gpu +no /dev/dri/renderD",)
        diagnosed(r"^fail +console +no network\n +-> stremio-incus stop ",
                  r"^fail +console +no name server answers\n", *gpu)
        stops(world)


@scenario(host=True)
def incus_out_of_memory(report):
    """A page takes all that the instance may have: the kernel ends its renderer, and no more."""
    with one(report, "renderer_killed_for_want_of_memory_takes_nothing_along") as figure:
        world = new_instance("incus_out_of_memory", "limits.memory=768MiB")
        started(world, "qt", env={"STACK_PAGE": "hog.html"})
        group = ControlGroup(world.pid)
        until(lambda: group.refused()[0], "the kernel's killing", READY_TIMEOUT)
        diagnosed(r"^fail +console +the web view is dead")
        names = {status["Name"] for status in world.processes().values()}
        check({"node", "qmlscene", "mpv"} <= names, f"left are {sorted(names)}")
        check("page" in world.report()["got"], why(world.report()))
        reaches(world, "the server's checks", lambda said: {"probe", "transcode"} <= set(said["got"]))
        figure(f"killed: {group.refused()[0]}")
        stops(world)
