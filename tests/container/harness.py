"""Boxes (throw-away container roots), processes in them, and what a test may say about both.

A test runs in a process of its own that is PID 1 of a new PID namespace with new mount, network,
IPC and UTS namespaces: whatever it starts or mounts ends with it. Programs under test run in a
further mount namespace whose root is a Box, and, with init=True, as PID 1 of a further PID
namespace; the test stays their parent, so wait statuses are the kernel's own.
"""
import ctypes
import errno
import os
import platform
import select
import shutil
import signal
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

CLONE_NEWNS, CLONE_NEWPID = 0x00020000, 0x20000000
CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET = 0x04000000, 0x08000000, 0x40000000
CLONE_NEWUSER = 0x10000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT = 1, 2, 4, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
NR_CLONE, NR_PIVOT, NR_SIGPROCMASK = {"x86_64": (56, 155, 14),
                                      "aarch64": (220, 41, 135)}[platform.machine()]

TIER = os.environ.get("TIER", "container")
ASAN = TIER.endswith("asan")
SHIM = "/opt/t/stremio-shim"
APP, STATE, CALLS, INJECT = "/opt/t/app", "/opt/t/state", "/opt/t/calls", "/opt/t/inject"
FALLBACK_UID = 65532
BASE_ENV = {"container": "lxc"}

TESTS = {}
stage = None    # where run.py put the programs under test, readable for everybody
libraries = []  # absolute paths of what the program under test links with


class Skip(Exception):
    """The test cannot hold here; the text says why."""


def test(timeout=60, alone=False, asan=None):
    """Registers a test. asan: the reason why it cannot hold in a sanitizer build."""
    def register(function):
        TESTS[function.__name__] = (function, timeout, alone, asan)
        return function
    return register


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def equal(got, want, what):
    check(got == want, f"{what}: got {got!r}, want {want!r}")


def syscall(number, *args):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in args])
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def libcall(name, *args):
    result = getattr(libc, name)(*args)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}{args}: {os.strerror(code)}")
    return result


def mount(source, target, kind=None, flags=0, data=None):
    def encode(text):
        return text.encode() if text is not None else None
    libcall("mount", encode(source), encode(target), encode(kind), ctypes.c_ulong(flags),
            encode(data))


def new_namespaces(flags):
    libcall("unshare", flags)


def prctl(option, *args):
    return libcall("prctl", option, *[ctypes.c_ulong(a) for a in args])


def until(condition, what, timeout=10.0):
    """Waits for something that no descriptor announces; gives back its first true value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < end, f"{what} did not come within {timeout} s")
        time.sleep(0.002)


class Proc:
    """One started program: its pid as the test sees it and what it says."""

    def __init__(self, pid, out, err):
        self.pid, self.fds, self.text = pid, {1: out, 2: err}, {1: b"", 2: b""}
        self.pidfd, self.code = os.pidfd_open(pid), None

    def _read(self, timeout):
        open_fds = {fd: n for n, fd in self.fds.items() if fd is not None}
        if not open_fds:
            return False
        ready, _, _ = select.select(list(open_fds), [], [], max(timeout, 0))
        for fd in ready:
            data = os.read(fd, 65536)
            if data:
                self.text[open_fds[fd]] += data
            else:
                os.close(fd)
                self.fds[open_fds[fd]] = None
        return True

    def collect(self, seconds):
        """Collects output for the whole of that time, where _read() ends with the first of it."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self._read(left):
                time.sleep(max(end - time.monotonic(), 0))

    def out(self):
        return self.text[1].decode(errors="replace")

    def err(self):
        return self.text[2].decode(errors="replace")

    def lines(self):
        """Those whose end has come: a line may arrive in pieces."""
        return whole_lines(self.out())

    def expect(self, line, timeout=15.0, count=1):
        """Waits until `line` stood in stdout `count` times."""
        end = time.monotonic() + timeout
        while self.lines().count(line) < count:
            left = end - time.monotonic()
            check(left > 0 and self._read(left),
                  f"no line {line!r} (x{count}); stdout {self.out()[-300:]!r}, "
                  f"stderr {self.err()[-300:]!r}")
        return self

    def kill(self, sig):
        signal.pidfd_send_signal(self.pidfd, sig)

    def queue(self, sig, value):
        class Value(ctypes.Union):
            _fields_ = [("int", ctypes.c_int), ("ptr", ctypes.c_void_p)]
        libcall("sigqueue", self.pid, sig, Value(int=value))

    def wait(self, timeout=20.0):
        """Collects all output and the status: 0..255, or -N when killed by signal N."""
        end = time.monotonic() + timeout
        if self.code is None:
            poll = select.poll()
            poll.register(self.pidfd, select.POLLIN)
            while not poll.poll(0):
                left = end - time.monotonic()
                check(left > 0, f"still running after {timeout} s; stdout {self.out()[-300:]!r}, "
                      f"stderr {self.err()[-300:]!r}")
                fds = [fd for fd in self.fds.values() if fd is not None]
                select.select(fds + [self.pidfd], [], [], left)
                if fds:
                    self._read(0)
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self.pidfd)
        while time.monotonic() < end and any(f is not None for f in self.fds.values()):
            if not select.select([f for f in self.fds.values() if f is not None], [], [], 0.2)[0]:
                break
            self._read(0)
        return self.code

    def ends(self, want, timeout=20.0):
        got = self.wait(timeout)
        check(got == want, f"exit status {got}, want {want}; stdout {self.out()[-300:]!r}, "
              f"stderr {self.err()[-300:]!r}")
        return self

    def complains(self, code, *words):
        """Ends with `code` and exactly one diagnostic line holding each of `words`."""
        self.ends(code)
        lines = self.err().splitlines()
        check(len(lines) == 1 and lines[0].startswith("stremio-shim: "),
              f"want one line of diagnosis, got {self.err()!r}")
        for word in words:
            check(word in lines[0], f"{word!r} is not in {lines[0]!r}")
        return self

    def status(self, pid=None):
        return proc_status(pid or self.pid)

    def state(self):
        """What the `state` program printed, as a dictionary."""
        return dict(line.split("=", 1) for line in self.lines() if "=" in line)


def whole_lines(text):
    return text[:text.rfind("\n") + 1].splitlines()


def proc_status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return {key: value.strip() for key, value in (line.split(":", 1) for line in file)}


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def block_all_signals():
    """With a raw call: the C library keeps 32 and 33 from its users."""
    mask = ctypes.c_uint64(~0)
    syscall(NR_SIGPROCMASK, 0, ctypes.addressof(mask), 0, 8)


def blocked(pid):
    mask = int(proc_status(pid)["SigBlk"], 16)
    return {n for n in range(1, 65) if mask >> (n - 1) & 1}


class Box:
    """A root file system on a tmpfs of its own."""

    def __init__(self, system=False, passwd="", files=None, dirs=(), shm=False, proc=True,
                 readonly=False):
        self.root = os.path.join(stage, "root")
        self.proc, self.readonly = proc, readonly
        mount("box", self.root, "tmpfs", 0, "mode=755,size=256m")
        for name in ("opt", "opt/t", "opt/s", "etc", "proc", "dev", "tmp", "run", "var", "old",
                     *dirs):
            os.makedirs(self.path(name), mode=0o755, exist_ok=True)
        os.chmod(self.path("tmp"), 0o1777)
        mount(os.path.join(stage, "t"), self.path("opt/t"), None, MS_BIND)
        self.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n" + passwd)
        self.write("etc/group", "root:x:0:\n")
        self._devices(shm)
        if system:
            self._system()
        else:
            self._libraries()
        for name, text in (files or {}).items():
            self.write(name, text)

    def remove(self):
        libcall("umount2", self.root.encode(), MNT_DETACH)

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with open(path, "w" if isinstance(text, str) else "wb") as file:
            file.write(text)
        os.chmod(path, mode)
        return self

    def copy(self, program, name, mode=0o755):
        shutil.copyfile(os.path.join(stage, "t", os.path.basename(program)), self.path(name))
        os.chmod(self.path(name), mode)
        return self

    def link(self, target, name):
        os.makedirs(os.path.dirname(self.path(name)), mode=0o755, exist_ok=True)
        os.symlink(target, self.path(name))
        return self

    def _devices(self, shm):
        mount("dev", self.path("dev"), "tmpfs", MS_NOSUID, "mode=755")
        for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
            os.mknod(self.path(f"dev/{name}"), 0o666 | 0o020000, os.makedev(1, minor))
            os.chmod(self.path(f"dev/{name}"), 0o666)
        os.mknod(self.path("dev/tty"), 0o666 | 0o020000, os.makedev(5, 0))
        os.chmod(self.path("dev/tty"), 0o666)
        os.mkdir(self.path("dev/pts"), 0o755)
        mount("devpts", self.path("dev/pts"), "devpts", 0, "newinstance,mode=620,ptmxmode=666")
        os.symlink("pts/ptmx", self.path("dev/ptmx"))
        if shm:
            os.mkdir(self.path("dev/shm"), 0o1777)

    def _libraries(self):
        """What a dynamic (sanitizer) build of the shim needs, which else is static."""
        for name in libraries:
            os.makedirs(os.path.dirname(self.path(name)), mode=0o755, exist_ok=True)
            shutil.copyfile(name, self.path(name))
            os.chmod(self.path(name), 0o755)

    def _system(self):
        """The machine's own programs, read-only, for tests that need a shell or glibc."""
        for name in ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"):
            source = "/" + name
            if os.path.islink(source):
                os.symlink(os.readlink(source), self.path(name))
            elif os.path.isdir(source):
                os.mkdir(self.path(name))
                mount(source, self.path(name), None, MS_BIND)
                mount(None, self.path(name), None, MS_BIND | MS_REMOUNT | MS_RDONLY)
        for name in ("ld.so.cache", "ld.so.conf"):
            if os.path.exists("/etc/" + name):
                shutil.copyfile("/etc/" + name, self.path("etc/" + name))

    def pty(self):
        """A pseudo terminal of the box: (master, path of the slave inside)."""
        master = os.open(self.path("dev/pts/ptmx"), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        number = ctypes.c_int(0)
        import fcntl
        fcntl.ioctl(master, 0x40045431, number)                 # TIOCSPTLCK
        fcntl.ioctl(master, 0x80045430, number)                 # TIOCGPTN
        return master, f"/dev/pts/{number.value}"

    def _enter(self):
        mount(None, "/", None, MS_REC | MS_PRIVATE)
        os.chdir(self.root)
        if self.proc:
            mount("proc", "proc", "proc", 0)
        if self.readonly:
            mount(None, self.root, None, MS_BIND | MS_REMOUNT | MS_RDONLY)
        syscall_path = ctypes.create_string_buffer(b".")
        syscall(NR_PIVOT, ctypes.addressof(syscall_path), ctypes.addressof(syscall_path))
        libcall("umount2", b".", MNT_DETACH)
        os.chdir("/")

    def spawn(self, argv, init=True, env=None, tty=None, ctty=False, session=True, pre=None,
              stdin=None, flags=0, mapping=None):
        """Starts argv inside. tty: slave path for fds 0-2, else pipes; pre: run before exec."""
        pipes = [os.pipe(), os.pipe()]
        gate = os.pipe()
        flags |= CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC
        pid = syscall(NR_CLONE, flags | (CLONE_NEWPID if init else 0) | signal.SIGCHLD, 0, 0, 0, 0)
        if pid == 0:
            try:
                os.close(gate[1])
                os.read(gate[0], 1)
                os.dup2(pipes[0][1], 1)
                os.dup2(pipes[1][1], 2)
                self._child(argv, env, tty, ctty, session, pre, stdin)
            except BaseException as error:                      # noqa: nothing may return from here
                os.write(2, f"harness: {type(error).__name__}: {error}\n".encode())
            os._exit(125)
        if mapping:
            for name, text in mapping:
                with open(f"/proc/{pid}/{name}", "w", encoding="ascii") as file:
                    file.write(text)
        for fd in (pipes[0][1], pipes[1][1], *gate):
            os.close(fd)
        return Proc(pid, pipes[0][0], pipes[1][0])

    def _child(self, argv, env, tty, ctty, session, pre, stdin):
        for sig in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(sig, signal.SIG_DFL)
        if session:
            os.setsid()
        self._enter()
        if tty:
            fd = os.open(tty, os.O_RDWR | (0 if ctty else os.O_NOCTTY))
            for number in (0, 1, 2):
                os.dup2(fd, number)
        else:
            os.dup2(stdin if stdin is not None else os.open("/dev/null", os.O_RDONLY), 0)
        os.closerange(3, 4096)
        if pre:
            pre()
        os.execve(argv[0], argv, {**BASE_ENV, **(env or {})})

    def shim(self, *argv, options=(), **how):
        """Starts `stremio-shim [options] -- argv`."""
        return self.spawn([SHIM, *options, "--", *argv], **how)


def gone(pid):
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.ESRCH
    try:
        return proc_status(pid)["State"].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):     # gone before the open, or after it
        return True
