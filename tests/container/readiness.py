"""Telling Incus that the instance is ready: over its guest socket, after the exec, once."""
import os
import socket
import time

from harness import APP, Box, check, equal, signal, test

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def incus(box):
    """A listening guest API in the box, as Incus puts it there."""
    os.mkdir(box.path("dev/incus"))
    server = socket.socket(socket.AF_UNIX)
    server.bind(box.path("dev/incus/sock"))
    server.listen(4)
    server.settimeout(5)
    return server


def request(server):
    connection = server.accept()[0]
    connection.settimeout(5)
    text = b""
    while b"Ready" not in text:
        more = connection.recv(4096)
        check(more, f"closed after {text!r}")
        text += more
    return connection, text


def nobody_calls(server, seconds=0.3):
    server.settimeout(seconds)
    try:
        connection = server.accept()[0]
    except TimeoutError:
        return True
    connection.settimeout(seconds)
    try:
        return connection.recv(4096) == b""
    except TimeoutError:
        return True


def running(box, *options, init=True):
    return box.shim(APP, "trap", "main", "0", "0", options=options, init=init)


@test()
def pid_1_reports_ready_after_the_exec():
    box = Box()
    server = incus(box)
    proc = running(box)
    connection, text = request(server)
    head, _, body = text.partition(b"\r\n\r\n")
    check(head.startswith(b"PATCH /1.0 HTTP/1.1\r\n"), f"{head!r}")
    equal(body, b'{"state":"Ready"}', "body")
    check(b"Content-Length: %d\r\n" % len(body) in head + b"\r\n", f"{head!r}")
    connection.sendall(GOOD)
    proc.expect("ready main").kill(signal.SIGTERM)
    proc.ends(0)
    equal(proc.err(), "", "stderr")


@test()
def nothing_is_reported_when_the_launch_failed():
    box = Box()
    server = incus(box)
    box.shim("/nowhere").ends(127)
    check(nobody_calls(server), "a failed launch was reported ready")


@test()
def ready_no_and_ordinary_processes_report_nothing():
    for options, init in ((("--ready=no",), True), ((), False)):
        box = Box()
        server = incus(box)
        proc = running(box, *options, init=init).expect("ready main")
        check(nobody_calls(server), f"{options} init={init} reported")
        proc.kill(signal.SIGTERM)
        proc.ends(0)
        server.close()


@test()
def ready_on_request_warns_when_nobody_listens():
    proc = running(Box(), "--ready").expect("ready main")
    proc.kill(signal.SIGTERM)
    proc.ends(0)
    check("ready" in proc.err() and len(proc.err().splitlines()) == 1, f"{proc.err()!r}")
    proc = running(Box(), "--ready=auto").expect("ready main")
    proc.kill(signal.SIGTERM)
    proc.ends(0)
    equal(proc.err(), "", "stderr with auto")


@test()
def an_incus_that_never_answers_or_refuses_holds_nothing_up():
    for answer in (None, b"HTTP/1.1 403 Forbidden\r\n\r\n", b"x", b""):
        box = Box()
        server = incus(box)
        proc = running(box)
        connection, _ = request(server)
        if answer is not None:
            connection.sendall(answer)
            connection.close()
        start = time.monotonic()
        proc.expect("ready main").kill(signal.SIGTERM)
        proc.ends(0)
        check(time.monotonic() - start < 1, "the stop waited for Incus")
        check(len(proc.err().splitlines()) <= 1, f"{proc.err()!r}")
        server.close()


@test()
def an_answer_leaves_no_descriptor_and_no_wake_ups_behind():
    box = Box()
    server = incus(box)
    proc = running(box).expect("ready main")
    connection, _ = request(server)
    connection.sendall(GOOD)
    connection.close()
    time.sleep(0.2)
    links = [os.readlink(f"/proc/{proc.pid}/fd/{n}") for n in os.listdir(f"/proc/{proc.pid}/fd")]
    check(not any(link.startswith("socket:") for link in links), f"{links}")
    before = proc.status()["voluntary_ctxt_switches"]
    time.sleep(0.5)
    equal(proc.status()["voluntary_ctxt_switches"], before, "voluntary switches")
    proc.kill(signal.SIGTERM)
    proc.ends(0)
