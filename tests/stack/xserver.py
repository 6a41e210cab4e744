"""The X server outside: Xvfb from the tested root, with its frame buffer in a file.

Whoever starts it has a mount namespace of its own (run.py) and takes it along when it ends.
"""
import os
import secrets
import signal
import struct

from harness import (CLONE_NEWNS, MS_BIND, MS_PRIVATE, MS_REC, PR_SET_PDEATHSIG, mount,
                     new_namespaces, prctl, until)

WIDTH, HEIGHT = 1400, 800
DISPLAY = ":77"


class XServer:
    """Its sockets are in DIRECTORY/.X11-unix, its picture is DIRECTORY/Xvfb_screen0."""

    def __init__(self, root, directory, log):
        os.mkdir(f"{directory}/.X11-unix")
        os.chmod(f"{directory}/.X11-unix", 0o1777)
        # FamilyWild: any host name, any address. Xsecurity(7), Xau's file format.
        self.entry = struct.pack(">HHH2sH18sH16s", 0xffff, 0, 2, DISPLAY[1:].encode(), 18,
                                 b"MIT-MAGIC-COOKIE-1", 16, secrets.token_bytes(16))
        self.cookie(f"{directory}/auth", 0)
        self.picture = f"{directory}/Xvfb_screen0"
        self.pid = os.fork()
        if self.pid == 0:
            try:
                prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                self._run(root, directory, log)
            finally:
                os._exit(127)
        until(lambda: os.path.exists(f"{directory}/.X11-unix/X{DISPLAY[1:]}") and
              os.path.exists(self.picture), "the X server", 20)

    def cookie(self, path, uid):
        """Writes the key to it for a user."""
        with open(path, "wb") as file:
            file.write(self.entry)
        os.chmod(path, 0o600)
        os.chown(path, uid, uid)

    @staticmethod
    def _run(root, directory, log):
        new_namespaces(CLONE_NEWNS)
        mount(None, "/", None, MS_REC | MS_PRIVATE)
        mount(directory, f"{root}/tmp", None, MS_BIND)
        fd = os.open(log, os.O_WRONLY | os.O_CREAT, 0o644)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.chroot(root)
        os.chdir("/")
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.closerange(3, 256)
        os.execve("/usr/bin/Xvfb", [
            "Xvfb", DISPLAY, "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp",
            "-noreset", "-auth", "/tmp/auth", "-fbdir", "/tmp"], {"PATH": "/usr/bin:/bin"})
