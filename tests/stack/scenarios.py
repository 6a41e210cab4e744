"""The applications, what must be true of each, and runs that must go wrong."""
import contextlib
import os
import select
import shutil
import time

from harness import check, equal
from oracles import Screen, Watch, confined, no_stray_descriptor, nothing_left, tone
from world import Ended, World

READY_TIMEOUT = 60
SCENARIOS = []
settings = {}


def configure(rootfs):
    build = os.path.abspath(os.environ.get("BUILD", "build"))
    settings.update(
        rootfs=rootfs, out=os.path.join(build, "stack", "run"),
        shots=os.path.join(build, "stack"), policy_tool=os.path.join(build, "stremio-policy"),
        shim=os.path.abspath(os.environ.get("SHIM", os.path.join(build, "stremio-shim"))),
        options=os.environ.get("SHIM_OPTIONS", "").split())


def readable(fd, seconds):
    return bool(select.select([fd], [], [], seconds)[0])


def scenario(timeout=120):
    def register(function):
        SCENARIOS.append((function, timeout))
        return function
    return register


def listed(knockouts):
    return [] if knockouts else SCENARIOS


@contextlib.contextmanager
def one(report, name):
    """One promise: its outcome is reported, and the next ones are looked at all the same."""
    figures = []
    try:
        yield figures.append
    except (AssertionError, Ended) as reason:
        report("not ok", name, str(reason))
    else:
        report("ok", name, ", ".join(str(f) for f in figures))


def new_world(name):
    return World(name, settings["rootfs"], settings["shim"], settings["out"])


def node(*words):
    return ["/usr/bin/node", "/opt/stack/app.js", *words]


def why(report):
    """What the application did not get to work or lost, in its own words."""
    if not report:
        return "no report"
    said = {name: report["failed"].get(name, "nothing came") for name in report["miss"] + [
        name for name in report["failed"] if name.endswith(".alive")]}
    return "; ".join(f"{name}: {text}" for name, text in said.items())


def complete(path, timeout=20):
    """Waits until a file of sound has not grown for a second."""
    end = time.monotonic() + timeout
    size, since = -1, time.monotonic()
    while time.monotonic() < min(end, since + 1):
        now = os.path.getsize(path) if os.path.exists(path) else 0
        if now != size or not now:
            size, since = now, time.monotonic()
        time.sleep(0.1)
    return path


def application(report, name, view, options=(), env=None, colours=None, sound=True,
                filters=None, ends=None, own_namespaces=False):
    """Starts one, watches it, looks at its processes, stops it."""
    world = new_world(name)
    watch = Watch(Screen(f"{world.x11}/Xvfb_screen0"), colours or {})
    start = time.monotonic()
    world.start(node(view), (*options, *settings["options"]), env)

    def ready(said):
        if colours:
            watch.look()
        return said["state"] == "ready" and watch.enough()

    with one(report, f"{name}_works") as figure:
        world.wait_for("it was ready", ready, READY_TIMEOUT)
        said = world.report()
        check(not why(said), f"{why(said)}; log: {world.said(300)}")
        figure(f"ready after {time.monotonic() - start:.1f} s")
        figure(said["got"])
    if world.ended() is not None:
        return
    if colours:
        with one(report, f"{name}_is_seen") as figure:
            figure(watch.verdict())
        Screen.save(watch.last, os.path.join(world.dir, "screen.png"))
        shutil.copy(os.path.join(world.dir, "screen.png"),
                    os.path.join(settings["shots"], f"{name}.png"))
    if sound:
        with one(report, f"{name}_is_heard") as figure:
            figure(tone(complete(f"{world.home}/audio.wav")))
    with one(report, f"{name}_is_confined") as figure:
        found = confined(world, own_namespaces)
        figure(found)
        for kind, count in (filters or {}).items():
            equal(found.get(kind), count, f"filters on {kind}")
        said = world.report()
        check("QTWEBENGINE_DISABLE_SANDBOX" not in said["environment"], "Qt's sandbox is off")
        no_stray_descriptor(world)
    with one(report, f"{name}_stops_in_order") as figure:
        code, seconds = world.stop()
        figure(f"{seconds:.2f} s")
        equal(code, 0, "exit status")
        check(seconds < 5, f"took {seconds:.2f} s")
        said = world.report()
        figure(said["ended"])
        equal((said["state"], said["stopped"]), ("stopped", "SIGTERM"), "the application's word")
        for child, how in (ends or {}).items():
            check(said["ended"].get(child) in how,
                  f"{child} ended with {said['ended'].get(child)}, want {how}")
        nothing_left(world)


@scenario()
def server(report):
    """Node.js and ffmpeg, no window."""
    application(report, "server", "server", ("--policy=server",), sound=False,
                filters={"node": 1})


@scenario()
def qt(report):
    """Stremio 4: the renderer keeps its own filter under ours."""
    application(report, "qt", "qt", colours={"left": 1000, "right": 200},
                filters={"node": 1, "mpv": 1, "qmlscene": 1, "renderer": 2},
                ends={"mpv": (4,), "view": (0, "SIGTERM")})


@scenario()
def webkit(report):
    """Stremio 5: GTK 4, WebKitGTK without its own sandbox, libmpv drawing into the window."""
    application(report, "webkit", "webkit", colours={"left": 1000, "right": 100},
                filters={"node": 1, "python3": 1}, ends={"view": (0,)})


@scenario()
def chromium(report):
    """The builds with CEF: Chromium without its own sandbox, mpv."""
    application(report, "chromium", "chromium", colours={"left": 1000, "right": 200},
                filters={"node": 1, "mpv": 1, "chromium": 1},
                ends={"mpv": (4,), "view": (0, 143, "SIGTERM")})


@scenario()
def chromium_own_sandbox(report):
    """With namespaces allowed Chromium's renderers get its sandbox, under our filter."""
    application(report, "chromium_own_sandbox", "chromium", ("--userns=allow",),
                {"STACK_SANDBOX": "own"}, colours={"left": 1000, "right": 200},
                filters={"node": 1, "mpv": 1, "chromium": 1, "renderer": 2},
                ends={"mpv": (4,), "view": (0, 143, "SIGTERM")}, own_namespaces=True)


@scenario()
def webkit_own_sandbox(report):
    """With namespaces allowed WebKitGTK runs its processes in bwrap."""
    application(report, "webkit_own_sandbox", "webkit", ("--userns=allow",),
                {"STACK_SANDBOX": "own"}, colours={"left": 1000, "right": 100},
                filters={"node": 1, "python3": 1}, ends={"view": (0,)}, own_namespaces=True)
