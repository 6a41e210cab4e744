"""What is required is tried by the real probe before the application starts."""
import os

from harness import check, equal, until
from oracles import nothing_left
from scenarios import READY_TIMEOUT, new_world, node, one, scenario, settings, why


def refused(report, name, options, finding, env=None):
    """69, one line that names it and its cure, and no application."""
    with one(report, name) as figure:
        world = new_world("gate")
        world.start(node("server"), ("--policy=server", "--wait=1", *options,
                                     *settings["options"]), env)
        equal(world.wait_end(READY_TIMEOUT, "the start"), 69, f"exit status ({world.said()})")
        lines = [line for line in world.said(10**6).splitlines()
                 if line.startswith(f"stremio-shim: {finding}: ")]
        equal(len(lines), 1, f"lines of {finding} in {world.said()}")
        check(lines[0].endswith(")"), f"no cure: {lines[0]}")
        equal(world.report(), None, "the application's report")
        nothing_left(world)
        figure(lines[0])


@scenario()
def gate_no_display(report):
    refused(report, "required_display_that_is_not_there_is_refused", (), "x11.socket",
            {"DISPLAY": ":78"})


@scenario()
def gate_no_sound(report):
    """There is no sound card in this tier's container."""
    refused(report, "required_sound_that_is_not_there_is_refused", ("--require=x11,sound",),
            "sound.control")


@scenario()
def gate_waits(report):
    """The display's socket comes a moment after PID 1, as that of a proxy does."""
    with one(report, "display_that_comes_late_is_waited_for"):
        world = new_world("gate")
        there = f"{world.x11}/.X11-unix/X77"
        os.rename(there, f"{there}.away")
        world.start(node("server"), ("--policy=server", "--wait=60", *settings["options"]))
        until(lambda: os.path.exists(world.log) and
              "waits up to 60 s for x11.socket" in world.said(), "the shim's word", 30)
        equal(world.report(), None, "the application's report")
        os.rename(f"{there}.away", there)
        check(world.wait_for("it listened", lambda said: "listen" in said["got"], READY_TIMEOUT),
              why(world.report()))
        equal(world.stop()[0], 0, "exit status")
        nothing_left(world)
