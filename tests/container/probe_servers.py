"""stremio-probe and sound servers and compositors: real ones, and peers that only pretend."""
import os
import struct

from harness import check, equal, test
from landlock import needs
from probing import (DEADLINE_MS, RUNTIME, SHORT_MS, UID, UNMAPPED, clear, closes, confined, crowded, drips, fake, floods,
                     garbage, need, probe, resets, room, says, serve, silent, stale)

PULSE, PIPEWIRE = RUNTIME + "/pulse/native", RUNTIME + "/pipewire-0"
WAYLAND = RUNTIME + "/wayland-1"
W = {"WAYLAND_DISPLAY": "wayland-1"}
REAL = "a real server sends no byte that a pretender does not"


def directory(box, path, uid=UID):
    os.makedirs(box.path(path), exist_ok=True)
    os.chown(box.path(path), uid, uid)


def pulse_packet(command, value, tag=0, channel=0xffffffff, length=None):
    body = b"".join(b"L" + struct.pack(">I", n) for n in (command, tag, value))
    return struct.pack(">IIIII", len(body) if length is None else length, channel, 0, 0, 0) + body


def pod(kind, data):
    return struct.pack("=II", len(data), kind) + data + b"\0" * (-len(data) % 8)


def pipewire_event(body, object_id=0, opcode=0, length=None):
    size = len(body) if length is None else length
    return struct.pack("=IIII", object_id, opcode << 24 | size, 0, 0) + body


def core_info(version):
    number = pod(4, struct.pack("=I", 1))
    return pod(14, number + number + b"".join(
        pod(8, text + b"\0") for text in (b"user", b"host", version, b"na\xffme")))


def wayland_event(object_id, opcode, body):
    return struct.pack("=II", object_id, (len(body) + 8) << 16 | opcode) + body


def wayland_string(text):
    text += b"\0"
    return struct.pack("=I", len(text)) + text + b"\0" * (-len(text) % 4)


def wayland_global(name):
    return wayland_event(2, 0, struct.pack("=I", 1) + wayland_string(name) + struct.pack("=I", 1))


def asked(client, size):
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        if not more:
            os._exit(0)
        data += more


def answers(data, size=24):
    """Waits for the question, as real servers do, and then says something."""
    def talk(client):
        asked(client, size)
        client.sendall(data)
        silent(client)
    return talk


SLOW = ("does not answer", "queue is full", "")


# Everything that a socket can be but a server, and a server but of use: for each kind of server.
def bad_servers(path):
    return (
        (fake(path, silent), "does not answer"),
        (fake(path, closes), "closes connections without an answer"),
        (fake(path, resets), "closes connections without an answer"),
        (fake(path, garbage), "not of its protocol"),
        (fake(path, floods(piece=b"\0" * 65536)), "not of its protocol"),
        (fake(path, floods()), "not of its protocol"),
        (fake(path, drips(b"\0\0\0\x0f\xff\xff\xff\xff" + b"\0" * 40)), ""),
        (stale(path), "no server listens any more"),
        (crowded(path), "queue is full"),
        (fake(path, silent, mode=0o600), "Permission denied"),
    )


def try_bad_servers(box, path, group, check_id, env, status="fail"):
    hints = {}
    for peer, words in bad_servers(path):
        clear(box, path)
        deadline = SHORT_MS if words in SLOW else DEADLINE_MS
        found = probe(box, group, env=env, peers=[peer], deadline=deadline)
        found = found.expect(check_id, status, words)
        equal(found.target, path, "the target")
        hints.setdefault(found.hint, []).append(words)
    clear(box, path)
    box.write(path, "")
    found = probe(box, group, env=env).expect(check_id, status, "is not a socket")
    hints.setdefault(found.hint, []).append("is not a socket")
    check(len(hints) >= 5, f"causes share a hint: {hints}")
    clear(box, path)


@test(timeout=120)
def what_is_no_pulseaudio_is_told_by_cause():
    box = room()
    directory(box, os.path.dirname(PULSE))
    found = probe(box, "pulse")
    found.expect("pulse.socket", "fail", "not there", "stremio-incus attach", target=PULSE)
    found.expect("pipewire.socket", "skip", "not there")
    try_bad_servers(box, PULSE, "pulse", "pulse.socket", {})
    for talk, words in (
            (answers(pulse_packet(2, 0x23), 20), ("ok", "answers, protocol 35")),
            (answers(pulse_packet(0, 1), 20), ("fail", "access denied", "pulse/cookie")),
            (answers(pulse_packet(0, 17), 20), ("fail", "error 17", "journalctl --user")),
            (says(pulse_packet(2, 35, tag=3)), ("fail", "not of its protocol")),
            (says(pulse_packet(2, 35, channel=0)), ("fail", "not of its protocol")),
            (says(pulse_packet(2, 35, length=0xffffffff)), ("fail", "not of its protocol"))):
        clear(box, PULSE)
        probe(box, "pulse", peers=[fake(PULSE, talk)]).expect("pulse.socket", *words)


@test(timeout=120)
def a_pulseaudio_cookie_that_cannot_be_read_is_named_with_the_reason():
    box = room()
    directory(box, os.path.dirname(PULSE))
    peer = fake(PULSE, answers(pulse_packet(0, 1), 20))
    env = {"PULSE_COOKIE": "/srv/co\x1bkie"}
    name = "access denied; no cookie: /srv/co\\x1bkie "
    for data, mode, words in (
            (b"c" * 256, 0o600, ("cannot be read: Permission denied", f"(uid {UID}) cannot read")),
            (b"c" * 255, 0o644, ("holds none", "wants its cookie"))):
        clear(box, PULSE)
        box.write(env["PULSE_COOKIE"], data, mode)
        probe(box, "pulse", env=env, peers=[peer]).expect("pulse.socket", "fail", name + words[0], words[1])


@test(timeout=120, asan=UNMAPPED)
def a_pulseaudio_cookie_that_only_landlock_closes_is_not_blamed_on_its_owner():
    needs(1)
    box = room()
    directory(box, os.path.dirname(PULSE))
    box.write("srv/cookie", b"c" * 256, 0o644)
    found = confined(box, "pulse", env={"PULSE_COOKIE": "/srv/cookie"},
                     peers=[fake(PULSE, answers(pulse_packet(0, 1), 20))])
    found.expect("pulse.socket", "fail", "/srv/cookie cannot be read: Permission denied", "Landlock",
                 "environment.STREMIO_RO=FILE")


@test(timeout=120)
def pulse_server_is_read_as_libpulse_does():
    box = room()
    good = fake("/tmp/pulse", answers(pulse_packet(2, 35), 20))
    for value in ("/tmp/pulse", "unix:/tmp/pulse", "{0123abc}unix:/tmp/pulse", "/tmp/pulse tcp:x"):
        clear(box, "/tmp/pulse")
        found = probe(box, "pulse", env={"PULSE_SERVER": value}, peers=[good])
        found.expect("pulse.socket", "ok", target="/tmp/pulse")
    for value in ("tcp:host:4713", "host", "tcp4:192.0.2.1"):
        found = probe(box, "pulse", env={"PULSE_SERVER": value})
        found.expect("pulse.socket", "skip", "not checked", "not a socket of this machine")
    found = probe(box, "pulse", env={"XDG_RUNTIME_DIR": None})
    found.expect("pulse.socket", "fail", "XDG_RUNTIME_DIR are not set")
    clear(box, "/tmp/native")
    found = probe(box, "pulse", env={"PULSE_RUNTIME_PATH": "/tmp"},
                  peers=[fake("/tmp/native", answers(pulse_packet(2, 35), 20))])
    found.expect("pulse.socket", "ok", target="/tmp/native")
    found = probe(box, "pulse", env={"PULSE_SERVER": "/tmp/" + "x" * 4000})
    found.expect("pulse.socket", "fail", "path is too long")


@test(timeout=120)
def what_is_no_pipewire_is_told_by_cause():
    box = room()
    env = {"PIPEWIRE_REMOTE": "pipewire-0"}
    found = probe(box, "pulse", env=env)
    found.expect("pipewire.socket", "fail", "not there", "PIPEWIRE_REMOTE")
    # Nobody has spoken of the other one.
    found.expect("pulse.socket", "skip", "not there")
    found = probe(box, "pulse", env={**env, "PULSE_SERVER": "unix:" + PULSE})
    found.expect("pulse.socket", "fail", "not there")
    try_bad_servers(box, PIPEWIRE, "pulse", "pipewire.socket", env)
    other = pipewire_event(pod(14, b""), object_id=1, opcode=1)
    for talk, words in (
            (answers(pipewire_event(core_info(b"1.\x1b[0m")), 40),
             ("ok", "PipeWire 1.\\x1b[0m (na\\xffme)")),
            (answers(other * 15 + pipewire_event(core_info(b"1.2")), 40), ("ok", "PipeWire 1.2")),
            (says(other * 16), ("fail", "not of its protocol")),
            (says(pipewire_event(b"", length=0xffffff)), ("fail", "not of its protocol")),
            (says(pipewire_event(pod(14, pod(4, b"\xff" * 4)[:4]))),
             ("fail", "not of its protocol"))):
        clear(box, PIPEWIRE)
        probe(box, "pulse", peers=[fake(PIPEWIRE, talk)]).expect("pipewire.socket", *words)


@test(timeout=120)
def a_broken_pipewire_is_a_warning_where_pulseaudio_is_good():
    box = room()
    directory(box, os.path.dirname(PULSE))
    found = probe(box, "pulse", peers=[fake(PULSE, answers(pulse_packet(2, 35), 20)),
                                       fake(PIPEWIRE, garbage)])
    found.expect("pulse.socket", "ok")
    found.expect("pipewire.socket", "warn", "not of its protocol")


@test(timeout=120)
def what_is_no_compositor_is_told_by_cause():
    box = room()
    probe(box, "wayland").expect("wayland.socket", "fail", "WAYLAND_DISPLAY is not set", "incus")
    found = probe(box, "wayland", env={**W, "XDG_RUNTIME_DIR": None})
    found.expect("wayland.socket", "fail", "XDG_RUNTIME_DIR is not set", target="wayland-1")
    probe(box, "wayland", env=W).expect("wayland.socket", "fail", "not there", target=WAYLAND)
    try_bad_servers(box, WAYLAND, "wayland", "wayland.socket", W)
    done = wayland_event(3, 0, struct.pack("=I", 1))
    desktop = b"".join(map(wayland_global, (b"wl_compositor", b"xdg_wm_base", b"wl_seat",
                                            b"zwp_linux_dmabuf_v1")))
    error = wayland_event(1, 0, struct.pack("=II", 1, 2) + wayland_string(b"go\x1b[2J\n\xff"))
    for talk, words in (
            (answers(desktop + done), ("ok", "4 globals")),
            (answers(wayland_global(b"wl_shm") + done),
             ("warn", "1 globals; missing: wl_compositor xdg_wm_base", "wayland-info")),
            (answers(error), ("fail", "the compositor says: go\\x1b[2J\\x0a\\xff")),
            (says(wayland_global(b"wl_seat") * 1024), ("fail", "not of its protocol")),
            (says(struct.pack("=III", 2, 20 << 16, 1) + b"\xff" * 8), ("fail", "not of its"))):
        clear(box, WAYLAND)
        probe(box, "wayland", env=W, peers=[fake(WAYLAND, talk)]).expect("wayland.socket", *words)


@test(timeout=120)
def without_wayland_display_the_default_socket_is_looked_at():
    box = room()
    done = wayland_event(3, 0, struct.pack("=I", 1))
    path = RUNTIME + "/wayland-0"
    found = probe(box, "wayland", peers=[fake(path, answers(done))])
    found.expect("wayland.socket", "warn", "0 globals", target=path)


@test(timeout=90, asan=REAL)
def a_real_pulseaudio_answers_and_wants_its_cookie_of_strangers():
    box = room(passwd=f"player:x:{UID}:{UID}::/home/player:/bin/sh\n")
    directory(box, os.path.dirname(PULSE))
    serve(box, [need("pulseaudio"), "-n", "--daemonize=no", "--use-pid-file=no",
                "--exit-idle-time=-1", "--disallow-exit", "-L",
                f"module-native-protocol-unix socket={PULSE}"], PULSE, uid=UID,
          env={"HOME": "/home/player"})
    probe(box, "pulse").expect("pulse.socket", "ok", "answers, protocol")
    os.chmod(box.path(RUNTIME), 0o755)
    os.chmod(box.path(os.path.dirname(PULSE)), 0o755)
    os.chmod(box.path(PULSE), 0o777)
    found = probe(box, "pulse", uid=1234)
    found.expect("pulse.socket", "fail", "access denied", "pulse/cookie", "stremio-incus attach")
    cookie = "/home/player/.config/pulse/cookie"
    with open(box.path(cookie), "rb") as file:
        box.write("tmp/cookie", file.read(), 0o644)
    found = probe(box, "pulse", uid=1234, env={"PULSE_COOKIE": "/tmp/cookie"})
    found.expect("pulse.socket", "ok", "answers, protocol")


@test(timeout=90, asan=REAL)
def a_real_pipewire_names_its_version():
    box = room(passwd=f"player:x:{UID}:{UID}::/home/player:/bin/sh\n")
    serve(box, [need("pipewire")], PIPEWIRE, uid=UID)
    found = probe(box, "pulse").expect("pipewire.socket", "ok", "answers, PipeWire ")
    check(found.summary.split("PipeWire ")[1][0].isdigit(), found.summary)


@test(timeout=90, asan=REAL)
def a_real_compositor_tells_its_globals():
    box = room(passwd=f"player:x:{UID}:{UID}::/home/player:/bin/sh\n")
    serve(box, [need("weston"), "--backend=headless-backend.so", "--socket=wayland-1",
                "--idle-time=0", "--no-config"], WAYLAND, uid=UID)
    found = probe(box, "wayland", env=W)
    found.expect("wayland.socket", "ok", "globals", target=WAYLAND)
