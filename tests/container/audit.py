"""--audit: every denied call is named, answered as without it, and nothing opens because of it."""
import errno
import os
import re
import select
import signal
import subprocess
import time

from harness import (APP, CALLS, MS_REMOUNT, SHIM, STATE, Box, check, children, equal, gone, mount,
                     proc_status, test, until)
from policy_live import missing_entries
from privileges import confined

DENIED = "/opt/t/denied"
ENOSYS, EPERM = str(errno.ENOSYS), str(errno.EPERM)
PTRACE = {"x86_64": "101", "aarch64": "117"}[os.uname().machine]
NOT_A_CALL = "999"
# uretprobe and uprobe of x86_64: newer kernels let them past every filter, and they raise SIGILL.
UNFILTERED = {335, 336} if os.uname().machine == "x86_64" else set()
FEW = 3                 # seconds that a stop may take on a busy machine
LINE = re.compile(r"stremio-shim: audit: (?P<program>.*)\[(?P<pid>\d+)\]: (?P<call>[^(]+)"
                  r"\((?:0x[0-9a-f]+, ){5}0x[0-9a-f]+\) -> (?P<error>\w+) "
                  r"\(policy (?P<policy>[^:)]+)(?:: (?P<rule>.*))?\)")
LEFT_OUT = re.compile(r"stremio-shim: audit: (\d+) denied calls were left out here .*")


def audited(*argv, options=(), box=None, **how):
    return (box or Box()).shim(*argv, options=("--audit", "-q", *options), **how)


def named(proc):
    """The audit's lines as dictionaries; anything else on stderr is an error."""
    found = []
    for line in proc.err().splitlines():
        if LEFT_OUT.fullmatch(line):
            continue
        match = LINE.fullmatch(line)
        check(match, f"no line of the audit: {line!r}")
        found.append(match.groupdict())
    return found


def left_out(proc):
    return sum(int(m[1]) for m in map(LEFT_OUT.fullmatch, proc.err().splitlines()) if m)


def names(pid):
    try:
        return proc_status(pid)["Name"]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def auditors():
    return [int(n) for n in os.listdir("/proc") if n.isdigit() and names(n) == "stremio-audit"
            and not gone(int(n))]


def auditor(proc):
    return until(lambda: [p for p in children(proc.pid) if names(p) == "stremio-audit"],
                 "the auditor")[0]


def ask(proc, pipe, number=1):
    """Lets `denied until` make its call once more; gives back the errno."""
    before = len(proc.lines())
    os.write(pipe, b"x" * number)
    until(lambda: proc._read(0.1) and len(proc.lines()) >= before + number, "an answer", 5)
    return proc.lines()[-1]


def waiting(init=True, options=(), **how):
    """An application that makes a denied call whenever a byte is written to the pipe."""
    read, write = os.pipe()
    proc = audited(DENIED, "until", PTRACE, init=init, stdin=read, options=options, **how)
    os.close(read)
    return proc.expect("ready"), write


@test()
def a_denied_call_is_named_once():
    for init in (True, False):
        proc = audited(DENIED, "flood", "2", "50", PTRACE, NOT_A_CALL, init=init).ends(0)
        lines = named(proc)
        equal([(line["program"], line["call"], line["error"], line["policy"]) for line in lines],
              [("denied", "ptrace", "EPERM", "stremio"),
               ("denied", "call 999", "ENOSYS", "stremio")], "what is named")
        equal(lines[1]["rule"], "no rule names it", "the reason for a call that nobody named")
        file, line = lines[0]["rule"].split(":")
        with open(os.path.join("shim/policy", file), encoding="utf-8") as text:
            rule = text.read().splitlines()[int(line) - 1]
        check("errno EPERM" in rule, f"{file}:{line} is {rule!r}")


@test()
def each_program_is_named_by_its_first_thread():
    box = Box()
    for name, shown in (("mpv", "mpv"), ("a\n[1]: b\x1b", "a?[1]: b?"), ("fifteen letters", None)):
        proc = audited(DENIED, "named", name, PTRACE, box=box).ends(0)
        equal([line["program"] for line in named(proc)], [shown or name], "programs")
    proc = audited(DENIED, "programs", "5", "0", PTRACE, box=box).ends(0)
    equal([line["program"] for line in named(proc)], [f"program {n}" for n in range(5)],
          "programs")


@test()
def the_arguments_are_shown():
    proc = audited(DENIED, "disturb", "1").ends(0)
    check("ptrace(0x10, 0x1, 0x0, 0x0, " in proc.err(), proc.err())


@test()
def calls_of_other_interfaces_are_named():
    if os.uname().machine != "x86_64":
        return
    lines = named(audited(CALLS).ends(0))
    other = {line["call"] for line in lines if line["rule"].startswith("not this machine's own")}
    i386 = set() if missing_entries() else {"i386 call 20", "i386 call 54"}
    equal(other, i386 | {"x32 call 39"}, "other interfaces")
    check("call -2" in {line["call"] for line in lines}, f"no negative number in {lines}")


def tool(*words):
    command = [os.path.join(os.environ.get("BUILD", "build"), "stremio-policy"), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def denied_numbers(policy, userns):
    """All that the policy refuses whatever the arguments are, by its own listing."""
    tested, allowed = set(), set()
    for line in tool("list", f"--userns={userns}", f"shim/policy/{policy}.policy").splitlines():
        words = line.split()
        if len(words) < 4 or not words[1].isdigit():
            continue
        if words[2] == "allow":
            allowed.add(int(words[1]))
        if " if " in line:
            tested.add(int(words[1]))
    return [str(n) for n in [*range(600), 0x3fffffff, 0x40000027, 0x7fffffff, 2**32 - 1, -1, -7]
            if n not in allowed | tested | UNFILTERED]


@test(timeout=90)
def every_error_is_the_same_as_without_audit():
    box = Box()
    for policy in ("stremio", "server"):
        for userns in ("deny", "allow"):
            numbers = denied_numbers(policy, userns)
            check(len(numbers) > 250, f"only {numbers}")
            options = ("-q", f"--policy={policy}", f"--userns={userns}")
            want = box.shim(DENIED, "call", *numbers, options=options).ends(0).lines()
            got = box.shim(DENIED, "call", *numbers, options=("--audit", *options)).ends(0).lines()
            equal(len(want), len(numbers), "answers")
            equal(got, want, f"{policy}, userns={userns}")
            check(len({line.split()[1] for line in want}) > 1, "one error only")
    equal(audited(CALLS, box=box).ends(0).lines(), box.shim(CALLS).ends(0).lines(), "tested calls")


@test(timeout=90)
def a_process_killed_during_its_call_disturbs_nobody():
    proc = audited(DENIED, "victims", "300", PTRACE).ends(0, 60)
    equal(proc.lines(), [f"after {EPERM}"], "the call after it")
    equal([line["call"] for line in named(proc)], ["ptrace"], "calls")


@test(timeout=90)
def a_flood_is_answered_and_its_lines_are_limited():
    numbers = [str(n) for n in range(600, 700)]
    start = time.monotonic()
    proc = audited(DENIED, "flood", "8", "125", *numbers).ends(0, 80)      # 100,000 calls
    took = time.monotonic() - start
    check("all answered" in proc.lines(), proc.out())
    lines = named(proc)
    calls = [line["call"] for line in lines]
    equal(len(calls), len(set(calls)), "each call once")
    # A second may begin and end in between.
    check(len(lines) <= 20 * (took + 2), f"{len(lines)} lines in {took:.1f} s")
    check(len(lines) == 100 or left_out(proc) > 0, "neither named nor counted")


@test(timeout=90)
def the_log_of_ever_new_programs_has_an_end():
    proc = audited(DENIED, "programs", "530", "53", PTRACE).ends(0, 80)
    lines = proc.err().splitlines()
    check("512 different denied calls were named, no more are" in lines[-1], lines[-1])
    equal(len(lines), 513, "lines")


@test()
def a_log_that_nobody_reads_does_not_stop_the_application():
    def fill():
        os.set_blocking(2, False)
        try:
            while True:
                os.write(2, b"x" * 512)
        except BlockingIOError:
            os.set_blocking(2, True)
    proc = audited(DENIED, "call", PTRACE, NOT_A_CALL, pre=fill, options=("--landlock=off",))
    text = b""
    while NOT_A_CALL.encode() not in text:
        check(select.select([proc.fds[1]], [], [], 5)[0], f"stuck after {text!r}")
        text += os.read(proc.fds[1], 4096)
    proc.ends(0)


@test()
def many_short_lived_children_are_answered():
    proc = audited(DENIED, "children", "200", NOT_A_CALL).ends(0)
    equal(proc.lines(), ["wrong 0"], "children")


@test()
def the_application_is_confined_as_without_audit():
    for init in (True, False):
        proc = audited(STATE, "exit", "0", init=init).ends(0)
        confined(proc.state())
        equal(proc.state()["Seccomp_filters"], "1", "Seccomp_filters")


@test(asan="the sanitizer's run-time keeps descriptors of its own")
def the_auditor_has_no_privilege_and_no_descriptor_to_spare():
    for init in (True, False):
        proc, pipe = waiting(init)
        pid = auditor(proc)
        status = proc_status(pid)
        for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            equal(int(status[field], 16), 0, field)
        equal(status["NoNewPrivs"], "1", "NoNewPrivs")
        equal(status["Seccomp"], "2", "Seccomp")
        equal(status["Groups"], "", "Groups")
        equal(status["Uid"].split(), ["0"] * 4, "Uid")
        fds = {int(n): os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")}
        equal(sorted(fds.values())[0], "anon_inode:seccomp notify", "the listener")
        check(len(fds) == 2 and 2 in fds, f"descriptors {fds}")
        equal(os.readlink(f"/proc/{pid}/cwd"), "/", "cwd")
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGTSTP):
            os.kill(pid, sig)
        equal(ask(proc, pipe), f"errno {EPERM}", "the answer after many signals")
        os.close(pipe)
        proc.ends(0)


@test()
def nobody_else_has_the_listener():
    proc, pipe = waiting()
    pid = auditor(proc)
    for other in [proc.pid, *children(proc.pid)]:
        fds = [os.readlink(f"/proc/{other}/fd/{n}") for n in os.listdir(f"/proc/{other}/fd")]
        equal("anon_inode:seccomp notify" in fds, other == pid, f"the listener in {names(other)}")
    os.close(pipe)
    proc.ends(0)


@test()
def the_application_can_neither_signal_nor_trace_the_auditor():
    proc, pipe = waiting(init=False)
    pid = auditor(proc)
    other = Box().shim(DENIED, "disturb", str(pid), init=False,
                       options=("--policy=none", "--landlock=off", "-q")).ends(0)
    answers = dict(line.split() for line in other.lines())
    equal(set(answers), {"kill", "stop", "trace", "vm", "mem", "maps", "environ", "fd"}, "attempts")
    check("0" not in answers.values(), f"the auditor was reached: {answers}")
    equal(ask(proc, pipe), f"errno {EPERM}", "the answer afterwards")
    command = [p for p in children(proc.pid) if p != pid][0]
    other = Box().shim(DENIED, "disturb", str(command), init=False,
                       options=("--policy=none", "--landlock=off", "-q")).ends(0)
    check("kill 0" in other.lines(), f"the proof that it would be seen: {other.out()!r}")
    os.close(pipe)
    proc.ends(128 + signal.SIGKILL)


@test()
def without_the_auditor_calls_stay_denied():
    for init in (True, False):
        proc, pipe = waiting(init)
        pid = auditor(proc)
        equal(ask(proc, pipe), f"errno {EPERM}", "with the auditor")
        os.kill(pid, signal.SIGKILL)
        until(lambda: gone(pid), "the auditor's end")
        equal(ask(proc, pipe), f"errno {ENOSYS}", "without the auditor")
        os.close(pipe)
        proc.ends(0)


@test()
def the_end_of_the_auditor_is_told():
    read, pipe = os.pipe()
    proc = Box().shim(DENIED, "until", PTRACE, stdin=read, options=("--audit", "--landlock=off"))
    os.close(read)
    proc.expect("ready")
    os.kill(auditor(proc), signal.SIGKILL)
    until(lambda: proc._read(0.1) and "the auditor was killed" in proc.err(), "the warning", 5)
    os.close(pipe)
    proc.ends(0)


@test()
def a_stop_waits_for_leftovers_and_leaves_no_auditor():
    for init in (True, False):
        proc = audited(APP, "fork", "setsid", "trap", "left", "300", "0", ",",
                       "trap", "main", "100", "7", init=init)
        proc.expect("ready left").expect("ready main")
        pid = auditor(proc)
        start = time.monotonic()
        proc.kill(signal.SIGTERM)
        proc.ends(7)
        check("done left" in proc.lines(), f"the leftover did not finish: {proc.out()!r}")
        check(time.monotonic() - start < FEW, "the stop was slow")
        check(gone(pid), "the auditor is left")


@test()
def the_end_of_the_command_is_the_end_of_all():
    for init in (True, False):
        start = time.monotonic()
        audited(APP, "exit", "3", init=init).ends(3)
        check(time.monotonic() - start < FEW, "the end was slow")
        equal(auditors(), [], "auditors left")


@test()
def calls_are_answered_while_it_stops():
    """A leftover that ignores TERM until the timeout: its calls have their answer all the time."""
    read, pipe = os.pipe()
    proc = audited(APP, "fork", "ignore", "left", ",", "ignore", "main", stdin=read,
                   options=("--stop-timeout=1",)).expect("ready left").expect("ready main")
    pid = auditor(proc)
    proc.kill(signal.SIGTERM)
    time.sleep(0.6)         # past the half of the timeout: TERM went to everything
    check(not gone(pid), "the auditor went before the application")
    os.close(pipe)
    os.close(read)
    proc.ends(128 + signal.SIGKILL)


@test()
def a_failed_launch_leaves_no_auditor():
    for init in (True, False):
        for argv, options, code in ((("/no/such",), (), 127),
                                    ((APP, "exit", "0"), ("--ro=/no/such",), 77)):
            start = time.monotonic()
            audited(*argv, options=options, init=init).complains(code)
            check(time.monotonic() - start < FEW, "the end was slow")
            equal(auditors(), [], "auditors left")


@test()
def killing_the_shim_kills_the_auditor():
    proc, pipe = waiting(init=False)
    pid = auditor(proc)
    proc.kill(signal.SIGKILL)
    proc.wait()
    until(lambda: gone(pid), "the auditor's end", 2)
    os.close(pipe)


def behind(kind):
    """The shim under a filter of somebody else's."""
    proc = Box().spawn([DENIED, kind, SHIM, "--audit", "--landlock=off", "--", DENIED, "call",
                        PTRACE, NOT_A_CALL], init=False)
    proc.ends(0)
    equal(proc.lines(), [f"{PTRACE} {EPERM}", f"{NOT_A_CALL} {ENOSYS}"], "answers")
    equal(auditors(), [], "auditors left")
    lines = proc.err().splitlines()
    equal(len(lines), 1, f"lines ({proc.err()!r})")
    return lines[0]


@test()
def another_listener_is_said_and_the_policy_holds():
    line = behind("listener")
    for part in ("audit: denied calls are not named", "usy (", "intercept"):
        check(part in line, f"{part!r} is not in {line!r}")


@test()
def a_container_that_refuses_listeners_is_said_and_the_policy_holds():
    line = behind("refuse")
    for part in ("audit: denied calls are not named", os.strerror(errno.EINVAL), "intercept"):
        check(part in line, f"{part!r} is not in {line!r}")


@test()
def another_listener_changes_nothing_about_the_confinement():
    for kind in ("listener", "refuse"):
        proc = Box().spawn([DENIED, kind, SHIM, "--audit", "-q", "--", STATE, "exit", "0"],
                           init=False)
        proc.ends(0)
        confined(proc.state())
        equal(proc.state()["Seccomp_filters"], "2", "Seccomp_filters")


@test()
def a_policy_from_a_file_is_audited_by_its_name():
    box = Box()
    tool("compile", "-n", "mine", "-o", box.path("etc/mine.bpf"), "shim/policy/server.policy")
    proc = audited(DENIED, "call", PTRACE, NOT_A_CALL, box=box, options=("-p", "/etc/mine.bpf"))
    proc.ends(0)
    equal([(line["call"], line["error"], line["policy"], line["rule"]) for line in named(proc)],
          [("ptrace", "EPERM", "mine", None), ("call 999", "ENOSYS", "mine", None)], "lines")


@test()
def without_a_policy_there_is_nothing_to_audit():
    Box().shim(APP, "exit", "0", options=("--audit", "--policy=none")).complains(64, "--audit")


@test()
def audit_is_asked_for_or_it_is_not_there():
    box = Box()
    for env, count in (({}, 0), ({"STREMIO_AUDIT": "1"}, 1), ({"STREMIO_AUDIT": "0"}, 0)):
        proc = box.shim(DENIED, "call", PTRACE, options=("-q",), env=env).ends(0)
        equal(len(named(proc)), count, f"lines with {env}")
    box.shim(APP, "exit", "0", env={"STREMIO_AUDIT": "yes"}).complains(64, "STREMIO_AUDIT")


@test()
def a_program_whose_name_proc_does_not_tell_is_named_all_the_same():
    def hide():
        """Shows a process without CAP_SYS_PTRACE its own user's processes only."""
        mount("proc", "/proc", "proc", MS_REMOUNT, "hidepid=4")
    proc = audited(DENIED, "call", PTRACE, pre=hide).ends(0)
    equal([(line["program"], line["call"]) for line in named(proc)], [("?", "ptrace")], "calls")
