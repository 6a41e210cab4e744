"""The profile's limits: that they are in force here, and (LIMITS=1) what the applications take of
them while they play large clips."""
import os
import re
import subprocess
import time

from harness import MS_BIND, check, equal, mount, until
from oracles import nothing_left
from scenarios import new_instance, node, one, scenario, settings, why

MIB = 1 << 20
PROFILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "incus-profile.yaml")


class ControlGroup:
    """An instance's, as the host sees it: of the first version of cgroups, or the second."""

    def __init__(self, pid):
        self.pid, self.directories = pid, {}
        with open(f"/proc/{pid}/cgroup", encoding="ascii") as file:
            for line in file.read().splitlines():
                _, names, path = line.split(":", 2)
                path = re.match(r".*/lxc\.payload\.[^/]+", path)
                for name in names.split(",") if path else ():
                    self.directories[name] = f"/sys/fs/cgroup/{name}{path[0]}"

    def read(self, controller, *names):
        """The text of the first of the files that is there, or None."""
        for name in names:
            for directory in (self.directories.get(controller), self.directories.get("")):
                try:
                    with open(f"{directory}/{name}", encoding="ascii") as file:
                        return file.read()
                except FileNotFoundError:
                    continue
        return None

    def limits(self):
        """(tasks, bytes)"""
        return (int(self.read("pids", "pids.max")),
                int(self.read("memory", "memory.limit_in_bytes", "memory.max")))

    def tasks(self):
        return int(self.read("pids", "pids.current"))

    def held(self):
        """Bytes that cannot be had back: not of files."""
        stat = dict(line.split() for line in self.read("memory", "memory.stat").splitlines())
        names = ("total_rss", "total_shmem") if "total_rss" in stat else ("anon", "shmem")
        return sum(int(stat[name]) for name in names)

    def most(self):
        """Bytes at most, pages of files included."""
        return int(self.read("memory", "memory.max_usage_in_bytes", "memory.peak"))

    def shared(self):
        """Bytes in /dev/shm, which those count, too."""
        shm = os.statvfs(f"/proc/{self.pid}/root/dev/shm")
        return (shm.f_blocks - shm.f_bfree) * shm.f_frsize

    def refused(self):
        """(processes killed for want of memory, processes and threads refused)"""
        memory = self.read("memory", "memory.oom_control", "memory.events")
        return (int(re.search(r"^oom_kill (\d+)", memory, re.M)[1]),
                int(re.search(r"^max (\d+)", self.read("pids", "pids.events"), re.M)[1]))


def promised():
    """The profile's numbers, in its own words."""
    with open(PROFILE, encoding="utf-8") as file:
        text = file.read()
    tasks = re.search(r'^ +limits\.processes: "(\d+)"$', text, re.M)
    memory = re.search(r"^ +limits\.memory: (\d+)GiB$", text, re.M)
    return int(tasks[1]), int(memory[1]) << 30


@scenario(host=True)
def incus_limits(report):
    """The instances of this tier are what the profile says and a read-only root besides."""
    with one(report, "incus_instance_has_the_limits_of_the_profile") as figure:
        world = new_instance("incus_limits")
        world.start(node("server"), ("--policy=server", *settings["options"]))
        equal(ControlGroup(world.pid).limits(), promised(), "limits on tasks and bytes")
        with open(f"/proc/{world.pid}/mountinfo", encoding="utf-8") as file:
            root = next(line.split() for line in file if line.split()[4] == "/")
        check("ro" in root[5].split(","), f"the root is mounted {root[5]}")
        mode = os.stat(f"/proc/{world.pid}/root/").st_mode & 0o7777
        check(mode == 0o755, f"the root's mode is {mode:o}")
        with open(f"/proc/{world.pid}/uid_map", encoding="ascii") as file:
            rows = [[int(word) for word in line.split()] for line in file]
        equal([(inside, count) for inside, _, count in rows], [(0, 65536)], "the id map")
        check(rows[0][1] >= 65536, f"its ids begin at the host's {rows[0][1]}")
        figure(promised())
        check(world.wait_for("it was ready", lambda said: said["state"] == "ready", 120),
              why(world.report()))
        equal(world.stop()[0], 0, "exit status")
        nothing_left(world)


H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1",
        "-x265-params", "log-level=error")
CLIPS = {"1080p_h264": ("1920x1080", H264), "2160p_h264": ("3840x2160", H264),
         "2160p_hevc10": ("3840x2160", HEVC)}
PLAYED = [("qt", clip) for clip in CLIPS] + [
    (view, clip) for view in ("webkit", "chromium") for clip in ("1080p_h264", "2160p_h264")] + [
    ("server", "2160p_h264")]


def clip_file(name):
    """Made once, by the ffmpeg of the tested root, which an instance has mounted already."""
    directory = os.path.join(settings["out"], "..", "clips")
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(os.path.realpath(directory), f"{name}_60_s.mp4")
    if not os.path.exists(path):
        root = os.path.join(settings["out"], "stage")
        mount(directory, f"{root}/mnt", None, MS_BIND)
        size, codec = CLIPS[name]
        ffmpeg = ["chroot", root, "ffmpeg", "-nostdin", "-v", "error", "-y"]
        subprocess.run([*ffmpeg, "-f", "lavfi", "-i", f"testsrc2=s={size}:r=30",
                        "-f", "lavfi", "-i", "sine=440:r=48000", "-t", "5", *codec,
                        "-c:a", "aac", "/mnt/five.mp4"], check=True)
        # Twelve times over: a player reads ahead as far as its cache reaches.
        subprocess.run([*ffmpeg, "-stream_loop", "11", "-i", "/mnt/five.mp4", "-c", "copy",
                        "-movflags", "+faststart", "/mnt/new.mp4"], check=True)
        os.unlink(os.path.join(directory, "five.mp4"))
        os.rename(os.path.join(directory, "new.mp4"), path)
    return path


def measured():
    return [(playback(*how), 1200) for how in PLAYED]


def playback(view, clip):
    """A scenario: the clip is played and transcoded; what that takes is a row of a table: tasks,
    MiB held, at most with pages of files, in /dev/shm."""
    def run(report):
        with one(report, run.__name__) as figure:
            world = new_instance("limits")
            world.add_disk("clip", f"source={clip_file(clip)}",
                           "path=/usr/share/stack/clip.mp4", "readonly=true")
            policy = "server" if view == "server" else "stremio"
            world.start(node(view), (f"--policy={policy}", *settings["options"]))
            group = ControlGroup(world.pid)
            # Not the page's own film: no engine here shows HEVC.
            wanted = {"transcode"} if view == "server" else {"page", "player.frames"}
            tasks, held, shared, end = 0, 0, 0, None

            def enough(said):
                nonlocal tasks, held, shared, end
                tasks, held = max(tasks, group.tasks()), max(held, group.held())
                shared = max(shared, group.shared())
                if end is None and wanted <= set(said["got"]):
                    end = time.monotonic() + 15
                return end is not None and time.monotonic() > end

            check(world.wait_for("it had played", enough, 900), why(world.report()))
            equal(group.refused(), (0, 0), "processes killed, tasks refused")
            row = (f"| {view} | {clip} | {tasks} | {held // MIB} | {group.most() // MIB} | "
                   f"{shared // MIB} |")
            figure(row)
            print(f"    {row}", flush=True)
            world.kill()
    run.__name__ = f"{view}_with_{clip}_stays_within_the_limits"
    run.host = True
    return run
