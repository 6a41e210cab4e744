"""Runs that must go wrong: wrong policies, calls taken away, and what the oracles must notice."""
import array
import math
import os

import policies
from harness import check, equal
from oracles import RATE, Screen, Watch, confined, tone
from scenarios import READY_TIMEOUT, new_world, node, one, scenario, settings, why
from watched import Ended


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
        watch = Watch(Screen(world.picture), {"left": 100})
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
        for i in range(RATE):           # whole periods: one second is like the next
            samples.extend([int(level * math.sin(2 * math.pi * hertz * i / RATE))] * 2)
        samples *= seconds
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


# Of Chromium's code in the log: a process of it ended itself, or a page lost the one it had.
LOST = ("FATAL:", "render process terminated")


def under(world, text, view, env=None, timeout=25):
    """Starts an application under a policy of ours; gives back in one line what went wrong."""
    path = os.path.join(world.dir, "variant.policy")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    bpf = policies.compiled(settings["policy_tool"], path, os.path.join(world.dir, "variant.bpf"))
    # The probe would be under it, too: what is looked at is the application.
    world.start(node(view), (f"--policy={world.give(bpf, 'variant.bpf')}", "--require=none",
                             *settings["options"]), env)

    def lost():
        return any(word in world.said(4000) for word in LOST)

    def decided(said):
        # What is said of the player is its state so far, all else is final.
        return (said["state"] == "ready" or lost() or
                any(not n.startswith("player.") for n in said["failed"]))

    try:
        world.wait_for("it was decided", decided, timeout)
    except Ended as reason:
        return str(reason)
    said = world.report()
    wrong = None
    if said is None or why(said) or lost():
        wrong = f"{why(said)}; log: {world.said(2000)}"
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
        equal(under(world, policies.variant("stremio", {}), "qt", timeout=READY_TIMEOUT), None,
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


# Each was seen to be fatal to Stremio 4 with the errno given when nothing else is denied, and is
# here with the application that shows it soonest: the quick one, or all of Qt's.
# (epoll_pwait is another: newer libuv calls nothing else, that of this Debian epoll_wait.)
KNOCKOUTS = (
    [(call, "ENOSYS", "quick") for call in (
        "getrandom", "eventfd2", "pipe2", "socketpair", "ftruncate", "readlink", "access",
        "uname", "semget", "shmget", "inotify_init1", "fdatasync", "rename")] +
    [(call, "EPERM", "quick") for call in (
        "shmat", "semctl", "semtimedop", "inotify_add_watch", "clone3")] +
    [(call, "ENOSYS", "qt") for call in (
        "capset", "prctl", "prlimit64", "getresuid", "madvise")] +
    [("statx", "EPERM", "qt")])


def knockout(call, errno, view):
    """A scenario: this call taken from the policy must turn the application red."""
    def run(report):
        with one(report, run.__name__) as figure:
            world = new_world("knockout")
            wrong = under(world, policies.variant("stremio", {call: errno}), view)
            check(wrong is not None, "everything worked without it")
            figure(wrong[:300])
    run.__name__ = f"knockout_{call}_{errno}_turns_red"
    return run


@scenario()
def knockouts_have_their_control(report):
    """What misses one call of the policy misses none when nothing is taken from it."""
    with one(report, "quick_application_misses_nothing"):
        world = new_world("knockout")
        equal(under(world, policies.variant("stremio", {}), "quick", timeout=READY_TIMEOUT), None,
              "what went wrong")


for how in KNOCKOUTS:
    scenario()(knockout(*how))


def knockouts_of_all():
    """The same, each with all of the Qt application: for each name what Stremio 4 misses."""
    return [(knockout(call, errno, "qt"), 60) for call, errno, _ in KNOCKOUTS]
