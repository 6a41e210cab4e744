"""Runs stremio-probe in a box as the application's user, beside real servers or made-up peers.

Peers run in the probe's own namespaces and end with it; real servers run in namespaces of their
own on the same box, so that only sockets with a path are shared with them.
"""
import os
import shutil
import socket
import struct
import time

import harness
import records
from harness import Box, Skip, check, equal, mount, until

UID = 65532
# Long enough for servers on a busy machine; what is known to hang is not waited for so long.
DEADLINE_MS, SHORT_MS = 20000, 2000
HOME, RUNTIME = "/home/player", "/run/user/65532"
ENV = {"HOME": HOME, "XDG_RUNTIME_DIR": RUNTIME}
UNMAPPED = "a sanitizer build takes more memory than the policy under test lets it map"
HANGS = "no answer within"


def program():
    build = os.environ.get("BUILD", "build")
    return os.path.join(build, "asan/stremio-probe" if harness.ASAN else "stremio-probe")


def room(shm=True, **how):
    """A box with what an application has, and the probe."""
    box = Box(system=True, shm=shm, dirs=("home", "run/user", "tmp/.X11-unix"), **how)
    if shm:
        mount("shm", box.path("dev/shm"), "tmpfs", 0, "mode=1777,size=64m")
    for name in (HOME, RUNTIME):
        os.mkdir(box.path(name), 0o700)
        os.chown(box.path(name), UID, UID)
    os.chmod(box.path("tmp/.X11-unix"), 0o1777)
    shutil.copyfile(program(), box.path("opt/s/stremio-probe"))
    os.chmod(box.path("opt/s/stremio-probe"), 0o755)
    return box


def probe(box, *groups, env=None, peers=(), uid=UID, gids=(), deadline=DEADLINE_MS, options=()):
    """The findings of the groups, which must each end within the deadline and by themselves."""
    def become():
        for peer in peers:
            peer()
        os.setgroups(list(gids))
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    env = {key: value for key, value in {**ENV, **(env or {})}.items() if value is not None}
    proc = box.spawn(["/opt/s/stremio-probe", f"--deadline-ms={deadline}", *options, *groups],
                     env=env, pre=become, stdin=os.open("/dev/null", os.O_RDONLY))
    code = proc.wait(timeout=deadline / 1000 + 20)
    check(code == 0, f"exit status {code}: {proc.err()[-2000:]!r}, told: {told(proc)}")
    if not harness.ASAN:
        equal(proc.err(), "", "what the probe says on its stderr")
    found = records.findings(proc.text[1], *groups)
    for record in found:
        check(record.us < deadline * 1000, f"{record} took {record.us} us")
        check(record.hint or record.status in ("ok", "skip"), f"{record} has no hint")
    return Findings(found)


def confined(box, *groups, env=None, peers=(), options=()):
    """The findings of the groups as the application, which the shim has confined, would make them."""
    proc = box.shim("/opt/s/stremio-probe", f"--deadline-ms={DEADLINE_MS}", *groups,
                    options=[f"--user={UID}", "--require=none", *options], env={**ENV, **(env or {})},
                    pre=lambda: [peer() for peer in peers])
    proc.ends(0, timeout=DEADLINE_MS / 1000 + 20)
    return Findings(records.findings(proc.text[1], *groups))


def told(proc):
    return records.read(proc.text[1][:len(proc.text[1]) // 1024 * 1024])


class Findings:
    def __init__(self, found):
        self.list = found

    def of(self, check_id, target=None):
        found = [record for record in self.list
                 if record.id == check_id and target in (None, record.target)]
        check(len(found) == 1, f"{len(found)} findings of {check_id} {target or ''}: {self.list}")
        return found[0]

    def expect(self, check_id, status, *words, target=None):
        """One finding with that status; the words are in its summary or its hint."""
        found = self.of(check_id, target)
        equal(found.status, status, f"status of {found}")
        for word in words:
            check(word in found.summary + " // " + found.hint, f"{word!r} is not in {found}")
        return found


def clear(box, path):
    """Removes what the last peer left."""
    if os.path.lexists(box.path(path)):
        os.remove(box.path(path))


def fake(path, talk=None, abstract=False, mode=0o777, backlog=8):
    """For peers: listens at `path` before the probe starts; `talk` is called with each client."""
    def start():
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("\0" + path if abstract else path)
        if not abstract:
            os.chmod(path, mode)
        listener.listen(backlog)
        if os.fork():
            if talk:
                listener.close()        # else it stays here, with nobody to accept
            return
        null = os.open("/dev/null", os.O_RDWR)
        for fd in (1, 2):
            os.dup2(null, fd)
        while True:
            client = listener.accept()[0]
            if os.fork() == 0:
                try:
                    talk(client)
                except OSError:         # the probe had enough
                    pass
                os._exit(0)
            client.close()
    return start


def stale(path):
    """For peers: a socket that nobody listens on any more."""
    def start():
        socket.socket(socket.AF_UNIX).bind(path)
        os.chmod(path, 0o777)
    return start


def crowded(path):
    """For peers: a server whose queue is full and stays so."""
    def start():
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o777)
        listener.listen(0)
        full, tell = os.pipe()
        if os.fork():
            os.close(tell)
            os.read(full, 1)
            os.close(full)
            return
        for fd in (1, 2):
            os.close(fd)
        clients = []
        for _ in range(4):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            clients.append(client)
            try:
                client.connect(path)
            except BlockingIOError:
                break
        os.write(tell, b"x")
        os.close(tell)
        while True:
            time.sleep(3600)
    return start


def silent(_client):
    while True:
        time.sleep(3600)


def closes(client):
    client.recv(1)
    client.close()


def resets(client):
    """Closes with bytes unread, which the other side sees as ECONNRESET."""
    client.setblocking(True)
    client.recv(1)
    os._exit(0)


def garbage(client):
    client.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" * 40)
    silent(client)


def floods(start=b"", piece=b"\xff" * 65536):
    """Sends `start` and then the piece without end."""
    def talk(client):
        client.sendall(start)
        while True:
            client.sendall(piece)
    return talk


def drips(data):
    """Sends a byte now and then."""
    def talk(client):
        for byte in data:
            client.sendall(bytes([byte]))
            time.sleep(0.1)
        silent(client)
    return talk


def says(data, then=silent):
    def talk(client):
        client.sendall(data)
        then(client)
    return talk


def need(name):
    """The path of a program of the machine, or the test cannot hold here."""
    found = shutil.which(name)
    if not found:
        raise Skip(f"no {name} (hooks/lib/packages.sh container)")
    return os.path.realpath(found)


def serve(box, argv, path, env=None, uid=0):
    """Starts a real server in the box and waits for its socket."""
    def become():
        if uid:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
    server = box.spawn(argv, env={"PATH": "/usr/bin:/bin", **ENV, **(env or {})}, pre=become)

    def answers():
        if os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            server.wait()
            raise AssertionError(f"{argv[0]} ended: {server.out()[-300:]} {server.err()[-600:]}")
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(box.path(path))
            return True
        except OSError:
            return False
    until(answers, f"a socket of {argv[0]}", timeout=30)
    return server


def x_success(vendor=b"fake", screens=1, extra=b"", length=None):
    """The answer of an X server that lets a client in ("X Window System Protocol", chapter 8)."""
    pad = -len(vendor) % 4
    body = struct.pack("=IIIIHHBBBBBBBBI", 1, 0x200000, 0x1fffff, 0, len(vendor), 65535, screens, 1,
                       0, 0, 32, 32, 8, 255, 0)
    body += vendor + b"\0" * pad + struct.pack("=BBB5x", 24, 32, 32)
    screen = struct.pack("=IIIIIHHHHHHIBBBB", 0x100, 0x20, 0xffffff, 0, 0, 640, 480, 170, 130, 1, 1,
                         0x21, 0, 0, 24, 1)
    visual = struct.pack("=IBBHIII4x", 0x21, 4, 8, 256, 0xff0000, 0xff00, 0xff)
    body += (screen + struct.pack("=BxH4x", 24, 1) + visual) * screens + extra
    words = len(body) // 4 if length is None else length
    return struct.pack("=BxHHH", 1, 11, 0, words) + body
