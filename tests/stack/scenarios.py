"""The applications, and what must be true of each."""
import contextlib
import os
import select
import shutil
import time

from harness import check, equal, until
import policies
from oracles import (RATE, Screen, Watch, confined, filtered_by, no_segment_of_an_x_server,
                     no_stray_descriptor, nothing_left, tone)
from watched import STOP_TIMEOUT, Ended
from world import World
from xserver import DISPLAY

# When to give up; a machine with other work takes its time.
READY_TIMEOUT = 120
SCENARIOS = []
settings = {}


def configure(rootfs):
    build = os.path.abspath(os.environ.get("BUILD", "build"))
    settings.update(
        rootfs=rootfs, out=os.path.join(build, "stack", "run"),
        shots=os.path.join(build, "stack"), policy_tool=os.path.join(build, "stremio-policy"),
        shim=os.path.abspath(os.environ.get("SHIM", os.path.join(build, "stremio-shim"))),
        probe=os.path.join(build, "stremio-probe"),
        options=os.environ.get("SHIM_OPTIONS", "").split())


def readable(fd, seconds):
    return bool(select.select([fd], [], [], seconds)[0])


def scenario(timeout=240, host=False):
    """host: it needs Incus and looks on from the host, not from namespaces of its own."""
    def register(function):
        function.host = host
        SCENARIOS.append((function, timeout))
        return function
    return register


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


def new_world(name, own_network=True):
    return World(name, settings["rootfs"], settings["shim"], settings["probe"], settings["out"],
                 own_network)


def new_instance(name, *config):
    from world_incus import IncusWorld
    return IncusWorld(name, settings["rootfs"], settings["out"], config)


def node(*words):
    return ["/usr/bin/node", "/opt/stack/app.js", *words]


def why(report):
    """What the application did not get to work or lost, in its own words."""
    if not report:
        return "no report"
    failed = {name: text for name, text in report["failed"].items()
              if name in report["miss"] or name.endswith(".alive")}
    silent = [name for name in report["miss"] if name not in failed]
    return "; ".join([f"{name}: {text}" for name, text in sorted(failed.items())] +
                     ([f"nothing of {', '.join(silent)}"] if silent else []))


def complete(path, timeout=20):
    """Waits until a file of sound has not grown for a second, or when it is as long as the clip
    for a third of one: a player on a busy machine stops in between, but not there."""
    end = time.monotonic() + timeout
    size, since = -1, time.monotonic()
    while time.monotonic() < min(end, since + (0.3 if size >= 10 * 4 * RATE else 1)):
        now = os.path.getsize(path) if os.path.exists(path) else 0
        if now != size or not now:
            size, since = now, time.monotonic()
        time.sleep(0.1)
    return path


def started(world, view="qt", options=(), env=None):
    world.start(node(view), (*options, *settings["options"]), env)


def reaches(world, what, condition):
    check(world.wait_for(what, condition, READY_TIMEOUT), f"{what}: {why(world.report())}")


def stops(world):
    equal(world.stop()[0], 0, "exit status")
    nothing_left(world)


def application(report, name, view, policy="stremio", userns="deny", colours=None, sound=True,
                filters=None, ends=None, make=new_world):
    """Starts one, watches it, looks at its processes, stops it. With namespaces allowed it
    brings its own sandbox."""
    world = make(name)
    own = userns == "allow"
    watch = Watch(Screen(world.picture), colours or {})
    start = time.monotonic()
    world.start(node(view), (f"--policy={policy}", f"--userns={userns}", *settings["options"]),
                {"STACK_SANDBOX": "own"} if own else {})

    def ready(said):
        if colours:
            watch.look()
        return said["state"] == "ready" and watch.enough()

    def decided(said):
        return ready(said) or any(what.endswith(".alive") for what in said["failed"])

    with one(report, f"{name}_works") as figure:
        world.wait_for("it was ready", decided, READY_TIMEOUT)
        said = world.report()
        check(not why(said), f"{why(said)}; log: {world.said(300)}")
        figure(f"ready after {time.monotonic() - start:.1f} s")
        figure(said["got"])
        if view == "webkit" and not own:
            check("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS" in said["environment"],
                  "WebKitGTK is not told to do without namespaces")
    if world.ended() is not None:
        return
    if colours:
        watch.settle()
        with one(report, f"{name}_is_seen") as figure:
            figure(watch.verdict())
        Screen.save(watch.last, os.path.join(world.dir, "screen.png"))
        shutil.copy(os.path.join(world.dir, "screen.png"),
                    os.path.join(settings["shots"], f"{name}.png"))
        with one(report, f"{name}_sends_its_pictures"):
            no_segment_of_an_x_server(world)
    if sound:
        with one(report, f"{name}_is_heard") as figure:
            figure(tone(complete(f"{world.home}/audio.wav")))
    with one(report, f"{name}_is_confined") as figure:
        found = confined(world, own)
        figure(found)
        for kind, count in (filters or {}).items():
            equal(found.get(kind), count, f"filters on {kind}")
        said = world.report()
        check("QTWEBENGINE_DISABLE_SANDBOX" not in said["environment"], "Qt's sandbox is off")
        no_stray_descriptor(world)
    with one(report, f"{name}_has_the_filter_as_compiled") as figure:
        figure(filtered_by(world, policies.code(settings["policy_tool"], policy, userns,
                                                os.path.join(world.dir, "policy.bpf"))))
    with one(report, f"{name}_stops_in_order") as figure:
        code, seconds = world.stop()
        figure(f"{seconds:.2f} s")
        equal(code, 0, "exit status")
        check(seconds < STOP_TIMEOUT, f"took {seconds:.2f} s: somebody had to be killed")
        said = world.report()
        figure(said["ended"])
        equal((said["state"], said["stopped"]), ("stopped", "SIGTERM"), "the application's word")
        for child, how in (ends or {}).items():
            check(said["ended"].get(child) in how,
                  f"{child} ended with {said['ended'].get(child)}, want {how}")
        nothing_left(world)


# What each must show. left, right: of the screen, the fewest colours that are a picture.
QT = {"view": "qt", "colours": {"left": 1000, "right": 200},
      "filters": {"node": 1, "mpv": 1, "qmlscene": 1, "renderer": 2},
      "ends": {"mpv": (4,), "view": (0, "SIGTERM")}}
WEBKIT = {"view": "webkit", "colours": {"left": 1000, "right": 100},
          "filters": {"node": 1, "python3": 1}, "ends": {"view": (0,)}}
CHROMIUM = {"view": "chromium", "colours": {"left": 1000, "right": 200},
            "filters": {"node": 1, "mpv": 1, "chromium": 1},
            "ends": {"mpv": (4,), "view": (0, 143, "SIGTERM")}}
SERVER = {"view": "server", "policy": "server", "sound": False, "filters": {"node": 1}}


@scenario()
def server(report):
    """Node.js and ffmpeg, no window."""
    application(report, "server", **SERVER)


@scenario()
def qt(report):
    """Stremio 4: the renderer keeps its own filter under ours."""
    application(report, "qt", **QT)


@scenario()
def webkit(report):
    """Stremio 5: GTK 4, WebKitGTK without its own sandbox, libmpv drawing into the window."""
    application(report, "webkit", **WEBKIT)


@scenario()
def chromium(report):
    """The builds with CEF: Chromium without its own sandbox, mpv."""
    application(report, "chromium", **CHROMIUM)


@scenario(host=True)
def incus_server(report):
    application(report, "incus_server", **SERVER, make=new_instance)


@scenario(host=True)
def incus_qt(report):
    application(report, "incus_qt", **QT, make=new_instance)


@scenario(host=True)
def incus_webkit(report):
    application(report, "incus_webkit", **WEBKIT, make=new_instance)


@scenario(host=True)
def incus_chromium(report):
    application(report, "incus_chromium", **CHROMIUM, make=new_instance)


@scenario(host=True)
def incus_chromium_own_sandbox(report):
    """With namespaces allowed Chromium's renderers get its sandbox, under our filter."""
    application(report, "incus_chromium_own_sandbox", userns="allow", make=new_instance,
                **{**CHROMIUM, "filters": {**CHROMIUM["filters"], "renderer": 2}})


@scenario(host=True)
def incus_qt_own_sandbox(report):
    """Its zygote makes namespaces; the renderer has its own filter there, too."""
    application(report, "incus_qt_own_sandbox", userns="allow", make=new_instance, **QT)


@scenario(host=True)
def incus_webkit_own_sandbox(report):
    """bwrap mounts a /proc of its own: below lxcfs only where Incus keeps a bare one for it."""
    application(report, "incus_webkit_own_sandbox", userns="allow",
                make=lambda name: new_instance(name, "security.nesting=true"), **WEBKIT)


# Printed by the page's own script, in a renderer.
HELLO = "data:text/html,<script>document.write(6*7)</script>"


@scenario()
def chromium_alone(report):
    """Started by the shim itself, Chromium is known and told to do without namespaces."""
    with one(report, "chromium_as_the_command_is_told_to_do_without_namespaces"):
        world = new_world("chromium_alone")
        world.start(["/usr/bin/chromium", "--headless", "--disable-gpu", "--dump-dom", HELLO],
                    settings["options"])
        equal(world.wait_end(READY_TIMEOUT, "the start"), 0, f"status ({world.said()})")
        check("<body>42</body>" in world.said(4000).replace(HELLO[15:-9], ""),
              f"no page: {world.said()}")
        check("sandbox: Chromium does without" in world.said(10**7), "no word of the sandbox")


# A client of the X library: tries the abstract socket first, the path only if nobody listens.
X_CLIENT = """import ctypes
display = ctypes.CDLL("libX11.so.6")
display.XOpenDisplay.restype = ctypes.c_void_p
raise SystemExit(0 if display.XOpenDisplay(None) else 1)
"""


@scenario()
def x_server_inside(report):
    """An X server whose abstract socket is in the container's network namespace is reached."""
    with one(report, "x_server_in_the_same_namespace_is_reached"):
        world = new_world("x_inside", own_network=False)
        with open("/proc/net/unix", encoding="ascii") as file:
            check(f"@/tmp/.X11-unix/X{DISPLAY[1:]}" in file.read(), "no abstract socket")
        world.start(["/usr/bin/python3", "-c", X_CLIENT], settings["options"])
        until(lambda: world.ended() is not None, "the end of the client", READY_TIMEOUT)
        equal(world.code, 0, f"status ({world.said()})")
