"""The world a tested application lives in: Debian's root, an X server, the shim as PID 1.

The process that makes a World is itself PID 1 of new PID, mount, network, IPC and UTS namespaces
(run.py): whatever it starts or mounts ends with it. The X server has a network namespace of its
own, as on a host: its abstract socket is out of the application's reach, its path socket is
handed in. The root is read-only; home is a directory of the run that outlives the application.
"""
import ctypes
import json
import os
import secrets
import signal
import struct
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "container"))
from harness import (                                            # noqa: E402
    CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS, MNT_DETACH, MS_BIND,
    MS_NODEV, MS_NOSUID, MS_PRIVATE, MS_RDONLY, MS_REC, MS_REMOUNT, NR_CLONE, NR_PIVOT, check,
    libcall, mount, new_namespaces, proc_status, syscall, until)

MS_NOEXEC = 8
UID = 1000
WIDTH, HEIGHT = 1400, 800
DISPLAY = ":77"
OPTIONS = ("--tmpfs=/run:mode=0755", "--stop-timeout=10")
ASOUNDRC = """pcm.!default { type plug slave { pcm "cap" format S16_LE rate 48000 channels 2 } }
pcm.cap { type file slave.pcm "nul" file "/home/stremio/audio.wav" format "wav" }
pcm.nul { type null }
ctl.!default { type hw card 0 }
"""


class Ended(Exception):
    """The application is gone before it was to go."""


class World:
    def __init__(self, name, rootfs, shim, out, own_network=True):
        self.name, self.pid, self.code, self.log_start = name, None, None, 0
        self.dir = os.path.join(out, name)
        self.home = os.path.join(self.dir, "home")
        subprocess.run(["rm", "-rf", self.dir], check=True)
        os.makedirs(self.home)
        os.chown(self.home, UID, UID)
        os.chmod(self.home, 0o700)
        self.log = os.path.join(self.dir, "log")
        self.stage = os.path.join(out, "stage")
        os.makedirs(self.stage, exist_ok=True)
        mount("stage", self.stage, "tmpfs", 0, "mode=755,size=64m")
        self.root = os.path.join(self.stage, "root")
        self.x11 = os.path.join(self.stage, "x11")
        for directory in (self.root, self.x11, self.path("shim")):
            os.makedirs(directory, exist_ok=True)
        subprocess.run(["mount", "-o", "loop,ro", rootfs, self.root], check=True)
        self._devices()
        self._x_server()
        self._inside(shim)
        if own_network:
            new_namespaces(CLONE_NEWNET)

    def path(self, name):
        return os.path.join(self.stage, name)

    def _bind(self, source, target, flags):
        mount(source, target, None, MS_BIND)
        mount(None, target, None, MS_BIND | MS_REMOUNT | flags)

    def _devices(self):
        dev = os.path.join(self.root, "dev")
        mount("dev", dev, "tmpfs", MS_NOSUID, "mode=755,size=492k")
        for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
            os.mknod(f"{dev}/{name}", 0o666 | 0o020000, os.makedev(1, minor))
            os.chmod(f"{dev}/{name}", 0o666)
        os.mknod(f"{dev}/tty", 0o666 | 0o020000, os.makedev(5, 0))
        os.chmod(f"{dev}/tty", 0o666)
        os.mkdir(f"{dev}/pts")
        mount("devpts", f"{dev}/pts", "devpts", 0, "newinstance,mode=620,ptmxmode=666")
        os.symlink("pts/ptmx", f"{dev}/ptmx")
        for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"),
                             ("stderr", "fd/2")):
            os.symlink(target, f"{dev}/{name}")
        mount("sysfs", os.path.join(self.root, "sys"), "sysfs",
              MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)

    def _x_server(self):
        """Xvfb from the same Debian; its frame buffer is a file that can simply be read."""
        os.mkdir(f"{self.x11}/.X11-unix")
        os.chmod(f"{self.x11}/.X11-unix", 0o1777)
        cookie = secrets.token_bytes(16)
        # FamilyWild: any host name, any address. Xsecurity(7), Xau's file format.
        entry = struct.pack(">HHH2sH18sH16s", 0xffff, 0, 2, DISPLAY[1:].encode(), 18,
                            b"MIT-MAGIC-COOKIE-1", 16, cookie)
        for path in (f"{self.x11}/auth", f"{self.home}/.Xauthority"):
            with open(path, "wb") as file:
                file.write(entry)
            os.chmod(path, 0o600)
            os.chown(path, UID, UID)
        pid = os.fork()
        if pid == 0:
            try:
                new_namespaces(CLONE_NEWNS)
                mount(None, "/", None, MS_REC | MS_PRIVATE)
                mount(self.x11, f"{self.root}/tmp", None, MS_BIND)
                fd = os.open(f"{self.dir}/xvfb.log", os.O_WRONLY | os.O_CREAT, 0o644)
                os.chroot(self.root)
                os.chdir("/")
                os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
                os.dup2(fd, 1)
                os.dup2(fd, 2)
                os.closerange(3, 256)
                os.execve("/usr/bin/Xvfb", [
                    "Xvfb", DISPLAY, "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp",
                    "-noreset", "-auth", "/tmp/auth", "-fbdir", "/tmp"], {"PATH": "/usr/bin:/bin"})
            finally:
                os._exit(127)
        self.x_pid = pid
        until(lambda: os.path.exists(f"{self.x11}/.X11-unix/X{DISPLAY[1:]}") and
              os.path.exists(f"{self.x11}/Xvfb_screen0"), "the X server", 20)

    def _inside(self, shim):
        quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC
        with open(f"{self.home}/.asoundrc", "w", encoding="ascii") as file:
            file.write(ASOUNDRC)
        os.chmod(f"{self.home}/.asoundrc", 0o644)
        mount("tmp", f"{self.root}/tmp", "tmpfs", quiet, "mode=1777,size=256m")
        os.mkdir(f"{self.root}/tmp/.X11-unix")
        self._bind(f"{self.x11}/.X11-unix", f"{self.root}/tmp/.X11-unix", quiet | MS_RDONLY)
        self._bind(self.home, f"{self.root}/home/stremio", quiet)
        self._bind(os.path.join(here, "app"), f"{self.root}/opt/stack", MS_NOSUID | MS_RDONLY)
        subprocess.run(["cp", shim, self.path("shim/stremio-shim")], check=True)
        self._bind(self.path("shim"), f"{self.root}/opt/stremio-shim", MS_NOSUID | MS_RDONLY)

    def make_home_read_only(self):
        mount(None, f"{self.root}/home/stremio", None, MS_BIND | MS_REMOUNT | MS_RDONLY |
              MS_NOSUID | MS_NODEV | MS_NOEXEC)

    def give(self, source, name):
        """A file for the shim, at /opt/stremio-shim/NAME inside."""
        with open(source, "rb") as file, open(self.path(f"shim/{name}"), "wb") as copy:
            copy.write(file.read())
        os.chmod(self.path(f"shim/{name}"), 0o644)
        return f"/opt/stremio-shim/{name}"

    def _child(self, argv, env):
        os.setsid()
        mount(None, "/", None, MS_REC | MS_PRIVATE)
        os.chdir(self.root)
        mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        stray = os.open(self.path("stray"), os.O_RDWR | os.O_CREAT, 0o666)
        outside = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
        dot = ctypes.create_string_buffer(b".")
        syscall(NR_PIVOT, ctypes.addressof(dot), ctypes.addressof(dot))
        libcall("umount2", b".", MNT_DETACH)
        os.chdir("/")
        # What a careless parent leaves behind: open files, a directory of the host, signals.
        os.dup2(stray, 40)
        os.dup2(outside, 41)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 40)
        os.closerange(42, 4096)
        for sig in (signal.SIGINT, signal.SIGQUIT, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(sig, signal.SIG_IGN)
        os.execve(argv[0], argv, env)

    def start(self, command, options=(), env=None, before=None):
        """Starts `stremio-shim OPTIONS -- COMMAND` as PID 1. before: called with its pid."""
        argv = ["/opt/stremio-shim/stremio-shim", *OPTIONS, *options, "--", *command]
        self.log_start = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        report = f"{self.home}/report.json"
        if os.path.exists(report):
            os.unlink(report)
        gate = os.pipe()
        pid = syscall(NR_CLONE, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
                      signal.SIGCHLD, 0, 0, 0, 0)
        if pid == 0:
            try:
                os.close(gate[1])
                os.read(gate[0], 1)
                self._child(argv, {"container": "lxc", "DISPLAY": DISPLAY, **(env or {})})
            except BaseException as error:                      # noqa: nothing may return from here
                os.write(2, f"world: {type(error).__name__}: {error}\n".encode())
            os._exit(125)
        self.pid, self.code = pid, None
        os.close(gate[0])
        result = before(pid) if before else None
        os.close(gate[1])
        return result

    def report(self):
        try:
            with open(f"{self.home}/report.json", encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def said(self, size=600):
        """The end of what the shim and the application wrote."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            file.seek(self.log_start)
            return file.read()[-size:]

    def ended(self):
        """None while PID 1 runs, else its exit status, -N for a signal."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def wait_for(self, what, condition, timeout):
        """Polls a condition over the report while the application runs. False when too late."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            report = self.report()
            if report and condition(report):
                return True
            if self.ended() is not None:
                raise Ended(f"PID 1 ended with {self.code} before {what}: {self.said()}")
            time.sleep(0.05)
        return False

    def processes(self):
        """Status of every process inside, PID 1 first, by its pid out here."""
        found = {}
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                status = proc_status(name)
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    status["cmdline"] = file.read().replace(b"\0", b" ").decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if len(status.get("NSpid", "").split()) > 1 and status["State"][0] != "Z":
                found[int(name)] = status
        return dict(sorted(found.items(), key=lambda item: item[0] != self.pid))

    def stop(self, sig=signal.SIGTERM, timeout=15.0):
        """Sends a signal to PID 1; gives back its status and the seconds it took."""
        start = time.monotonic()
        os.kill(self.pid, sig)
        while self.ended() is None:
            check(time.monotonic() - start < timeout,
                  f"PID 1 still runs {timeout} s after signal {int(sig)}: {self.said()}")
            time.sleep(0.01)
        return self.code, time.monotonic() - start

    def kill(self):
        if self.pid and self.ended() is None:
            os.kill(self.pid, signal.SIGKILL)
            until(lambda: self.ended() is not None, "the end of PID 1")
