"""What a bare new container lacks is there for the application, and nothing is hidden by it."""
import os
import socket
import stat

from harness import (APP, FALLBACK_UID, SHIM, STATE, Box, check, equal, mount, signal, test)


def state(box, *options, env=None, pre=None, code=0):
    proc = box.shim(STATE, "exit", "0", options=options, env=env, pre=pre).ends(code)
    return proc.state(), proc


def mounts(proc):
    return {line[6:].split("=", 1)[0]: line[6:].split("=", 1)[1]
            for line in proc.lines() if line.startswith("mount ")}


def environment(proc):
    return dict(line[4:].split("=", 1) for line in proc.lines() if line.startswith("env "))


def running(box, *options, **how):
    return box.shim(APP, "ready", "main", ",", "pause", options=options, **how).expect("ready main")


def look(proc, path):
    return os.stat(f"/proc/{proc.pid}/root{path}", follow_symlinks=False)


def end(proc):
    proc.kill(signal.SIGKILL)
    proc.wait()


@test()
def loopback_is_up():
    report, proc = state(Box())
    equal(report["lo"], "up", f"lo ({proc.err()!r})")


@test()
def dev_shm_is_a_shared_memory_file_system_even_if_a_bare_directory_was_there():
    for shm in (False, True):
        report, proc = state(Box(shm=shm))
        kind, flags = mounts(proc)["/dev/shm"].split(" ", 1)
        equal(kind, "tmpfs", "/dev/shm")
        check({"nosuid", "nodev"} <= set(flags.split(",")), f"/dev/shm is mounted {flags}")
        equal(report["mode /dev/shm"], "1777 0:0", "/dev/shm")


@test()
def a_dev_shm_that_is_there_is_left_alone_and_one_that_is_too_small_told():
    for size, small in (("1m", True), ("63m", True), ("64m", False), ("0", False)):
        def own():
            os.mkdir("/dev/shm")
            mount("mine", "/dev/shm", "tmpfs", 0, f"size={size},mode=1777")
        proc = state(Box(), pre=own)[1]
        equal(sum(line.startswith("mount /dev/shm=") for line in proc.lines()), 1, "mounts there")
        if size == "1m":
            check("size=1024k" in mounts(proc)["/dev/shm"], mounts(proc)["/dev/shm"])
        equal("less than 64 MiB on '/dev/shm'" in proc.err(), small, f"a warning of {size}")


@test()
def runtime_directory_and_home_belong_to_the_application_alone():
    proc = running(Box())
    for path in (f"/run/user/{FALLBACK_UID}", "/home/stremio"):
        entry = look(proc, path)
        equal((stat.S_IMODE(entry.st_mode), entry.st_uid, entry.st_gid),
              (0o700, FALLBACK_UID, FALLBACK_UID), path)
    for path in ("/run/user", "/home"):
        equal((stat.S_IMODE(look(proc, path).st_mode), look(proc, path).st_uid), (0o755, 0), path)
    end(proc)


@test()
def a_runtime_directory_of_somebody_else_is_not_used():
    def hostile():
        os.makedirs("/run/user", exist_ok=True)
        os.mkdir(f"/run/user/{FALLBACK_UID}", 0o777)
    report, proc = state(Box(), pre=hostile)
    del report
    check("XDG_RUNTIME_DIR" not in environment(proc), "XDG_RUNTIME_DIR names a foreign directory")
    equal(len(proc.err().splitlines()), 1, "warnings")


@test()
def directories_are_not_made_through_symbolic_links():
    def link():
        os.makedirs("/run/user", exist_ok=True)
        os.mkdir("/var/victim", 0o755)
        os.symlink("/var/victim", f"/run/user/{FALLBACK_UID}")
    proc = running(Box(), pre=link)
    equal(look(proc, "/var/victim").st_uid, 0, "owner of the link's target")
    end(proc)


@test()
def tmp_becomes_world_writable_and_sticky():
    for pre in (lambda: os.chmod("/tmp", 0o755), lambda: os.rmdir("/tmp")):
        equal(state(Box(), pre=pre)[0]["mode /tmp"], "1777 0:0", "/tmp")


@test()
def nothing_is_mounted_over_a_directory_with_mounts_below_it():
    def x11():
        os.makedirs("/tmp/.X11-unix")
        mount("x11", "/tmp/.X11-unix", "tmpfs", 0, "mode=755")
        open("/tmp/.X11-unix/X0", "w", encoding="ascii").close()
    proc = running(Box(), pre=x11)
    look(proc, "/tmp/.X11-unix/X0")
    end(proc)
    Box().shim(APP, "exit", "0", options=("--tmpfs=/tmp",), pre=x11).complains(71, "/tmp")


@test()
def a_bare_environment_is_completed():
    got = environment(state(Box(passwd="stremio:x:501:502::/srv/media:/bin/bash\n"))[1])
    want = {"HOME": "/srv/media", "USER": "stremio", "LOGNAME": "stremio", "SHELL": "/bin/bash",
            "XDG_RUNTIME_DIR": "/run/user/501", "XDG_CACHE_HOME": "/srv/media/.cache",
            "TMPDIR": "/tmp", "QT_X11_NO_MITSHM": "1", "DBUS_SESSION_BUS_ADDRESS": "disabled:",
            "container": "lxc"}
    for key, value in want.items():
        equal(got.get(key), value, key)
    check("UTF-8" in got.get("LANG", ""), f"LANG is {got.get('LANG')!r}")
    for directory in ("/usr/bin", "/bin", "/usr/sbin"):
        check(directory in got.get("PATH", "").split(":"), f"{directory} is not in PATH")


@test()
def given_values_win():
    given = {"HOME": "/var", "USER": "me", "LOGNAME": "me", "SHELL": "/bin/x", "LANG": "C",
             "PATH": "/opt/t", "XDG_RUNTIME_DIR": "/run/mine", "XDG_CACHE_HOME": "/c",
             "TMPDIR": "/var", "QT_X11_NO_MITSHM": "0", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/b"}
    got = environment(state(Box(), env=given)[1])
    for key, value in given.items():
        equal(got.get(key), value, key)


@test()
def roots_own_environment_does_not_count_as_given():
    """`incus exec` and sudo leave USER=root HOME=/root behind."""
    got = environment(state(Box(), env={"USER": "root", "HOME": "/root", "LOGNAME": "root",
                                        "SHELL": "/bin/bash", "LANG": "C.UTF-8"})[1])
    equal(got["HOME"], "/home/stremio", "HOME")
    equal(got["USER"], "stremio", "USER")


@test()
def the_session_bus_is_left_alone_when_there_is_one():
    def bus():
        path = f"/run/user/{FALLBACK_UID}"
        os.makedirs(path, mode=0o700)
        socket.socket(socket.AF_UNIX).bind(path + "/bus")
        os.chmod(path, 0o700)
        os.chown(path, FALLBACK_UID, FALLBACK_UID)
    got = environment(state(Box(), pre=bus)[1])
    check("DBUS_SESSION_BUS_ADDRESS" not in got, f"{got.get('DBUS_SESSION_BUS_ADDRESS')}")


@test()
def tmpfs_mounts_what_was_asked_for():
    box = Box(dirs=("data", "srv"))
    proc = state(box, "--tmpfs=/data", "--tmpfs", "/srv:size=1m,mode=0700")[1]
    kind, flags = mounts(proc)["/data"].split(" ", 1)
    check(kind == "tmpfs" and {"nosuid", "nodev", "noexec"} <= set(flags.split(",")),
          f"/data is {kind} {flags}")
    check({"size=1024k", "mode=700"} <= set(mounts(proc)["/srv"].split(" ")[1].split(",")),
          mounts(proc)["/srv"])
    proc = state(box, env={"STREMIO_TMPFS": "/data:exec;/srv"})[1]
    check("noexec" not in mounts(proc)["/data"] and "/srv" in mounts(proc), str(mounts(proc)))


@test()
def bad_tmpfs_values_are_refused():
    for value, code in (("data", 64), ("", 64), (":size=1m", 64), ("/", 71), ("//", 71),
                        ("/nowhere", 71), ("/data:size=lots", 71), ("/data:frobnicate", 71),
                        ("/etc/passwd", 71), ("/data:" + "a" * 300, 71)):
        box = Box(dirs=("data",))
        box.shim(APP, "exit", "0", options=(f"--tmpfs={value}",)).complains(code)
    many = [f"--tmpfs=/data{n}" for n in range(17)]
    Box().shim(APP, "exit", "0", options=many).complains(64)


@test()
def missing_rights_are_warnings_with_a_remedy_and_the_launch_goes_on():
    """A read-only root, no network administration: each once, in parentheses what to do."""
    proc = Box(readonly=True).shim(STATE, "exit", "0").ends(0)
    lines = proc.err().splitlines()
    check(lines and all(x.startswith("stremio-shim: prepare: ") and x.endswith(")")
                        for x in lines), proc.err())
    from privileges import confined
    confined(proc.state())


@test()
def verbose_reports_each_step_and_quiet_not_even_warnings():
    err = Box().shim(APP, "exit", "0", options=("-v",)).ends(0).err()
    for word in ("loopback", "/dev/shm", "/home/stremio"):
        check(word in err, f"-v does not tell about {word}: {err!r}")
    check(all(line.startswith("stremio-shim: ") for line in err.splitlines()), err)
    equal(Box().shim(APP, "exit", "0").ends(0).err(), "", "stderr of a clean launch")
    quiet = Box(readonly=True).spawn([SHIM, "-q", "--", APP, "exit", "0"]).ends(0)
    equal(quiet.err(), "", "stderr with -q")
