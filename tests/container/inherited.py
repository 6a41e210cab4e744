"""State that a careless parent leaves behind, and that the application must not get."""
import os
import resource
import signal

from harness import (APP, MS_BIND, MS_REC, STATE, Box, block_all_signals, check, children, equal,
                     mount, test, until)

SIGKILL = signal.SIGKILL


def state(pre=None, init=True, env=None, options=()):
    proc = Box().shim(STATE, "exit", "0", init=init, pre=pre, env=env, options=options).ends(0)
    check("end" in proc.lines(), f"no full report: {proc.out()[-200:]!r} {proc.err()!r}")
    return proc.state(), proc


@test()
def sigchld_ignored_by_the_parent_does_no_harm():
    for init in (True, False):
        proc = Box().shim(APP, "exit", "7", init=init,
                          pre=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        proc.ends(7)


@test()
def ignored_signals_are_default_again():
    def ignore():
        for sig in set(range(1, 65)) - {9, 19, 32, 33}:
            signal.signal(sig, signal.SIG_IGN)
    for init in (True, False):
        equal(int(state(ignore, init)[0]["SigIgn"], 16), 0, "SigIgn of the application")


@test()
def blocked_signals_are_open_again():
    for init in (True, False):
        equal(int(state(block_all_signals, init)[0]["SigBlk"], 16), 0, "SigBlk")


def leak():
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    fd = os.open("/etc/passwd", os.O_RDONLY)
    for number in range(3, 1001):
        os.dup2(fd, number, inheritable=True)


@test()
def leaked_descriptors_reach_neither_the_application_nor_stay_in_pid_1():
    for init in (True, False):
        equal(state(leak, init)[0]["fds"], "0 1 2", "descriptors of the application")
        proc = Box().shim(APP, "ready", "main", ",", "pause", init=init, pre=leak)
        proc.expect("ready main")
        until(lambda: steady(proc.pid), "the steady state", 2)
        for name in os.listdir(f"/proc/{proc.pid}/fd"):
            target = os.readlink(f"/proc/{proc.pid}/fd/{name}")
            check(int(name) < 3 or not target.endswith("passwd"), f"PID 1 keeps {name}: {target}")
        proc.kill(SIGKILL)
        proc.wait()


def steady(pid):
    with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
        return "poll" in file.read() or len(os.listdir(f"/proc/{pid}/fd")) < 20


@test()
def umask_is_022_whatever_the_parent_had():
    for mask in (0, 0o077, 0o777):
        equal(state(lambda: os.umask(mask))[0]["umask"], "022", "umask")


@test()
def pid_1_does_not_pin_the_working_directory():
    def elsewhere():
        mount("elsewhere", "/var", "tmpfs")
        os.chdir("/var")
    proc = Box().shim(APP, "ready", "main", ",", "pause", pre=elsewhere).expect("ready main")
    until(lambda: os.readlink(f"/proc/{proc.pid}/cwd") == "/", "cwd / of PID 1", 2)
    proc.kill(SIGKILL)
    proc.wait()


@test()
def the_application_keeps_a_working_directory_inside_the_container():
    equal(state(lambda: os.chdir("/var"))[0]["cwd"], "/var", "cwd of the application")


@test()
def the_wanted_working_directory_is_entered_with_the_rights_of_the_application():
    equal(state(options=("--cwd=/var",))[0]["cwd"], "/var", "cwd of the application")
    box = Box()
    os.makedirs(box.path("closed"), mode=0o700)
    for path, why in (("/closed", "Permission denied"), ("/nowhere", "No such file")):
        proc = box.shim(APP, "exit", "0", options=(f"--cwd={path}",)).ends(71)
        line = proc.err()
        check(line.count("\n") == 1 and "directory: " in line and why in line, repr(line))


@test()
def variables_of_the_options_reach_the_application_unless_they_were_given():
    proc = state(env={"A": "given"}, options=("--env=A=option", "--env=B=option"))[1]
    for line in ("env A=given", "env B=option"):
        check(line in proc.lines(), f"no {line!r} in {proc.out()!r}")


@test()
def a_working_directory_outside_the_container_is_not_handed_on():
    def escape():
        fd = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
        mount("new", "/old", "tmpfs")
        for entry in list(os.scandir("/")):
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), "/old" + entry.path)
            elif entry.name != "old":
                os.mkdir("/old" + entry.path)
                mount(entry.path, "/old" + entry.path, None, MS_BIND | MS_REC)
        os.chroot("/old")
        os.fchdir(fd)
    for init in (True, False):
        report, proc = state(escape, init)
        equal(report["cwd"], "/", "cwd of the application")
        check("directory" in proc.err(), f"no warning: {proc.err()!r}")


@test()
def closed_standard_descriptors_become_dev_null_with_one_warning():
    for init in (True, False):
        for which in range(1, 8):
            closed = [fd for fd in range(3) if which >> fd & 1]
            proc = Box().shim(APP, "sleep", "30000", init=init,
                              pre=lambda: [os.close(fd) for fd in closed])
            child = until(lambda: children(proc.pid), "the application", 5)[0]
            until(lambda: os.readlink(f"/proc/{child}/exe").endswith("/app"), "its exec", 5)
            for fd in range(3):
                target = os.readlink(f"/proc/{child}/fd/{fd}")
                equal(target == "/dev/null", fd in closed or fd == 0, f"fd {fd} of {closed} closed")
            equal(sorted(map(int, os.listdir(f"/proc/{child}/fd"))), [0, 1, 2], "descriptors")
            proc.kill(signal.SIGTERM)
            proc.ends(143)
            if 2 not in closed:
                equal(len(proc.err().splitlines()), 1, f"warnings, {proc.err()!r}")


@test()
def children_of_the_program_that_became_the_shim_are_not_mistaken():
    def parent():
        if os.fork() == 0:
            os._exit(3)
    for init in (True, False):
        Box().shim(APP, "sleep", "200", ",", "exit", "7", init=init, pre=parent).ends(7)


@test()
def a_given_environment_reaches_the_application_unchanged():
    given = {"A": "1", "EMPTY": "", "HOME": "/var", "PATH": "/opt/t:/bin", "LANG": "C",
             "USER": "somebody", "XDG_RUNTIME_DIR": "/run/mine", "TMPDIR": "/var"}
    lines = state(env=given)[1].lines()
    for key, value in given.items():
        equal([x for x in lines if x.startswith(f"env {key}=")], [f"env {key}={value}"], key)
