"""What every world has in common: the application's home, its report, waiting for it."""
import json
import os
import subprocess
import time

from harness import check

UID = 1000
STOP_TIMEOUT = 10
ASOUNDRC = """pcm.!default { type plug slave { pcm "cap" format S16_LE rate 48000 channels 2 } }
pcm.cap { type file slave.pcm "nul" file "/home/stremio/audio.wav" format "wav" }
pcm.nul { type null }
ctl.!default { type hw card 0 }
"""


class Ended(Exception):
    """The application is gone before it was to go."""


class Watched:
    """uid: of the application's user as seen from here. A world adds start(), stop(), kill(),
    ended() (None while PID 1 runs, else its status, -N for a signal), said() and processes()."""

    groups = ""     # supplementary ones, those of device nodes

    def __init__(self, name, out, uid):
        self.name, self.uid, self.pid, self.code = name, uid, None, None
        self.dir = os.path.join(out, name)
        self.home = os.path.join(self.dir, "home")
        subprocess.run(["rm", "-rf", self.dir], check=True)
        os.makedirs(self.home)
        os.chown(self.home, uid, uid)
        os.chmod(self.home, 0o700)
        with open(f"{self.home}/.asoundrc", "w", encoding="ascii") as file:
            file.write(ASOUNDRC)
        os.chmod(f"{self.home}/.asoundrc", 0o644)

    def forget(self):
        """The last run's report, so that nobody takes it for this one's."""
        if os.path.exists(f"{self.home}/report.json"):
            os.unlink(f"{self.home}/report.json")

    def report(self):
        try:
            with open(f"{self.home}/report.json", encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def wait_for(self, what, condition, timeout):
        """Polls a condition over the report while the application runs. False when for that long
        nothing more has worked: what is slow on a busy machine gets further, what hangs does not."""
        got, end = 0, time.monotonic() + timeout
        while time.monotonic() < end:
            report = self.report()
            if report and condition(report):
                return True
            if report and len(report["got"]) > got:
                got, end = len(report["got"]), time.monotonic() + timeout
            if self.ended() is not None:
                raise Ended(f"PID 1 ended with {self.code} before {what}: {self.said()}")
            time.sleep(0.05)
        return False

    def outer_filters(self):
        """How many filters PID 1 was started with."""
        raise NotImplementedError

    def wait_end(self, timeout, what):
        end = time.monotonic() + timeout
        while self.ended() is None:
            if time.monotonic() > end:
                check(False, f"PID 1 still runs {timeout} s after {what}: {self.said()}")
            time.sleep(0.01)
        return self.code
