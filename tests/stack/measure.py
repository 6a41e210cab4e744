"""What is measured on demand: the calls the applications make, and what confinement costs."""
import os
import statistics
import time

import policies
import tracing
from harness import check, equal, until
from scenarios import new_world, node, one, settings, why

TRACED = [("server", "server"), ("qt", "stremio"), ("webkit", "stremio"), ("chromium", "stremio")]


def traces():
    return [(traced(*how), 400) for how in TRACED] + [(trace_summary, 60)]


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
            tracer = world.start(node(view), (f"--policy={policy}", "--require=none", *settings["options"]),
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


PAIRS = 15
FRAMES = 300
# As fast as it goes: each of the clip's frames is drawn, none is waited for.
PLAY = ["/usr/bin/mpv", "--no-config", "--vo=gpu", "--gpu-context=x11egl", "--ao=null", "--untimed",
        "--audio=no", "--really-quiet", "--geometry=640x360+0+0", "/usr/share/stack/clip.mp4"]
ALONE = ("--require=none",)
FREE = (*ALONE, "--policy=none", "--landlock=off")


def player_cost(report):
    """The same clip, confined and not, in pairs in one run: wall and processor seconds."""
    with one(report, "player_costs_the_same_confined"):
        world = new_world("bench")
        taken = {"confined": [], "free": []}
        for turn in range(2 * PAIRS + 2):
            # Who is first of a pair changes with each.
            kind, options = (("confined", ALONE), ("free", FREE))[(turn + turn // 2) % 2]
            before, start = os.times(), time.monotonic()
            world.start(PLAY, options)
            until(lambda: world.ended() is not None, "the end of the clip", 60)
            equal(world.code, 0, f"status of the player ({world.said()})")
            after = os.times()
            spent = (after.children_user + after.children_system - before.children_user -
                     before.children_system)
            if turn > 1:                                        # the first two warm the caches
                taken[kind].append((time.monotonic() - start, spent))
        print(f"| mpv, {FRAMES} frames, median of {PAIRS} pairs | confined | not | ratio |\n"
              "|---|---:|---:|---:|", flush=True)
        ratios = {}
        for number, what in enumerate(("frames per second", "processor seconds")):
            confined, free = ([one[number] for one in taken[kind]] for kind in taken)
            ratios[what] = statistics.median(a / b for a, b in zip(confined, free))
            rows = [statistics.median(confined), statistics.median(free)]
            if number == 0:
                rows, ratios[what] = [FRAMES / row for row in rows], 1 / ratios[what]
            print(f"| {what} | {rows[0]:.2f} | {rows[1]:.2f} | {ratios[what]:.3f} |", flush=True)
        check(ratios["frames per second"] >= 0.98 and ratios["processor seconds"] <= 1.02,
              f"{ratios}, want 2 % at most")
