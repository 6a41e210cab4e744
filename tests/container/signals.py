"""Forwarding: which signals reach the application, with what, and that none is lost."""
import ctypes
import os
import signal

from harness import (APP, INJECT, SHIM, Box, block_all_signals, blocked, check, children, equal,
                     gone, libc, test, until)
from names import NR

SIGTERM = int(signal.SIGTERM)
STOPS = {30, 37, 38, SIGTERM}
NEVER = {int(signal.SIGKILL), int(signal.SIGSTOP), int(signal.SIGCHLD)}
STANDARD = set(range(1, 32)) - STOPS - NEVER
REAL_TIME = set(range(32, 65)) - STOPS
FAULTS = [int(s) for s in (signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS,
                           signal.SIGFPE, signal.SIGSEGV, signal.SIGSYS)]


def got(proc):
    """The recorded signals: (number, code, value, pid, uid) each."""
    return [tuple(map(int, line.split()[1:])) for line in proc.lines() if line.startswith("got ")]


def count(proc, sig):
    return proc.text[1].count(b"got %d " % sig)


def recorder(init=True, options=("-t", "60"), **how):
    return Box().shim(APP, "record", init=init, options=options, **how).expect("ready record")


def finish(proc):
    proc.kill(signal.SIGKILL)
    proc.wait()


def arrived(proc, sig, number):
    def enough():
        if count(proc, sig) >= number:
            return True
        proc._read(0.02)
        return False
    until(enough, f"signal {sig} (x{number})", 10)


def none_is_lost(proc, signals):
    """Each was recorded; or the application, whose mask is not set in its very first moments,
    ended by one of them, which is an arrival too."""
    def known():
        if all(count(proc, sig) for sig in signals):
            return True
        proc._read(0.02)
        return gone(proc.pid)
    until(known, f"signals {signals}", 10)
    if not all(count(proc, sig) for sig in signals):
        check(proc.wait() - 128 in signals, f"exit {proc.code}, recorded {got(proc)}")
        return
    finish(proc)


def ten_thousand(init):
    """Standard signals coalesce, so each kind waits for the last; RT ones come in bursts of 20.
    CONT and the stop signals cancel each other while pending (signal(7)), so they take turns."""
    standard = STANDARD - ({int(signal.SIGINT)} if init else set())
    proc = recorder(init)
    sent = dict.fromkeys(standard | REAL_TIME, 0)
    last = int(signal.SIGCONT)
    while sum(sent.values()) < 9990:
        for sig in sorted(REAL_TIME):
            for _ in range(20):
                proc.queue(sig, sent[sig])
                sent[sig] += 1
        for _ in range(20):
            for turn in (standard - {last}, {last}):
                for sig in turn:
                    proc.kill(sig)
                    sent[sig] += 1
                for sig in turn:
                    arrived(proc, sig, sent[sig])
        for sig in REAL_TIME:
            arrived(proc, sig, sent[sig])
    for number, sig in enumerate(STOPS - {SIGTERM}, 1):
        proc.kill(sig)
        arrived(proc, SIGTERM, number)
    proc.kill(SIGTERM)
    arrived(proc, SIGTERM, len(STOPS))
    finish(proc)
    kinds = len(sent) + len(STOPS)
    total = sum(sent.values()) + len(STOPS)
    check(kinds >= 60 and total >= 9990, f"only {total} signals of {kinds} kinds were sent")
    # Each TERM is followed by a CONT of the shim's own, and those may coalesce.
    extra = count(proc, last) - sent.pop(last)
    check(1 <= extra <= len(STOPS), f"{extra} CONT besides those sent")
    for sig, number in sent.items():
        equal(count(proc, sig), number, f"signal {sig} received")
    for sig in REAL_TIME:
        equal([one[2] for one in got(proc) if one[0] == sig], list(range(sent[sig])),
              f"values of signal {sig} in order")


@test(timeout=90)
def ten_thousand_signals_of_60_kinds_and_none_is_lost():
    ten_thousand(True)


@test(timeout=90)
def ten_thousand_signals_and_none_is_lost_as_an_ordinary_process():
    ten_thousand(False)


@test()
def pid_1_shows_every_signal_blocked_so_that_incus_sends_37():
    for init in (True, False):
        proc = recorder(init)
        until(lambda: blocked(proc.pid) >= set(range(1, 65)) - {9, 19, 32, 33, 34} | {37},
              "a full SigBlk", 3)
        for _ in range(50):
            check(37 in blocked(proc.pid) and SIGTERM in blocked(proc.pid),
                  "SigBlk loses 37 or TERM while waiting")
        finish(proc)


@test()
def real_time_signals_keep_value_and_sender():
    proc = recorder(init=False)
    for sig in sorted(REAL_TIME):
        proc.queue(sig, 1000 + sig)
        arrived(proc, sig, 1)
    finish(proc)
    equal(got(proc), [(sig, -1, 1000 + sig, os.getpid(), 0) for sig in sorted(REAL_TIME)],
          "number, si_code (SI_QUEUE), value, sender and its uid")


@test()
def standard_signals_keep_a_queued_value():
    proc = recorder(init=False)
    proc.queue(signal.SIGUSR1, 4711)
    arrived(proc, int(signal.SIGUSR1), 1)
    finish(proc)
    equal(got(proc)[0][1:3], (-1, 4711), "code and value of USR1")


@test()
def fault_signals_from_outside_are_forwarded_and_do_not_kill_the_shim():
    for init in (True, False):
        proc = recorder(init)
        for sig in FAULTS:
            proc.kill(sig)
            arrived(proc, sig, 1)
            proc.queue(sig, 5)
            arrived(proc, sig, 2)
        proc.kill(SIGTERM)
        arrived(proc, SIGTERM, 1)
        finish(proc)


@test()
def fault_signals_sent_by_the_application_to_pid_1_are_harmless():
    proc = Box().shim("/opt/t/app", "fork", "trap", "left", "0", "0", ",", "trap", "main", "0",
                      "0").expect("ready main")
    for sig in FAULTS:
        proc.kill(sig)
    proc.ends(128 + FAULTS[0])      # the application has no handler: it dies, the shim does not


@test()
def a_term_between_fork_and_setsid_is_not_lost():
    """400 ms are injected before each setsid(2), setpgid(2) and execve(2) of the child."""
    for init in (True, False):
        for call in ("setsid", "setpgid", "execve"):
            box = Box()
            flags = ["-1"] if init else []
            proc = box.spawn([INJECT, *flags, f"1:{NR[call]}:1:delay=400000", "--", SHIM, "-t",
                              "30", "--", APP, "record"], init=False)
            shim = until(lambda: children(proc.pid), "the shim", 5)[0]
            until(lambda: children(shim), "the shim's child", 5)
            for sig in (SIGTERM, int(signal.SIGUSR1), 40):
                os.kill(shim, sig)
            none_is_lost(proc, (SIGTERM, int(signal.SIGUSR1), 40))


@test()
def signals_pending_and_blocked_at_the_start_are_not_lost():
    """The mask is inherited over exec, so nothing may get lost before the first instruction."""
    wanted = (SIGTERM, int(signal.SIGUSR1), int(signal.SIGHUP), 35, 64)

    def blocked_and_pending():
        block_all_signals()
        for sig in wanted:
            libc.kill(os.getpid(), sig)
    for init in (True, False):
        proc = Box().shim(APP, "record", init=init, options=("-t", "60"), pre=blocked_and_pending)
        none_is_lost(proc, wanted)


@test()
def signals_right_after_the_start_are_not_lost():
    """From the moment the mask is seen to be set, in every phase of the launch."""
    for init in (True, False):
        for delay in range(10):
            proc = Box().shim(APP, "record", init=init, options=("-t", "60"))
            until(lambda: SIGTERM in blocked(proc.pid), "the mask", 5)
            if delay:
                ctypes.CDLL(None).usleep(delay * 150)
            for sig in (SIGTERM, int(signal.SIGUSR1), 41):
                proc.kill(sig)
            none_is_lost(proc, (SIGTERM, int(signal.SIGUSR1), 41))


@test()
def a_stop_while_the_command_cannot_be_executed_ends_all_the_same():
    proc = Box().spawn([INJECT, f"1:{NR['execve']}:1:delay=200000", "--", SHIM, "--",
                        "/nowhere/at/all"], init=False)
    shim = until(lambda: children(proc.pid), "the shim", 5)[0]
    until(lambda: children(shim), "the shim's child", 5)
    os.kill(shim, SIGTERM)
    code = proc.wait(5)
    check(code in (127, 143), f"ended with {code}")


@test()
def signals_after_the_applications_end_do_no_harm():
    proc = Box().shim(APP, "fork", "setsid", "trap", "left", "400", "0", ",", "exit", "9")
    proc.expect("ready left").expect("term left")
    for sig in sorted(STANDARD | REAL_TIME | STOPS - {SIGTERM}):
        if sig != int(signal.SIGINT):
            proc.kill(sig)
    proc.ends(9)
    check("done left" in proc.lines(), proc.out())
