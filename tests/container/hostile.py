"""What an application leaves behind, or does meanwhile, does not decide about the next launch."""
import os
import signal
import time

from harness import (APP, CLONE_NEWPID, FALLBACK_UID, INJECT, SHIM, STATE, Box, check, children,
                     equal, gone, mount, new_namespaces, test, until)
from names import NR

REACH = "/opt/t/reach"
HOME = "home/stremio"


def lived_in(links):
    """A home as an earlier run of the application may have left it."""
    box = Box(dirs=(HOME, "mnt/media"))
    for path in (HOME, "mnt/media"):
        os.chown(box.path(path), FALLBACK_UID, FALLBACK_UID)
    box.write("mnt/media/file", "text", 0o666)
    for name, target in links.items():
        os.symlink(target, box.path(f"{HOME}/{name}"))
        os.lchown(box.path(f"{HOME}/{name}"), FALLBACK_UID, FALLBACK_UID)
    return box


@test()
def a_link_of_the_application_does_not_choose_where_a_tmpfs_is_mounted():
    box = lived_in({"cache": "/etc"})
    box.shim(APP, "exit", "0", options=["--tmpfs=/home/stremio/cache"]).complains(
        71, "tmpfs", "/home/stremio/cache", "link")


@test()
def a_link_of_roots_is_followed():
    box = Box(dirs=("data",))
    os.symlink("/data", box.path("link"))
    proc = box.shim(STATE, "exit", "0", options=["--tmpfs=/link"]).ends(0)
    check(any(line.startswith("mount /data=tmpfs") for line in proc.lines()), proc.out())


@test()
def a_dot_in_the_path_does_not_hide_the_mounts_below():
    def below():
        os.makedirs("/mnt/x/sub")
        mount("sub", "/mnt/x/sub", "tmpfs", 0, None)
    Box(dirs=("mnt",)).shim(APP, "exit", "0", options=["--tmpfs=/mnt/./x"],
                            pre=below).complains(71, "tmpfs", "mounts below")


@test()
def a_tmpfs_is_roots_but_in_the_applications_home():
    box = lived_in({})
    os.mkdir(box.path(f"{HOME}/cache"))
    os.mkdir(box.path("data"))
    proc = box.shim(APP, "ready", "main", ",", "pause", options=[
        "--tmpfs=/home/stremio/cache", "--tmpfs=/data"]).expect("ready main")
    for path, uid, mode in (("home/stremio/cache", FALLBACK_UID, 0o700), ("data", 0, 0o755)):
        info = os.stat(f"/proc/{proc.pid}/root/{path}")
        equal((info.st_uid, info.st_mode & 0o7777), (uid, mode), path)
    proc.kill(signal.SIGKILL)
    proc.wait()


@test()
def a_link_of_the_application_does_not_widen_what_landlock_leaves_to_it():
    for name, target in ((".cache", "/mnt/media"), (".cache", "/")):
        box = lived_in({name: target})
        proc = box.shim(REACH, "write:/mnt/media/file", "list:/", "create:/home/stremio/a").ends(0)
        equal(proc.lines(), ["write /mnt/media/file=EACCES", "list /=EACCES",
                             "create /home/stremio/a=ok"], f"with {name} -> {target}")
    lived_in({"films": "/mnt/media"}).shim(APP, "exit", "0", options=[
        "--rw=/home/stremio/films"]).complains(77, "landlock", "/home/stremio/films")


@test()
def the_whole_root_is_not_to_be_had_writable():
    Box().shim(APP, "exit", "0", options=["--rw=/"]).complains(77, "landlock", "everything")


@test()
def a_stderr_whose_reader_is_gone_does_not_end_the_application():
    def deaf():
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 2)
        os.close(writer)
    proc = Box().shim(APP, "ready", "main", ",", "pause", pre=deaf, env={"STREMIO_NOSUCH": "1"})
    proc.expect("ready main")
    time.sleep(0.3)                     # SIGPIPE, had it been passed on, would be there by now
    proc.kill(signal.SIGKILL)
    equal(proc.wait(), -signal.SIGKILL, "how PID 1 ended")


def foreign_proc():
    """Goes on as PID 1 of a new namespace while /proc stays the old one's."""
    new_namespaces(CLONE_NEWPID)
    pid = os.fork()
    if pid:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


@test()
def a_proc_of_another_pid_namespace_is_refused():
    """Its numbers are other processes: a stop would end somebody else's."""
    Box().shim(APP, "exit", "0", pre=foreign_proc).complains(71, "/proc", "pid namespace")


@test()
def an_args_file_that_others_may_write_is_refused():
    for mode, uid in ((0o666, 0), (0o664, 0), (0o644, FALLBACK_UID)):
        box = Box(files={"etc/stremio-shim.args": f"{APP}\nexit\n0\n"})
        os.chmod(box.path("etc/stremio-shim.args"), mode)
        os.chown(box.path("etc/stremio-shim.args"), uid, uid)
        box.spawn([SHIM]).complains(77, "args-file", "/etc/stremio-shim.args")


@test()
def the_umask_of_the_caller_does_not_lock_the_runtime_directory():
    proc = Box().shim(REACH, f"create:/run/user/{FALLBACK_UID}/a",
                      pre=lambda: os.umask(0o077)).ends(0)
    equal(proc.lines(), [f"create /run/user/{FALLBACK_UID}/a=ok"], "the runtime directory")


@test()
def a_given_home_is_prepared_and_its_cache_follows():
    proc = Box().shim(STATE, "exit", "0", env={"HOME": "/home/other"}).ends(0)
    env = dict(line[4:].split("=", 1) for line in proc.lines() if line.startswith("env "))
    equal((env["HOME"], env["XDG_CACHE_HOME"]), ("/home/other", "/home/other/.cache"), "given")
    proc = Box().shim(REACH, "create:/home/other/a", env={"HOME": "/home/other"}).ends(0)
    equal(proc.lines(), ["create /home/other/a=ok"], "home")


def held_up(box, call, microseconds, *options):
    """A launch whose child sleeps before its first such call; and the shim's pid."""
    proc = box.spawn([INJECT, f"1:{NR[call]}:1:delay={microseconds}", "--", SHIM, *options, "--",
                      APP, "ready", "main", ",", "pause"])
    shim = until(lambda: children(proc.pid), "the shim")[0]
    child = until(lambda: children(shim), "the child")[0]
    return proc, shim, child


@test()
def a_stop_does_not_wait_for_a_launch_that_is_held_up():
    """By a hanging file system, or by a process of the same user that stops the child."""
    proc, shim, child = held_up(Box(), "setresuid", 8000000, "-t", "0.3")
    start = time.monotonic()
    os.kill(shim, signal.SIGTERM)
    code = proc.wait(6)
    check(time.monotonic() - start < 4, "the stop took its time")
    equal(code, 71, f"exit status ({proc.err()!r})")
    check("a stop was asked for" in proc.err(), proc.err())
    until(lambda: gone(child), "the end of the held up child")


@test()
def a_child_that_dies_before_the_exec_is_a_failure_and_not_a_launch():
    proc, _, child = held_up(Box(), "setresuid", 1000000)
    os.kill(child, signal.SIGKILL)
    equal(proc.wait(6), 77, f"exit status ({proc.err()!r})")
    check("died before the exec" in proc.err(), proc.err())
