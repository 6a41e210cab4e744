"""stremio-probe and X servers: a real Xvfb, and peers that only pretend."""
import os
import signal
import struct

from harness import check, equal, test
from landlock import needs
from probing import (DEADLINE_MS, HOME, SHORT_MS, UID, UNMAPPED, clear, closes, confined, crowded, drips, fake, floods,
                     garbage, need, probe, resets, room, says, serve, silent, stale, x_success)

SOCKET, DISPLAY = "/tmp/.X11-unix/X7", ":7"
AUTHORITY = HOME + "/.Xauthority"
WILD, LOCAL = 65535, 256
COOKIE, OTHER = bytes(range(16)), bytes(16)
X = {"DISPLAY": DISPLAY}
# Where the session itself has no cookies, attach finds none either.
WITHOUT = ("xauth list", "--nested=xwayland (or --wayland --display=none)", "else there: stremio-incus attach")


def entry(cookie=COOKIE, family=WILD, address="", number="7", name="MIT-MAGIC-COOKIE-1"):
    def field(data):
        return struct.pack(">H", len(data)) + data
    return struct.pack(">H", family) + b"".join(
        field(part if isinstance(part, bytes) else part.encode())
        for part in (address, number, name, cookie))


def put(box, data, path=AUTHORITY, mode=0o600, owner=UID):
    box.write(path, data, mode)
    os.chown(box.path(path), owner, owner)


def desktop(*more, number=7):
    """A box with an Xvfb that wants the cookie."""
    box = room()
    box.write("server.auth", entry(), 0o600)
    server = serve(box, [need("Xvfb"), f":{number}", "-screen", "0", "320x200x24", "-nolisten", "tcp",
                         "-noreset", "-auth", "/server.auth", *more], f"/tmp/.X11-unix/X{number}")
    return box, server


@test(timeout=120)
def a_real_display_is_good_with_its_cookie_in_each_form_that_names_it():
    box, _ = desktop()
    put(box, entry())
    for name in (":7", ":7.0", "unix:7", "unix/:7"):
        found = probe(box, "x11", env={"DISPLAY": name})
        found.expect("x11.socket", "ok", target=SOCKET)
        found.expect("x11.auth", "ok", "trusted cookie accepted", "can read the keyboard",
                     "--untrusted", target=AUTHORITY)
        found.expect("x11.extensions", "ok", "GLX", "Present", "MIT-SHM", "XInput2", target=":7.0")
    found = probe(box, "x11", env={"DISPLAY": ":7.1"})
    found.expect("x11.socket", "ok")
    found.expect("x11.extensions", "fail", "no such screen", "environment.DISPLAY=:0")


@test(timeout=120)
def the_cookie_is_found_where_xauthority_or_home_say_and_nowhere_else():
    box, _ = desktop()
    put(box, entry(), "/etc/cookie")
    found = probe(box, "x11", env={**X, "XAUTHORITY": "/etc/cookie"})
    found.expect("x11.auth", "ok", target="/etc/cookie")
    found = probe(box, "x11", env=X)
    found.expect("x11.auth", "fail", "no cookie: there is no such file", *WITHOUT, target=AUTHORITY)
    found.expect("x11.extensions", "skip")
    for value in ("", "etc/nowhere", "/etc/" + "x" * 5000):
        probe(box, "x11", env={**X, "XAUTHORITY": value}).expect("x11.auth", "fail", "no cookie")
    probe(box, "x11", env={**X, "HOME": None}).expect("x11.auth", "fail", "no cookie")


@test(timeout=90)
def each_reason_for_a_refused_cookie_is_a_finding_of_its_own():
    box, _ = desktop()
    host = os.uname().nodename
    cases = {
        "wrong cookie": (entry(OTHER), "after a new login"),
        "keyed to host elsewhere": (entry(family=LOCAL, address="elsewhere"), "FamilyWild"),
        "keyed to host else\\x1b[2J\\xff": (entry(family=LOCAL, address=b"else\x1b[2J\xff"),
                                            "FamilyWild"),
        "no cookie for this display": (entry(number="8"), *WITHOUT),
        "the file is empty": (b"", *WITHOUT),
        "not an Xauthority file": (b"This is text.\n" * 9, "not a file that xauth wrote"),
    }
    hints = set()
    for words, (data, *remedy) in cases.items():
        put(box, data)
        found = probe(box, "x11", env=X)
        found.expect("x11.socket", "ok")
        hints.add(found.expect("x11.auth", "fail", words, *remedy, "the server says: ").hint)
        found.expect("x11.extensions", "skip", "not reached")
    put(box, entry(), mode=0o600, owner=0)
    hints.add(probe(box, "x11", env=X).expect(
        "x11.auth", "fail", "cannot be read: Permission denied", f"uid {UID}").hint)
    os.remove(box.path(AUTHORITY))
    os.mkfifo(box.path(AUTHORITY))
    os.chown(box.path(AUTHORITY), UID, UID)
    probe(box, "x11", env=X).expect("x11.auth", "fail", "no cookie: not a regular file; the server",
                                    "not a file that xauth wrote")
    equal(len(hints), 6, f"different hints: {hints}")
    os.remove(box.path(AUTHORITY))
    put(box, entry(family=LOCAL, address=host))
    probe(box, "x11", env=X).expect("x11.auth", "ok")


@test(timeout=90, asan=UNMAPPED)
def a_cookie_that_only_landlock_closes_is_not_blamed_on_its_owner():
    needs(1)
    box, _ = desktop()
    put(box, entry(), "/srv/xauth", mode=0o644, owner=0)
    env = {**X, "XAUTHORITY": "/srv/xauth"}
    found = confined(box, "x11", env=env)
    found.expect("x11.auth", "fail", "cannot be read, though its mode allows it", "Landlock",
                 "environment.STREMIO_RO=/srv/xauth", target="/srv/xauth")
    confined(box, "x11", env=env, options=["--ro=/srv/xauth"]).expect("x11.auth", "ok")
    os.chmod(box.path("/srv/xauth"), 0o600)
    confined(box, "x11", env=env).expect("x11.auth", "fail", "cannot be read: Permission", "gives it its owner")


@test(timeout=120)
def a_server_without_access_control_is_warned_of():
    box, _ = desktop("-ac")
    put(box, entry())
    found = probe(box, "x11", env=X)
    found.expect("x11.auth", "warn", "without a cookie", "xhost -")
    found.expect("x11.extensions", "ok")
    os.remove(box.path(AUTHORITY))
    probe(box, "x11", env=X).expect("x11.auth", "warn", "without a cookie")


def put_untrusted(box):
    put(box, entry(), "/root.auth")
    xauth = box.spawn([need("xauth"), "-f", "/root.auth", "generate", DISPLAY, ".", "untrusted",
                       "timeout", "0"], env={"DISPLAY": DISPLAY, "XAUTHORITY": "/root.auth",
                                             "PATH": "/usr/bin"})
    xauth.ends(0)
    with open(box.path("/root.auth"), "rb") as file:
        put(box, file.read())


@test(timeout=120)
def an_untrusted_cookie_is_known_as_one_and_the_missing_glx_explained():
    box, _ = desktop()
    put_untrusted(box)
    found = probe(box, "x11", env=X)
    found.expect("x11.auth", "ok", "untrusted cookie accepted")
    found.expect("x11.extensions", "warn", "missing: GLX", "untrusted cookie hides it",
                 "stremio-incus attach")


@test(timeout=120)
def no_cookie_is_called_trusted_where_the_screen_that_would_tell_does_not_exist():
    box, _ = desktop()
    put_untrusted(box)
    found = probe(box, "x11", env={"DISPLAY": DISPLAY + ".3"})
    auth = found.expect("x11.auth", "ok")
    equal((auth.summary, auth.hint), ("cookie accepted", ""), "what is said of the cookie")
    found.expect("x11.extensions", "fail", "no such screen")


@test(timeout=120)
def a_server_that_is_stopped_or_gone_is_told_from_one_that_was_never_there():
    box, server = desktop()
    put(box, entry())
    server.kill(signal.SIGSTOP)
    found = probe(box, "x11", env=X, deadline=SHORT_MS)
    found.expect("x11.socket", "fail", "does not answer", "ps -o stat,args -C Xorg,Xwayland")
    found.expect("x11.auth", "skip", "not reached")
    server.kill(signal.SIGKILL)
    server.wait()
    found = probe(box, "x11", env=X)
    found.expect("x11.socket", "fail", "no server listens any more", "log in again")
    os.remove(box.path(SOCKET))
    found = probe(box, "x11", env=X)
    found.expect("x11.socket", "fail", "not there", "echo $DISPLAY")


@test(timeout=120)
def displays_that_are_none_or_elsewhere_are_named():
    box = room()
    probe(box, "x11").expect("x11.socket", "fail", "DISPLAY is not set", "stremio-incus attach")
    probe(box, "x11", env={"DISPLAY": ""}).expect("x11.socket", "fail", "DISPLAY is not set")
    for name in ("host:0", "localhost:10.0", "tcp/192.0.2.1:1"):
        probe(box, "x11", env={"DISPLAY": name}).expect(
            "x11.socket", "skip", "another machine: not checked", target=name)
    for name in ("0", ":x", ":70000", ":0.1.2", "\x1b[31m:\xff"):
        probe(box, "x11", env={"DISPLAY": name}).expect("x11.socket", "fail", "names no display")


@test(timeout=120)
def a_peer_that_is_no_x_server_is_told_from_one_that_is_silent_or_resets():
    box = room()
    put(box, entry())
    for peer, words in (
            (fake(SOCKET, silent), ("does not answer", "hangs or is stopped")),
            (fake(SOCKET, closes), ("closes them without an answer", "the server behind it")),
            (fake(SOCKET, resets), ("closes them without an answer", "the server behind it")),
            (fake(SOCKET, garbage), ("not that of an X server", "ss -xlp")),
            (fake(SOCKET, says(b"\0" * 64)), ("not that of an X server",)),
            (fake(SOCKET, says(b"\1\0\x0b")), ("does not answer",)),
            (fake(SOCKET, drips(x_success())), ("does not answer",)),
            (stale(SOCKET), ("no server listens any more", "log in again")),
            (crowded(SOCKET), ("queue is full", "hangs or is stopped"))):
        clear(box, SOCKET)
        deadline = SHORT_MS if words[0] in ("does not answer", "queue is full") else DEADLINE_MS
        found = probe(box, "x11", env=X, peers=[peer], deadline=deadline)
        found.expect("x11.socket", "fail", *words)
        found.expect("x11.auth", "skip", "not reached")
    clear(box, SOCKET)
    box.write(SOCKET, "")
    probe(box, "x11", env=X).expect("x11.socket", "fail", "is not a socket")
    clear(box, SOCKET)
    found = probe(box, "x11", env=X, peers=[fake(SOCKET, silent, mode=0o600)])
    found.expect("x11.socket", "fail", "Permission denied", "belongs to somebody else")


@test(timeout=120)
def an_abstract_name_that_answers_is_taken_first_as_libxcb_does():
    box = room()
    put(box, entry())
    found = probe(box, "x11", env=X, peers=[fake(SOCKET, garbage, abstract=True), stale(SOCKET)])
    found.expect("x11.socket", "fail", "not that of an X server", target="@" + SOCKET)


@test(timeout=120, asan=UNMAPPED)
def an_abstract_x_server_of_the_applications_own_user_is_told_to_be_landlocks_to_close():
    needs(6)

    def own():
        os.seteuid(UID)
        fake(SOCKET, garbage, abstract=True)()
        os.seteuid(0)
    found = confined(room(), "x11", env=X, peers=[own])
    found.expect("x11.socket", "fail", "Operation not permitted", "Landlock keeps abstract sockets",
                 "-nolisten local", "STREMIO_LANDLOCK=off", target="@" + SOCKET)
    for peer, options in ((own, ["--landlock=off"]), (fake(SOCKET, garbage, abstract=True), [])):
        found = confined(room(), "x11", env=X, peers=[peer], options=options)
        found.expect("x11.socket", "fail", "not that of an X server", target="@" + SOCKET)


def reply(data=b"", first=0, length=0):
    """Talks as an X server that lets in and answers each request with the same bytes."""
    def talk(client):
        client.recv(4096)
        client.sendall(x_success())
        sequence = 0
        while client.recv(4096):
            sequence += 1
            client.sendall(struct.pack("=BBHI", 1, first, sequence, length) + data)
    return talk


@test(timeout=180)
def an_x_server_that_lets_in_and_then_lies_ends_no_probe():
    """Through libX11, which trusts its server; each at worst a failed check."""
    box = room()
    put(box, entry())
    after = {
        "hangs after the handshake": says(x_success(), silent),
        "ends after the handshake": says(x_success(), closes),
        "sends 4 GB of vendor": floods(x_success(vendor=b"v" * 65535), b"v" * 65536),
        "promises more than it sends": says(x_success(length=65535)),
        "sends a vendor longer than all": says(x_success(vendor=b"v" * 40, length=20)),
        "has 255 screens and shows one": says(x_success(extra=b"\xff" * 64)),
        "answers everything with yes": reply(b"\1" * 24),
        "answers with 16 GB": reply(b"\xff" * 24, length=0xffffffff),
        "answers with 1 GB": reply(b"\xff" * 24, length=0x10000000),
        "answers with extensions that end early": reply(b"\xff" * 24 + b"\xff" * 32, 255, 8),
        "answers with errors": says(x_success(), floods(piece=b"\0\1\1\0" + b"\0" * 28)),
        "sends events": says(x_success(), floods(piece=b"\2" * 32)),
    }
    for what, talk in after.items():
        clear(box, SOCKET)
        try:
            found = probe(box, "x11", env=X, peers=[fake(SOCKET, talk)], deadline=SHORT_MS)
        except AssertionError as reason:
            raise AssertionError(f"{what}: {reason}") from None
        states = {record.id: record.status for record in found.list}
        check(found.list and states["x11.socket"] in ("ok", "fail"), f"{what}: {found.list}")
        check(len(found.list) >= 3, f"{what}: {found.list}")


@test(timeout=120)
def a_refusal_says_why_with_every_byte_escaped():
    box = room()
    put(box, entry())
    reason = b"No\x1b[31m \xff\nmore\xe2\x80\xae."
    refusal = struct.pack("=BBHHH", 0, len(reason), 11, 0, (len(reason) + 3) // 4) + reason
    found = probe(box, "x11", env=X, peers=[fake(SOCKET, says(refusal + b"\0" * 8))])
    found.expect("x11.socket", "ok")
    found.expect("x11.auth", "fail", "No\\x1b[31m \\xff\\x0amore\\xe2\\x80\\xae.")
    reason = b"Maximum number of clients reached"
    refusal = struct.pack("=BBHHH", 0, len(reason), 11, 0, 9) + reason
    clear(box, SOCKET)
    found = probe(box, "x11", env=X, peers=[fake(SOCKET, says(refusal + b"\0" * 8))])
    found.expect("x11.auth", "fail", "no more clients", "xlsclients")
