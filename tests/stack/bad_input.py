"""What is missing, full, taken or broken: the application's state and its message are right, the
stop is in order, and nothing is left."""
import errno
import json
import os
import signal
import socket

from harness import MS_BIND, MS_NODEV, MS_NOSUID, check, equal, mount, until
from oracles import Screen, Watch, nothing_left
from scenarios import READY_TIMEOUT, new_world, node, one, reaches, scenario, started, stops, why


def playing(said):
    """mpv shows frames, whatever else it lacks."""
    asked = said["failed"].get("player.frames", "").partition(" yet: ")[2]
    return "player.frames" in said["got"] or bool(
        asked and (json.loads(asked).get("estimated-frame-number") or 0) > 10)


def renderer_ends(report, sig):
    """A web page that crashes takes nothing else with it."""
    with one(report, f"renderer_ended_by_{sig.name}_takes_nothing_along"):
        world = new_world("renderer_dies")
        started(world)
        reaches(world, "the page", lambda said: "page" in said["got"])
        renderers = [pid for pid, status in world.processes().items()
                     if "--type=renderer" in status["cmdline"]]
        equal(len(renderers), 1, "renderers")
        os.kill(renderers[0], sig)
        until(lambda: "render process terminated" in world.said(), "the view's word of it", 30)
        names = {status["Name"] for status in world.processes().values()}
        check({"node", "qmlscene", "mpv"} <= names, f"left are {sorted(names)}")
        stops(world)


@scenario()
def renderer_crashes(report):
    renderer_ends(report, signal.SIGSEGV)


@scenario()
def renderer_killed(report):
    """As the kernel does it when memory is short."""
    renderer_ends(report, signal.SIGKILL)


@scenario()
def no_display(report):
    """The windows end, the server goes on and is stopped in order."""
    with one(report, "without_a_display_the_server_goes_on"):
        world = new_world("no_display")
        started(world, options=("--require=none",), env={"DISPLAY": ":78"})
        reaches(world, "the end of the view and the server's checks",
                lambda said: "view.alive" in said["failed"] and "probe" in said["got"])
        stops(world)


@scenario()
def no_sound(report):
    """Without a card, and without what stands for one here, the picture moves all the same."""
    with one(report, "without_sound_the_picture_moves"):
        world = new_world("no_sound")
        os.unlink(f"{world.home}/.asoundrc")
        watch = Watch(Screen(world.picture), {"left": 1000})
        started(world)

        def seen(said):
            watch.look()
            return playing(said) and watch.enough()

        reaches(world, "a moving picture", seen)
        equal(world.report()["got"].get("player.ao"), None, "sound output")
        with open(f"{world.home}/mpv.log", encoding="utf-8", errors="replace") as file:
            check("Could not open/initialize audio device" in file.read(), "mpv does not say so")
        stops(world)


@scenario()
def small_shm(report):
    """One megabyte of shared memory is somebody's decision: it stays, and is warned of."""
    with one(report, "one_mib_of_dev_shm_is_told_and_takes_only_the_page"):
        world = new_world("small_shm")
        os.mkdir(f"{world.root}/dev/shm")
        mount("shm", f"{world.root}/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777,size=1m")
        started(world)
        reaches(world, "the player and the server", lambda said: playing(said) and
                {"probe", "transcode", "files"} <= set(said["got"]))
        check("prepare: less than 64 MiB on '/dev/shm'" in world.said(10**7), world.said())
        missing = [name for name in world.report()["miss"] if name.startswith("page")]
        check(missing, "the page worked: it needs no more than a megabyte")
        stops(world)


@scenario()
def corrupt_clip(report):
    """The player ends with its error, what reads the clip says so, the page stays."""
    with one(report, "corrupt_clip_is_told_and_takes_only_the_player"):
        world = new_world("corrupt_clip")
        clip = f"{world.root}/usr/share/stack/clip.mp4"
        wrong = os.path.join(world.dir, "clip.mp4")
        with open(clip, "rb") as file, open(wrong, "wb") as copy:
            data = file.read()
            # The right first box (ftyp, 32 bytes), then noise.
            copy.write(data[:32] + os.urandom(len(data) - 32))
        mount(wrong, clip, None, MS_BIND)
        started(world)
        reaches(world, "the failures and the page", lambda said: {"probe", "transcode"} <= set(
            said["failed"]) and "mpv.alive" in said["failed"] and "page.webgl" in said["got"])
        failed = world.report()["failed"]
        check("Invalid data" in failed["probe"] or "moov" in failed["probe"], failed["probe"])
        check("ended: 2" in failed["mpv.alive"], failed["mpv.alive"])
        check("view.alive" not in failed, "the view has ended, too")
        stops(world)


@scenario()
def port_taken(report):
    """A server that finds its port taken says so; the one that has it is not disturbed."""
    with one(report, "taken_port_is_told"):
        world = new_world("port_taken")
        # In the world's network namespace, so not before the world.
        with socket.socket() as other:
            other.bind(("0.0.0.0", 11470))
            other.listen()
            started(world, "server", ("--policy=server",))
            reaches(world, "the attempt", lambda said: "listen" in said["failed"])
            check("EADDRINUSE" in world.report()["failed"]["listen"], why(world.report()))
            equal(world.stop()[0], 0, "exit status")


def ends_by_itself(world, word):
    """The application's own failure is the status of PID 1."""
    started(world, "server", ("--policy=server",))
    world.wait_end(READY_TIMEOUT, "the start")
    check(world.code == 1 and word in world.said(2000), f"{world.code}: {world.said()}")
    nothing_left(world)


@scenario()
def read_only_home(report):
    with one(report, "read_only_home_is_not_hidden"):
        world = new_world("read_only_home")
        world.make_home_read_only()
        ends_by_itself(world, "EROFS")


@scenario()
def full_disk(report):
    with one(report, "full_disk_is_not_hidden"):
        world = new_world("full_disk")
        mount("full", f"{world.root}/home/stremio", "tmpfs", MS_NOSUID | MS_NODEV,
              f"mode=700,uid={world.uid},gid={world.uid},size=64k")
        world.x_server.cookie(f"{world.root}/home/stremio/.Xauthority", world.uid)
        with open(f"{world.root}/home/stremio/fills", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError as error:
                equal(error.errno, errno.ENOSPC, "what filled it")
        ends_by_itself(world, "ENOSPC")
