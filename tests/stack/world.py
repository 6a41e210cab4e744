"""The world a tested application lives in: Debian's root, an X server, the shim as PID 1.

The process that makes a World is itself PID 1 of new PID, mount, network, IPC and UTS namespaces
(run.py): whatever it starts or mounts ends with it. The X server has a network namespace of its
own, as on a host: its abstract socket is out of the application's reach, its path socket is
handed in. The root is read-only; home is a directory of the run that outlives the application.
"""
import ctypes
import os
import signal
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "container"))
from harness import (                                            # noqa: E402
    CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS, MNT_DETACH, MS_BIND,
    MS_NODEV, MS_NOSUID, MS_PRIVATE, MS_RDONLY, MS_REC, MS_REMOUNT, NR_CLONE, NR_PIVOT, check,
    libcall, mount, new_namespaces, proc_status, syscall)
from watched import STOP_TIMEOUT, UID, Watched                   # noqa: E402
from xserver import DISPLAY, XServer                             # noqa: E402

MS_NOEXEC = 8
# What is required must be there: who is to start without says so behind these.
OPTIONS = ("--tmpfs=/run:mode=0755", f"--stop-timeout={STOP_TIMEOUT}", "--require=x11")


class World(Watched):
    shares_network = True       # the test is in the application's network namespace

    def __init__(self, name, rootfs, shim, probe, out, own_network=True):
        super().__init__(name, out, UID)
        self.log_start = 0
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
        self.x_server = XServer(self.root, self.x11, f"{self.dir}/xvfb.log")
        self.picture = self.x_server.picture
        self.x_server.cookie(f"{self.home}/.Xauthority", UID)
        self._inside(shim, probe)
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

    def _inside(self, shim, probe):
        quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC
        mount("tmp", f"{self.root}/tmp", "tmpfs", quiet, "mode=1777,size=256m")
        os.mkdir(f"{self.root}/tmp/.X11-unix")
        self._bind(f"{self.x11}/.X11-unix", f"{self.root}/tmp/.X11-unix", quiet | MS_RDONLY)
        self._bind(self.home, f"{self.root}/home/stremio", quiet)
        self._bind(os.path.join(here, "app"), f"{self.root}/opt/stack", MS_NOSUID | MS_RDONLY)
        subprocess.run(["cp", shim, self.path("shim/stremio-shim")], check=True)
        subprocess.run(["cp", probe, self.path("shim/stremio-probe")], check=True)
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
        self.forget()
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

    def outer_filters(self):
        return int(proc_status("self")["Seccomp_filters"])

    def handed(self):
        """What PID 1 was given of the outside on purpose."""
        return [os.stat(self.log)]

    def strays(self):
        """What was open when PID 1 was started and must be nowhere."""
        return [os.stat(self.path("stray")), os.stat("/")]

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

    def stop(self, sig=signal.SIGTERM, timeout=STOP_TIMEOUT + 5):
        """Sends a signal to PID 1; gives back its status and the seconds it took."""
        start = time.monotonic()
        os.kill(self.pid, sig)
        self.wait_end(timeout, f"signal {int(sig)}")
        return self.code, time.monotonic() - start

    def kill(self):
        if self.pid and self.ended() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait_end(10, "KILL")
