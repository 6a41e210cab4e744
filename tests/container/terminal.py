"""Job control on real pseudo terminals."""
import os
import select
import signal
import time

from harness import APP, SHIM, Box, check, children, equal, proc_status, test, until


class Screen:
    """The master side of a pty: types, and reads what comes."""

    def __init__(self, box):
        self.fd, self.slave = box.pty()
        self.text = ""

    def type(self, text):
        os.write(self.fd, text.encode())
        return self

    def read(self, timeout):
        if select.select([self.fd], [], [], max(timeout, 0))[0]:
            try:
                self.text += os.read(self.fd, 65536).decode(errors="replace").replace("\r", "")
            except OSError:                                     # EIO: nobody holds the slave
                return False
        return True

    def expect(self, text, timeout=10.0):
        """Reads until `text` has come; what stood before it is forgotten."""
        end = time.monotonic() + timeout
        while text not in self.text:
            left = end - time.monotonic()
            check(left > 0 and (self.read(left) or text in self.text),
                  f"no {text!r} on the terminal; last: {self.text[-300:]!r}")
        before, _, self.text = self.text.partition(text)
        return before

    def silent(self, text, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.read(end - time.monotonic()):
            pass
        check(text not in self.text, f"{text!r} came again: {self.text[-200:]!r}")


def shell():
    """An interactive bash with job control; its Screen and process."""
    box = Box(system=True)
    screen = Screen(box)
    bash = box.spawn(["/bin/bash", "--norc", "--noprofile", "-i"], init=False, tty=screen.slave,
                     ctty=True, env={"PS1": "$ ", "TERM": "dumb", "PATH": "/usr/bin:/bin"})
    screen.expect("$ ")
    return screen, bash


def prompt_is_back(screen):
    """The shell answers, with something the echo of the typed line does not hold."""
    screen.type("echo back$((40+2))\n").expect("back42")


@test()
def ctrl_z_stops_and_fg_resumes_and_ctrl_c_arrives_once():
    screen, bash = shell()
    screen.type(f"{SHIM} -- {APP} count\n").expect("ready count")
    for _ in range(3):
        screen.type("\x1a").expect("Stopped")
        prompt_is_back(screen)
        app = children(children(bash.pid)[0])[0]
        equal(proc_status(app)["State"][0], "T", "state of the application after ^Z")
        screen.type("fg\n").expect("signal 18")
    screen.type("\x03").expect("signal 2\n")
    screen.silent("signal 2\n", 0.3)
    shim = children(bash.pid)[0]
    os.kill(shim, signal.SIGTERM)
    screen.expect("signal 15")
    screen.type("echo rc$?x\n").expect("rc0x")


@test()
def ctrl_z_works_even_where_it_was_ignored_before():
    screen, _ = shell()
    screen.type(f"(trap '' TSTP TTIN TTOU; exec {SHIM} -- {APP} count)\n").expect("ready count")
    screen.type("\x1a").expect("Stopped")
    prompt_is_back(screen)
    screen.type("fg\n").expect("signal 18")
    screen.type("\x03").expect("signal 2\n")


@test()
def ctrl_c_ends_the_application_and_the_shell_sees_130():
    screen, _ = shell()
    screen.type(f"{SHIM} -- {APP} trap main 0 0\n").expect("ready main")
    screen.type("\x03").expect("$ ")
    screen.type("echo rc$?x\n").expect("rc130x")


@test()
def ctrl_backslash_ends_the_application_and_the_shell_sees_131():
    screen, _ = shell()
    screen.type(f"ulimit -c 0; {SHIM} -- {APP} trap main 0 0\n").expect("ready main")
    screen.type("\x1c").expect("$ ")
    screen.type("echo rc$?x\n").expect("rc131x")


@test()
def a_background_start_leaves_the_terminal_alone_and_fg_brings_it_forward():
    screen, _ = shell()
    screen.type(f"{SHIM} -- {APP} terminal bg , read , exit 5 &\n")
    screen.expect("terminal bg ctty=1 foreground=0")
    prompt_is_back(screen)
    until(lambda: "Stopped" in screen.type("jobs\n").text or screen.read(0.2) and
          "Stopped" in screen.text, "a job stopped at terminal input", 5)
    screen.type("fg\n")
    time.sleep(0.2)
    screen.type("hello\n").expect("read hello")
    prompt_is_back(screen)


@test()
def a_stopped_job_can_be_continued_in_the_background():
    screen, bash = shell()
    screen.type(f"{SHIM} -- {APP} count\n").expect("ready count")
    screen.type("\x1a").expect("Stopped")
    screen.type("bg\n").expect("signal 18")
    prompt_is_back(screen)
    app = children(children(bash.pid)[0])[0]
    check(proc_status(app)["State"][0] in "SR", "the application runs on in the background")
    screen.type("kill %1\n").expect("signal 15")
    prompt_is_back(screen)


@test()
def the_terminal_is_given_back_at_the_end():
    """A shell without job control does not take it back by itself, so only the shim can."""
    for end in ("exit 3", "raise 9", "raise 15"):
        box = Box(system=True)
        screen = Screen(box)
        script = (f"{SHIM} -- {APP} terminal during , {end}; "
                  f"{APP} terminal after , read , exit 0")
        proc = box.spawn(["/bin/sh", "-c", script], init=False, tty=screen.slave, ctty=True)
        screen.expect("terminal during ctty=1 foreground=1 leader=1")
        screen.expect("terminal after ctty=1 foreground=1")
        screen.type("hello\n").expect("read hello")
        proc.ends(0)


@test()
def pid_1_with_a_terminal_that_controls_nobody_gives_it_to_the_application():
    """What Incus sets up: fds 0-2 are /dev/pts/0, and /dev/tty cannot be opened."""
    box = Box()
    screen = Screen(box)
    proc = box.spawn([SHIM, "--", APP, "terminal", "x", ",", "read", ",", "count"],
                     tty=screen.slave)
    screen.expect("terminal x ctty=1 foreground=1")
    screen.type("hello\n").expect("read hello")
    screen.expect("ready count").strip()
    screen.type("\x03").expect("signal 2\n")
    screen.silent("signal 2\n", 0.2)
    screen.type("\x1a")
    time.sleep(0.1)
    proc.kill(signal.SIGUSR1)
    screen.expect("signal 10\n")
    proc.kill(37)
    screen.expect("signal 15\n")
    proc.ends(0)


@test()
def pid_1_that_leads_the_terminals_session_works_too():
    box = Box()
    screen = Screen(box)
    proc = box.spawn([SHIM, "--", APP, "terminal", "x", ",", "read", ",", "count"],
                     tty=screen.slave, ctty=True)
    screen.expect("terminal x ctty=1 foreground=1")
    screen.type("hello\n").expect("read hello")
    screen.expect("ready count")
    screen.type("\x03").expect("signal 2\n")
    screen.silent("signal 2\n", 0.2)
    proc.kill(37)
    screen.expect("signal 15\n")
    proc.ends(0)


@test()
def an_ordinary_session_leader_hands_the_terminal_on():
    box = Box()
    screen = Screen(box)
    proc = box.spawn([SHIM, "--", APP, "terminal", "x", ",", "count"], init=False,
                     tty=screen.slave, ctty=True)
    screen.expect("terminal x ctty=1 foreground=1 leader=1")
    screen.expect("ready count")
    screen.type("\x03").expect("signal 2\n")
    screen.silent("signal 2\n", 0.2)
    proc.kill(signal.SIGTERM)
    screen.expect("signal 15\n")
    proc.ends(0)


@test()
def a_hang_up_of_the_terminal_reaches_the_application():
    for init in (True, False):
        box = Box()
        screen = Screen(box)
        proc = box.spawn([SHIM, "--", APP, "ready", "main", ",", "pause"], init=init,
                         tty=screen.slave, ctty=not init)
        screen.expect("ready main")
        time.sleep(0.05)
        os.close(screen.fd)
        proc.ends(128 + signal.SIGHUP)


@test()
def without_a_terminal_the_application_has_a_session_of_its_own():
    for init in (True, False):
        proc = Box().shim("/opt/t/state", "exit", "0", init=init).ends(0)
        equal(proc.state()["sid_leader"], "1", "leads its session")


@test()
def a_shared_terminal_that_can_be_typed_into_is_told():
    """Without a policy TIOCSTI is open, and it reaches the shell behind the shim."""
    screen, _ = shell()
    screen.type(f"{SHIM} --policy=none -- {APP} exit 0\n").expect("can type into it")
    prompt_is_back(screen)
    screen.type(f"{SHIM} -- {APP} exit 0\n")
    prompt_is_back(screen)
    screen.silent("can type into it", 0.2)
