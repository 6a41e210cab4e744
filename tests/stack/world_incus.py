"""The same world as a real instance: Incus, the shipped profile, a read-only root.

rig.sh has brought up a private daemon and made the one instance that the scenarios use in turn
(STACK_INSTANCE). The test looks on from the host, by the host's process numbers.
"""
import json
import os
import re
import subprocess
import time

from harness import check, mount, proc_status, until
from watched import STOP_TIMEOUT, UID, Watched
from world import MS_BIND
from xserver import DISPLAY, XServer

here = os.path.dirname(os.path.abspath(__file__))
NAME = os.environ.get("STACK_INSTANCE", "")
# /tmp stays as it is on the read-only root: the X server's sockets are mounted below it.
OPTIONS = ("--tmpfs=/run:mode=0755", "--tmpfs=/var/tmp:mode=1777",
           f"--stop-timeout={STOP_TIMEOUT}")
# Keys stay in the configuration: who sets one of the application's finds it empty the next time.
ENVIRONMENT = {"DISPLAY": DISPLAY, "TMPDIR": "/var/tmp", "STREMIO_REQUIRE": "x11",
               "STACK_SANDBOX": "", "STACK_OUTSIDE": "", "STACK_PAGE": ""}


def incus(*words, wrong=True, text=None):
    """Runs the client; gives back its output. wrong: a failure is one of the test's."""
    done = subprocess.run(["incus", *words], input=text or "", capture_output=True, text=True,
                          errors="replace", check=False, timeout=120)
    check(done.returncode == 0 or not wrong,
          f"incus {' '.join(words)[:100]}: {done.stderr.strip()[-300:]}")
    return done.stdout


def push(text, path):
    """A file of root's in the stopped instance. The helper that serves this leaves when its last
    client has gone; who comes just then is told EOF."""
    for _ in range(3):
        done = subprocess.run(["incus", "file", "push", "-q", "--mode", "0644", "-",
                               f"{NAME}{path}"], input=text, capture_output=True, text=True,
                              check=False, timeout=60)
        if done.returncode == 0 or "EOF" not in done.stderr:
            break
    check(done.returncode == 0, f"incus file push {path}: {done.stderr.strip()}")


class IncusWorld(Watched):
    shares_network = False
    options = OPTIONS

    def __init__(self, name, rootfs, out, config=()):
        """config: KEY=VALUE of the instance, beside the profile's."""
        incus("stop", "--force", NAME, wrong=False)
        maps = json.loads(incus("config", "get", NAME, "volatile.idmap.next"))
        super().__init__(name, out, UID + next(m["Hostid"] for m in maps if m["Isuid"]))
        # The root once more, for the X server alone.
        root = os.path.join(out, "stage")
        os.makedirs(root, exist_ok=True)
        subprocess.run(["mount", "-o", "loop,ro", rootfs, root], check=True)
        mount("/dev", f"{root}/dev", None, MS_BIND)
        x11 = os.path.join(self.dir, "x11")
        os.mkdir(x11)
        server = XServer(root, x11, f"{self.dir}/xvfb.log")
        self.picture = server.picture
        server.cookie(f"{self.home}/.Xauthority", self.uid)
        self.add_disk("x11", f"source={x11}/.X11-unix", "path=/tmp/.X11-unix", "readonly=true")
        self.add_disk("home", f"source={self.home}", "path=/home/stremio")
        self.add_disk("app", f"source={here}/app", "path=/opt/stack", "readonly=true")
        self.heard = ""
        for pair in ("security.nesting=false", "limits.memory=", *config):
            incus("config", "set", NAME, pair)

    @staticmethod
    def add_disk(name, *pairs):
        """In place of one of that name."""
        incus("config", "device", "remove", NAME, name, wrong=False)
        incus("config", "device", "add", NAME, name, "disk", *pairs)

    def start(self, command, options=(), env=None):
        push("\n".join([*self.options, *options, "--", *command, ""]), "/etc/stremio-shim.args")
        incus("config", "set", NAME, *[f"environment.{key}={value}" for key, value in
                                       {**ENVIRONMENT, **(env or {})}.items()])
        self.forget()
        self.pid, self.code, self.heard = None, None, ""
        incus("start", NAME)
        self.pid = next((pid for pid, status in self.processes().items()
                         if status["NSpid"].split()[-1] == "1"), 0)

    def said(self, size=600):
        log = incus("console", NAME, "--show-log", wrong=False).replace("\r", "")
        # Of a running instance Incus gives out what is new since it was last asked.
        self.heard = log if self._stopped() else self.heard + log
        return self.heard[-size:]

    def _stopped(self):
        return json.loads(incus("query", f"/1.0/instances/{NAME}"))["status"] == "Stopped"

    @staticmethod
    def _log():
        """liblxc's, or None: called stopped a moment before it is, an instance has none yet."""
        try:
            return incus("info", NAME, "--show-log")
        except AssertionError:
            return None

    def ended(self):
        if self.code is None and not os.path.exists(f"/proc/{self.pid}"):
            until(self._stopped, "the end of the instance", 20)
            # The profile's log level makes liblxc tell; it writes nothing for 0.
            log = until(self._log, "liblxc's log", 20)
            found = re.search(r"Child <\d+> ended on (?:error \((\d+)\)|signal .*\((\d+)\))", log)
            self.code = 0 if not found else int(found[1] or 0) or -int(found[2])
        return self.code

    def outer_filters(self):
        """Incus's own; PID 1 has put one more on itself."""
        return int(proc_status(self.pid)["Seccomp_filters"]) - 1

    def handed(self):
        return []

    def strays(self):
        return [os.stat("/")]

    def processes(self):
        """Whatever is in the instance's control group, PID 1 first."""
        found = {}
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/cgroup", encoding="ascii") as file:
                    if not re.search(rf"/lxc\.payload\.{NAME}(/|$)", file.read(), re.M):
                        continue
                status = proc_status(name)
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    status["cmdline"] = file.read().replace(b"\0", b" ").decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if status["State"][0] != "Z":
                found[int(name)] = status
        return dict(sorted(found.items(), key=lambda item: item[0] != self.pid))

    def stop(self):
        """`incus stop`; gives back PID 1's status and the seconds it took."""
        start = time.monotonic()
        incus("stop", NAME, "--timeout", str(STOP_TIMEOUT + 5))
        seconds = time.monotonic() - start
        until(lambda: self.ended() is not None, "PID 1's status", 30)
        return self.code, seconds

    def kill(self):
        incus("stop", "--force", NAME, wrong=False)
