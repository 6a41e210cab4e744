"""The applications, what must be true of each, and runs that must go wrong."""
import array
import contextlib
import math
import os
import select
import shutil
import time

from harness import check, equal, until
import policies
import tracing
from oracles import (RATE, Screen, Watch, confined, filtered_by, no_stray_descriptor, nothing_left,
                     tone)
from world import DISPLAY, Ended, World

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


def listed(mode):
    """The scenarios of a mode: "", "knockouts" or "trace"."""
    if mode == "knockouts":
        return [(knockout(*how), 60) for how in KNOCKOUTS]
    if mode == "trace":
        return [(traced(*how), 400) for how in TRACED] + [(trace_summary, 60)]
    return SCENARIOS


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
    return World(name, settings["rootfs"], settings["shim"], settings["out"], own_network)


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
    """Waits until a file of sound has not grown for a second."""
    end = time.monotonic() + timeout
    size, since = -1, time.monotonic()
    while time.monotonic() < min(end, since + 1):
        now = os.path.getsize(path) if os.path.exists(path) else 0
        if now != size or not now:
            size, since = now, time.monotonic()
        time.sleep(0.1)
    return path


def application(report, name, view, policy="stremio", userns="deny", colours=None, sound=True,
                filters=None, ends=None):
    """Starts one, watches it, looks at its processes, stops it. With namespaces allowed it
    brings its own sandbox."""
    world = new_world(name)
    own = userns == "allow"
    watch = Watch(Screen(f"{world.x11}/Xvfb_screen0"), colours or {})
    start = time.monotonic()
    world.start(node(view), (f"--policy={policy}", f"--userns={userns}", *settings["options"]),
                {"STACK_SANDBOX": "own"} if own else {})

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
    application(report, "server", "server", policy="server", sound=False,
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
    application(report, "chromium_own_sandbox", "chromium", userns="allow",
                colours={"left": 1000, "right": 200},
                filters={"node": 1, "mpv": 1, "chromium": 1, "renderer": 2},
                ends={"mpv": (4,), "view": (0, 143, "SIGTERM")})


@scenario()
def webkit_own_sandbox(report):
    """With namespaces allowed WebKitGTK runs its processes in bwrap."""
    application(report, "webkit_own_sandbox", "webkit", userns="allow",
                colours={"left": 1000, "right": 100},
                filters={"node": 1, "python3": 1}, ends={"view": (0,)})


@scenario()
def leave(report):
    """A shell that dies of TERM at once and leaves its server: it is ended in order, too."""
    world = new_world("leave")
    cycles = int(os.environ.get("CYCLES", "2"))
    with one(report, "leftover_server_is_ended_and_its_port_free") as figure:
        for turn in range(cycles):
            world.start(node("leave"), ("--policy=server", *settings["options"]))
            check(world.wait_for("it was ready", lambda said: said["state"] == "ready", 30),
                  f"start {turn + 1}: {why(world.report())}")
            code, seconds = world.stop()
            equal(code, 128 + 15, f"status of stop {turn + 1}")
            said = world.report()
            equal((said["state"], said["stopped"]), ("stopped", "SIGTERM"), "the server's word")
            nothing_left(world)
            left = [name for name in os.listdir(f"{world.root}/tmp") if name != ".X11-unix"]
            equal(left, [], "what is left in /tmp")
        figure(f"{cycles} times, the last stop took {seconds:.2f} s")


@scenario()
def renderer_dies(report):
    """A web page that crashes takes nothing else with it, and the stop is in order."""
    with one(report, "renderer_that_crashes_takes_nothing_along"):
        world = new_world("renderer_dies")
        world.start(node("qt"), settings["options"])
        check(world.wait_for("the page was there", lambda said: "page" in said["got"], 40),
              why(world.report()))
        renderers = [pid for pid, status in world.processes().items()
                     if "--type=renderer" in status["cmdline"]]
        equal(len(renderers), 1, "renderers")
        os.kill(renderers[0], 11)
        until(lambda: "renderer ended:" in world.said(), "the view's word of it")
        names = {status["Name"] for status in world.processes().values()}
        check({"node", "qmlscene", "mpv"} <= names, f"left are {sorted(names)}")
        equal(world.stop()[0], 0, "exit status")
        nothing_left(world)


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
        until(lambda: world.ended() is not None, "the end of the client")
        equal(world.code, 0, f"status ({world.said()})")


@scenario()
def oracles_notice(report):
    """What the tests look with is shown what is wrong, and must say so."""
    world = new_world("oracles")

    def noticed(name, look, word):
        with one(report, f"oracle_notices_{name}") as figure:
            try:
                look()
            except AssertionError as reason:
                check(word in str(reason), f"noticed something else: {reason}")
                figure(reason)
            else:
                check(False, "it did not")

    def blank():
        watch = Watch(Screen(f"{world.x11}/Xvfb_screen0"), {"left": 100})
        watch.look()
        watch.verdict()

    def unconfined(*options):
        world.start(node("server"), options)
        check(world.wait_for("it listened", lambda said: "listen" in said["got"], 20), "no start")
        try:
            confined(world)
        finally:
            world.kill()

    def sound(hertz, level, seconds=10):
        samples = array.array("h")
        for i in range(seconds * RATE):
            samples.extend([int(level * math.sin(2 * math.pi * hertz * i / RATE))] * 2)
        path = os.path.join(world.dir, "wrong.wav")
        with open(path, "wb") as file:
            file.write(b"RIFF" + bytes(32) + b"data" + bytes(4) + samples.tobytes())
        tone(path)

    noticed("a_blank_screen", blank, "colours at most")
    noticed("another_tone", lambda: sound(446, 5000), "Hz, want")
    noticed("silence", lambda: sound(440, 20), "silence")
    noticed("a_short_sound", lambda: sound(440, 5000, 9), "s of sound")
    noticed("a_missing_filter", lambda: unconfined("--policy=none"), "Seccomp is")
    noticed("another_group", lambda: unconfined("--user=1000:4"), "Gid is")


def under(world, text, view, env=None, timeout=25):
    """Starts an application under a policy of ours; gives back in one line what went wrong."""
    path = os.path.join(world.dir, "variant.policy")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    bpf = policies.compiled(settings["policy_tool"], path, os.path.join(world.dir, "variant.bpf"))
    world.start(node(view), (f"--policy={world.give(bpf, 'variant.bpf')}", *settings["options"]),
                env)

    def decided(said):
        return said["state"] == "ready" or any(n.endswith(".alive") for n in said["failed"])

    try:
        world.wait_for("it was decided", decided, timeout)
    except Ended as reason:
        return str(reason)
    said = world.report()
    wrong = f"{why(said)}; log: {world.said(2000)}" if said is None or why(said) else None
    world.kill()
    return wrong


def goes_wrong(report, name, view, text, words, env=None):
    """A run that must fail, and in the way that is known."""
    with one(report, name) as figure:
        world = new_world(name)
        wrong = under(world, text, view, env)
        check(wrong is not None, "everything worked")
        check(any(word in wrong for word in words), f"went wrong otherwise: {wrong}")
        figure(wrong[:300])


@scenario()
def shipped_text_is_what_is_compiled(report):
    """The negative controls differ from this one by a line each: it must work."""
    with one(report, "policy_from_its_text_works"):
        world = new_world("control")
        equal(under(world, policies.variant("stremio", {}), "qt", timeout=40), None,
              "what went wrong")


@scenario()
def clone3_answered_eperm(report):
    """glibc asks for clone3 first and takes EPERM for the answer."""
    goes_wrong(report, "clone3_with_eperm_is_fatal", "qt",
               policies.variant("stremio", {"clone3": "EPERM"}), ("PID 1 ended with",))


def namespaces_with_enosys(report, view):
    """Chromium's code takes EPERM for an answer, ENOSYS for a bug."""
    text = policies.variant("stremio", {})
    check("errno EPERM clone\n" in text, "the policy has changed its words")
    goes_wrong(report, f"namespaces_with_enosys_are_fatal_to_{view}", view,
               text.replace("errno EPERM clone\n", "errno ENOSYS clone\n"),
               ("Function not implemented",), {"STACK_SANDBOX": "own"})


@scenario()
def qt_namespaces_enosys(report):
    namespaces_with_enosys(report, "qt")


@scenario()
def chromium_namespaces_enosys(report):
    namespaces_with_enosys(report, "chromium")


@scenario()
def thin_list(report):
    """A filter that was not measured does not even start Node.js."""
    with open(os.path.join(policies.here, "thin.policy"), encoding="utf-8") as file:
        goes_wrong(report, "thin_list_is_fatal", "server", file.read(),
                   ("PID 1 ended with 127",))


# Each was seen to be fatal to Stremio 4 with the errno given when nothing else is denied.
# (epoll_pwait is another: newer libuv calls nothing else, that of this Debian epoll_wait.)
KNOCKOUTS = [(call, "ENOSYS") for call in (
    "capset", "prctl", "prlimit64", "getrandom", "getresuid", "madvise", "eventfd2", "pipe2",
    "socketpair", "ftruncate", "readlink", "access", "uname", "semget", "shmget",
    "inotify_init1", "fdatasync", "rename")] + [(call, "EPERM") for call in (
        "shmat", "semctl", "semtimedop", "inotify_add_watch", "clone3",
        "statx")]


def knockout(call, errno):
    """A scenario: this call taken from the policy must turn the Qt application red."""
    def run(report):
        with one(report, run.__name__) as figure:
            world = new_world("knockout")
            wrong = under(world, policies.variant("stremio", {call: errno}), "qt")
            check(wrong is not None, "everything worked without it")
            figure(wrong)
    run.__name__ = f"knockout_{call}_{errno}_turns_red"
    return run


TRACED = [("server", "server"), ("qt", "stremio"), ("webkit", "stremio"), ("chromium", "stremio")]


def trace_directory():
    path = os.path.join(settings["out"], "..", "trace")
    os.makedirs(path, exist_ok=True)
    return path


def traced(view, policy):
    """A scenario: the application is ready under strace, too; what it called is kept."""
    def run(report):
        with one(report, run.__name__) as figure:
            world = new_world("traced")
            path = os.path.join(world.dir, "strace")
            tracer = world.start(node(view), (f"--policy={policy}", *settings["options"]),
                                 before=tracing.attach(path))
            check(world.wait_for("it was ready", lambda said: said["state"] == "ready", 240),
                  why(world.report()))
            time.sleep(3)
            world.stop(timeout=60)
            tracer.wait(30)
            calls, refused = tracing.read(path)
            os.unlink(path)
            tracing.keep(os.path.join(trace_directory(), f"{view}.json"), calls, refused)
            figure(f"{sum(calls.values())} calls of {len(calls)} names")
    run.__name__ = f"{view}_is_traced"
    return run


def trace_summary(report):
    """calls.txt, refused.txt, and on stdout what the policy allows in vain."""
    with one(report, "summary_of_traces"):
        rules = tracing.allowed(settings["policy_tool"],
                              os.path.join(policies.SHIPPED, "stremio.policy"))
        unused = tracing.summary(trace_directory(), rules)
        print(f"    allowed, not called: {' '.join(unused)}", flush=True)
