"""Bad input: one clear line each, and the exit code of the table."""
import os
import resource
import signal
import time

from harness import (APP, CLONE_NEWUSER, SHIM, STATE, Box, check, equal, new_namespaces, test)
from privileges import confined


def refused(code, *argv, words=(), box=None, init=True, **how):
    box = box or Box()
    box.spawn([SHIM, *argv], init=init, **how).complains(code, *words)


@test()
def unknown_options_are_usage_errors():
    for option in ("--nonsense", "-z", "--user-name=x", "-vz", "--", "---", "-"):
        if option in ("--", "-"):
            continue
        refused(64, option, "--", APP, "exit", "0", words=("option",))


@test()
def bad_values_are_usage_errors_that_name_the_option():
    for option, value in (("--stop-timeout", "-1"), ("--stop-timeout", "ten"),
                          ("--stop-timeout", ""), ("--stop-timeout", "1e3"),
                          ("--stop-timeout", "99999999999999999999"), ("--stop-timeout", "1 "),
                          ("--stop-timeout", "0x10"), ("--userns", "maybe"), ("--userns", ""),
                          ("--exec-bounding", "some"), ("--ready", "perhaps"), ("--user", ""),
                          ("--policy", "")):
        refused(64, f"{option}={value}", "--", APP, "exit", "0", words=(option,))
    refused(64, "-t", "x", APP, words=("-t",))
    refused(64, "--verbose=1", APP, words=("--verbose",))


@test()
def a_missing_value_is_a_usage_error():
    for option in ("-t", "--stop-timeout", "-u", "--user", "--tmpfs", "-p"):
        refused(64, option, words=(option,))


@test()
def an_unknown_policy_is_refused():
    refused(64, "--policy=nonsense", "--", APP, words=("nonsense",))
    box = Box(files={"tmp/empty.bpf": "", "tmp/junk.bpf": "junk" * 100})
    for path in ("/tmp/missing.bpf", "/tmp/empty.bpf", "/tmp/junk.bpf", "/tmp"):
        proc = box.spawn([SHIM, f"--policy={path}/" if path == "/tmp" else f"--policy={path}",
                          "--", APP, "exit", "0"])
        check(proc.wait() in (64, 77), f"{path}: exit {proc.code}")
        equal(len(proc.err().splitlines()), 1, f"lines for {path}: {proc.err()!r}")


@test()
def an_unreadable_args_file_is_fatal():
    box = Box(dirs=("etc/stremio-shim.args",))
    refused(71, box=box, words=("/etc/stremio-shim.args",))
    refused(71, "-v", box=box, words=("/etc/stremio-shim.args",))
    loop = Box()
    os.symlink("stremio-shim.args", loop.path("etc/stremio-shim.args"))
    refused(71, box=loop, words=("/etc/stremio-shim.args",))
    big = Box(files={"etc/stremio-shim.args": "x\n" * 40000})
    refused(71, box=big, words=("/etc/stremio-shim.args",))
    fifo = Box()
    os.mkfifo(fifo.path("etc/stremio-shim.args"))
    refused(71, box=fifo, words=("/etc/stremio-shim.args",))


@test()
def a_bad_args_file_is_a_usage_error():
    for text in ("--nonsense\n/opt/t/app\n", "--user=nobody-here\n/opt/t/app\n", "a\0b\n"):
        refused(64, box=Box(files={"etc/stremio-shim.args": text}))


@test()
def the_args_file_is_used_when_no_command_is_given():
    text = f"# comment\n--user=77:77\n--\n{APP}\nprint\ntwo words\n,\nexit\n5"
    box = Box(files={"etc/stremio-shim.args": text})
    proc = box.spawn([SHIM]).ends(5)
    equal(proc.out(), "two words\n", "stdout")
    proc = box.spawn([SHIM, "--", APP, "exit", "6"]).ends(6)


@test()
def without_any_command_the_defaults_are_looked_for():
    refused(127, words=("stremio",))
    for place in ("app/bin", "usr/bin", "usr/local/bin"):
        box = Box(dirs=(place,))
        box.write(f"{place}/stremio", "", 0o755).copy(APP, f"{place}/stremio")
        proc = box.spawn([SHIM])
        equal(proc.wait(), 0, f"exit status with /{place}/stremio ({proc.err()!r})")


@test()
def a_command_that_is_not_found_is_127():
    for command in ("/nowhere/at/all", "no-such-command", "./nope", "/etc/passwd/x"):
        for init in (True, False):
            refused(127, "--", command, words=(command,), init=init)
    refused(127, "--", "", words=("exec",))


@test()
def a_command_that_cannot_be_executed_is_126():
    box = Box(files={"tmp/bad-elf": b"\x7fELF" + bytes(200), "tmp/empty-elf": b"\x7fELF",
                     "tmp/no-exec": "#!/bin/sh\n", "tmp/junk": b"\0\1\2\3" * 20})
    for name in ("bad-elf", "empty-elf", "junk"):
        os.chmod(box.path("tmp/" + name), 0o755)
    for command in ("/tmp/no-exec", "/tmp", "/tmp/bad-elf", "/tmp/empty-elf", "/tmp/junk"):
        for init in (True, False):
            refused(126, "--", command, words=(command,), box=box, init=init)


@test()
def a_script_whose_interpreter_is_missing_says_so():
    box = Box()
    box.write("tmp/script", "#!/nowhere/interpreter -x\n", 0o755)
    box.spawn([SHIM, "--", "/tmp/script"]).complains(126, "/tmp/script", "interpreter")


@test()
def a_command_without_search_permission_is_126():
    box = Box(dirs=("closed",))
    box.copy(APP, "closed/app")
    os.chmod(box.path("closed"), 0o700)
    refused(126, "--", "/closed/app", box=box, words=("/closed/app",))


@test()
def commands_are_found_in_path():
    box = Box()
    box.spawn([SHIM, "--", "app", "exit", "8"], env={"PATH": "/nowhere:/opt/t"}).ends(8)
    box.copy(APP, "opt/s/tool")
    os.mkdir(box.path("opt/s/app"))
    box.spawn([SHIM, "app", "exit", "8"], env={"PATH": "/opt/s:/opt/t"}).ends(8)


@test()
def two_megabytes_of_arguments_come_through_or_are_refused_clearly():
    """One argument may have 128 KiB, all together a quarter of the stack limit (execve(2))."""

    def raise_stack():
        resource.setrlimit(resource.RLIMIT_STACK, (32 << 20, resource.RLIM_INFINITY))
    words = ["x" * 100000] * 21
    resource.setrlimit(resource.RLIMIT_STACK, (32 << 20, resource.RLIM_INFINITY))
    box = Box()
    box.spawn([SHIM, "--", APP, "exit", "4", ",", *words, ","], pre=raise_stack).ends(4)
    text = "\n".join([APP, "exit", "4", ",", *["y" * 100] * 500])
    Box(files={"etc/stremio-shim.args": text}).spawn([SHIM]).ends(4)


@test()
def arguments_too_long_for_the_command_are_126():
    """The shim fits its own limit; the application's is smaller by the added environment."""
    resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, resource.RLIM_INFINITY))
    words = ["x" * 130000] * 15 + ["x" * 50000]
    box = Box()
    room = (2 << 20) - sum(map(len, words))
    for pad in range(room, 0, -128):
        proc = box.spawn([SHIM, "--", APP, "exit", "4", ",", *words, "z" * pad])
        code = proc.wait()
        if code == 125:                 # the shim's own exec was refused: a little less
            continue
        proc.complains(126)
        return
    raise AssertionError("no length found between the two limits")


@test(asan="the sanitizer's run-time adds lines when there is no /proc")
def without_proc_nothing_is_launched():
    for init in (True, False):
        refused(71, "--", APP, "exit", "0", words=("/proc",), box=Box(proc=False), init=init)


@test()
def a_read_only_root_launches_confined():
    proc = Box(readonly=True).shim(STATE, "exit", "0").ends(0)
    confined(proc.state())
    refused(71, "--tmpfs=/nowhere", "--", APP, box=Box(readonly=True), words=("/nowhere",))


@test()
def a_uid_that_is_not_mapped_in_the_namespace_is_said_so():
    def wait_for_the_map():
        new_namespaces(CLONE_NEWUSER)
        os.write(1, b"unshared\n")
        maps = os.open("/proc/self/gid_map", os.O_RDONLY)
        while not os.pread(maps, 1, 0):
            time.sleep(0.002)
    for mapping in ("0 0 1000", "0 0 1\n1000 1000 10"):
        for init in (True, False):
            proc = Box().spawn([SHIM, "-q", "--", APP, "exit", "0"], init=init,
                               pre=wait_for_the_map).expect("unshared")
            for name in ("uid_map", "gid_map"):
                with open(f"/proc/{proc.pid}/{name}", "w", encoding="ascii") as file:
                    file.write(mapping)
            proc.complains(77, "map")


@test()
def without_the_privileges_to_confine_nothing_is_launched():
    def powerless():
        os.setgroups([])
        os.setresgid(1000, 1000, 1000)
        os.setresuid(1000, 1000, 1000)
    for init in (True, False):
        proc = Box().spawn([SHIM, "-q", "--", APP, "print", "launched"], pre=powerless, init=init)
        proc.complains(77)
        check("launched" not in proc.out(), "the application ran")


@test()
def a_careless_parent_does_not_blur_the_reason():
    """The warning about what was closed, then the reason, and nothing else."""
    def careless():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.close(0)
        os.close(1)
    for init in (True, False):
        proc = Box().spawn([SHIM, "--", "/nowhere"], pre=careless, init=init).ends(127)
        lines = proc.err().splitlines()
        check(len(lines) == 2 and "stdin, stdout" in lines[0] and "'/nowhere'" in lines[1],
              f"{lines}")


@test()
def control_characters_in_a_value_cannot_forge_a_second_line():
    refused(64, "--user=x\nstremio-shim: all is well\x1b[2J", "--", APP)
    refused(127, "--", "/no\nwhere\x1b[0m")


@test()
def help_and_version_go_to_stdout_and_exit_0():
    for option in ("-h", "--help", "-V", "--version"):
        proc = Box().spawn([SHIM, option]).ends(0)
        check(proc.out() and not proc.err(), f"{option}: {proc.out()!r} {proc.err()!r}")
    text = Box().spawn([SHIM, "--help"]).ends(0).out()
    for word in ("--user", "--policy", "--userns", "--tmpfs", "--env", "--cwd", "--exec-bounding",
                 "--stop-timeout", "--ready", "--verbose", "--quiet", "--help", "--version"):
        check(word in text, f"--help does not tell about {word}")
