"""Starts and stops in a row, CYCLES of each kind (2): the last leaves as little as the first."""
import os

from harness import check, equal
from oracles import nothing_left
from scenarios import READY_TIMEOUT, new_world, node, one, scenario, settings, why

CYCLES = int(os.environ.get("CYCLES", "2"))


def sockets():
    """Local sockets with a name, and ports somebody listens on, of this network namespace."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
        found = {line.split()[7] for line in file if len(line.split()) > 7}
    for table, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        with open(f"/proc/net/{table}", encoding="ascii") as file:
            rows = [line.split() for line in file][1:]
        found |= {f"{table} {row[1]}" for row in rows if row[3] == state}
    return found


def cycles(report, name, view, options, status):
    """No process, no socket, no file in /tmp is left, and the port is free each time."""
    with one(report, f"{name}_leaves_nothing_however_often_it_is_started") as figure:
        world = new_world(f"cycles_{view}")
        before = sockets()
        for turn in range(1, CYCLES + 1):
            world.start(node(view), (*options, *settings["options"]))
            check(world.wait_for("it was ready", lambda said: said["state"] == "ready",
                                 READY_TIMEOUT), f"start {turn}: {why(world.report())}")
            code, seconds = world.stop()
            equal(code, status, f"status of stop {turn}")
            said = world.report()
            equal((said["state"], said["stopped"]), ("stopped", "SIGTERM"), "the server's word")
            nothing_left(world)
            equal(sockets() - before, set(), f"sockets after stop {turn}")
            left = [path for path in os.listdir(f"{world.root}/tmp") if path != ".X11-unix"]
            equal(left, [], f"what is left in /tmp after stop {turn}")
        figure(f"{CYCLES} times, the last stop took {seconds:.2f} s")


@scenario(120 * CYCLES)
def cycles_leave(report):
    """A shell that dies of TERM at once and leaves its server: it is ended in order, too."""
    cycles(report, "a_shell_that_leaves_its_server", "leave", ("--policy=server",), 128 + 15)


@scenario(120 * CYCLES)
def cycles_qt(report):
    cycles(report, "qt_with_its_player", "qt", (), 0)
