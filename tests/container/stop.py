"""Stop, restart, leftovers and exit statuses: what `incus stop` must not lose."""
import os
import signal
import subprocess
import time

from harness import APP, Box, check, children, equal, gone, prctl, proc_status, test, until

STOP_SIGNALS = (30, 37, 38, signal.SIGTERM)
SIGHUP, SIGKILL, SIGTERM = signal.SIGHUP, signal.SIGKILL, signal.SIGTERM


def last_line(proc, text):
    check(text in proc.lines(), f"{text!r} is missing: {proc.out()!r}")


@test()
def stop_runs_the_applications_term_handler_to_its_end():
    for sig in STOP_SIGNALS:
        proc = Box().shim(APP, "trap", "main", "300", "7").expect("ready main")
        proc.kill(sig)
        proc.ends(7)
        last_line(proc, "done main")


@test()
def stop_works_as_an_ordinary_process():
    for sig in STOP_SIGNALS:
        proc = Box().shim(APP, "trap", "main", "300", "7", init=False).expect("ready main")
        proc.kill(sig)
        proc.ends(7)
        last_line(proc, "done main")


LEFTOVERS = ("fork", "trap", "plain", "300", "0", ",",
             "fork", "setsid", "trap", "daemon", "300", "0", ",")


def leftovers_finish(init, *end, sig=None):
    proc = Box().shim(APP, *LEFTOVERS, *end, init=init)
    proc.expect("ready plain").expect("ready daemon")
    if sig:
        proc.expect("ready main").kill(sig)
    proc.ends(7)
    for name in ("plain", "daemon"):
        last_line(proc, f"done {name}")


@test()
def leftovers_finish_their_work_when_the_application_exits():
    for init in (True, False):
        leftovers_finish(init, "exit", "7")


@test()
def leftovers_finish_their_work_on_stop():
    for sig in STOP_SIGNALS:
        leftovers_finish(True, "trap", "main", "0", "7", sig=sig)
    leftovers_finish(False, "trap", "main", "0", "7", sig=SIGTERM)


def stubborn(init, code, options, *end, sig=None):
    """Runs something with a leftover that ignores TERM; gives back the seconds it took."""
    proc = Box().shim(APP, "fork", "setsid", "ignore", "mule", ",", *end, init=init,
                      options=options)
    proc.expect("ready mule")
    if sig:
        proc.expect("ready main")
    start = time.monotonic()
    if sig:
        proc.kill(sig)
    proc.ends(code)
    if not init:
        until(lambda: not any_named("mule"), "the end of the leftover", 1)
    return time.monotonic() - start


def any_named(word):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if word.encode() in words and not gone(int(pid)):
            return True
    return False


@test()
def leftovers_that_ignore_term_are_killed_at_the_timeout():
    for init in (True, False):
        took = stubborn(init, 7, ("--stop-timeout=1",), "exit", "7")
        check(0.8 <= took <= 1.9, f"main exit: took {took:.2f} s with a timeout of 1 s")
        took = stubborn(init, 7, ("-t", "1"), "trap", "main", "0", "7", sig=SIGTERM)
        check(0.8 <= took <= 1.9, f"stop: took {took:.2f} s with a timeout of 1 s")


@test()
def an_application_that_ignores_term_is_killed_at_the_timeout():
    for init in (True, False):
        proc = Box().shim(APP, "ignore", "main", init=init, options=("-t", "1"))
        proc.expect("ready main")
        start = time.monotonic()
        proc.kill(37)
        proc.ends(128 + SIGKILL)
        took = time.monotonic() - start
        check(0.8 <= took <= 1.9, f"took {took:.2f} s with a timeout of 1 s")


@test()
def leftovers_hear_of_the_stop_at_half_the_timeout_of_a_busy_application():
    proc = Box().shim(APP, "fork", "setsid", "trap", "left", "300", "0", ",", "ignore", "main",
                      options=("-t", "2"))
    proc.expect("ready left").expect("ready main")
    start = time.monotonic()
    proc.kill(SIGTERM)
    proc.expect("term left")
    took = time.monotonic() - start
    check(0.7 <= took <= 1.9, f"leftover got TERM after {took:.2f} s of 2 s")
    proc.ends(128 + SIGKILL)
    last_line(proc, "done left")


@test()
def a_stopped_application_is_woken_to_answer():
    for init in (True, False):
        proc = Box().shim(APP, "trap", "main", "0", "7", init=init).expect("ready main")
        child = children(proc.pid)[0]
        os.kill(child, signal.SIGSTOP)
        until(lambda: proc_status(child)["State"].startswith("T"), "the stop", 2)
        proc.kill(SIGTERM)
        proc.ends(7, timeout=5)


def entered(proc, *words):
    """A process that entered the container later, as those of `incus exec` do: no child of PID 1."""
    return subprocess.Popen(["nsenter", "-t", str(proc.pid), "-p", "-m", APP, *words],
                            stdout=subprocess.PIPE, text=True)


@test()
def processes_that_entered_later_finish_their_work_on_stop_too():
    for end, sig in ((("trap", "main", "0", "7"), 37), (("sleep", "700", ",", "exit", "7"), None)):
        proc = Box().shim(APP, "ready", "up", ",", *end).expect("ready up")
        other = entered(proc, "trap", "other", "300", "0")
        equal(other.stdout.readline(), "ready other\n", "stdout")
        if sig:
            proc.expect("ready main").kill(sig)
        proc.ends(7)
        equal(other.stdout.read(), "term other\ndone other\n", "stdout")


@test()
def processes_that_entered_later_and_ignore_term_are_killed_at_the_timeout():
    proc = Box().shim(APP, "trap", "main", "0", "7", options=("-t", "1")).expect("ready main")
    other = entered(proc, "ignore", "other")
    equal(other.stdout.readline(), "ready other\n", "stdout")
    start = time.monotonic()
    proc.kill(37)
    proc.ends(7)
    check(0.8 <= time.monotonic() - start <= 1.9, "not at the timeout")


@test()
def every_later_stop_request_is_another_term():
    proc = Box().shim(APP, "record").expect("ready record")
    for count, sig in enumerate((37, 30, SIGTERM, 38), 1):
        proc.kill(sig)
        until(lambda: proc._read(0.05) and
              sum(line.startswith(f"got {int(SIGTERM)} ") for line in proc.lines()) >= count,
              f"TERM number {count}", 3)
    proc.kill(SIGKILL)
    proc.wait()
    saw = {int(line.split()[1]) for line in proc.lines() if line.startswith("got")}
    # A CONT follows each, because a stopped application could not answer.
    equal(saw - {int(signal.SIGCONT)}, {int(SIGTERM)}, "signals the application saw")


@test()
def stop_does_not_wait_when_nothing_is_left():
    proc = Box().shim(APP, "trap", "main", "0", "0").expect("ready main")
    start = time.monotonic()
    proc.kill(37)
    proc.ends(0)
    check(time.monotonic() - start < 1, "a stop with nothing to wait for took over a second")


@test()
def int_to_pid_1_stops_in_order_and_restarts():
    proc = Box().shim(APP, *LEFTOVERS, "trap", "main", "300", "7")
    for name in ("plain", "daemon", "main"):
        proc.expect(f"ready {name}")
    proc.kill(signal.SIGINT)
    proc.ends(-SIGHUP)              # pid_namespaces(7): the init of a namespace that reboots
    for name in ("plain", "daemon", "main"):
        last_line(proc, f"done {name}")


@test()
def int_to_pid_1_without_sys_boot_stops_in_order():
    def without_boot():
        prctl(24, 22)       # PR_CAPBSET_DROP, CAP_SYS_BOOT
    box = Box()
    box.copy(APP, "opt/s/app")
    proc = box.shim(APP, "trap", "main", "300", "7", pre=without_boot).expect("ready main")
    proc.kill(signal.SIGINT)
    proc.ends(7)
    last_line(proc, "done main")


@test()
def int_to_an_ordinary_process_is_forwarded():
    proc = Box().shim(APP, "count", init=False).expect("ready count")
    proc.kill(signal.SIGINT)
    proc.expect("signal 2")
    proc.kill(SIGTERM)
    proc.ends(0)


@test()
def all_256_exit_codes_come_through():
    box = Box()
    for init in (True, False):
        for code in range(256) if init else range(0, 256, 15):
            box.shim(APP, "exit", str(code), init=init).ends(code)


@test()
def death_by_signal_n_is_exit_128_plus_n():
    box = Box()
    harmless = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH,
                signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
    for sig in set(range(1, 32)) - harmless | {34, 37, 50, 64}:
        for init in (True, False):
            box.shim(APP, "raise", str(int(sig)), init=init).ends(128 + sig)


@test()
def orphans_are_reaped_and_none_stays_a_zombie():
    proc = Box().shim(APP, "orphans", "10000", ",", "trap", "end", "0", "0")
    proc.expect("orphans 10000", timeout=50).expect("ready end")
    until(lambda: processes(proc.pid) == 2, "two processes only", 5)
    proc.kill(SIGTERM)
    proc.ends(0)


@test()
def a_subreaper_reaps_orphans_too():
    proc = Box().shim(APP, "orphans", "300", ",", "trap", "end", "0", "0", init=False)
    proc.expect("orphans 300").expect("ready end")
    until(lambda: len(children(proc.pid)) == 1, "one child only", 5)
    proc.kill(SIGTERM)
    proc.ends(0)


def processes(pid):
    """How many processes the PID namespace of `pid` has."""
    space = os.readlink(f"/proc/{pid}/ns/pid")
    count = 0
    for other in filter(str.isdigit, os.listdir("/proc")):
        try:
            count += os.readlink(f"/proc/{other}/ns/pid") == space
        except OSError:
            pass
    return count
