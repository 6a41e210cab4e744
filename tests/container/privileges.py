"""Who the application is, what PID 1 keeps, and that nothing of it is taken on trust."""
import os
import signal

from harness import (APP, FALLBACK_UID, SHIM, STATE, Box, check, children, equal, gone,
                     proc_status, prctl, test, until)

SIGKILL = signal.SIGKILL
EPERM = "1"
CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_SYS_BOOT = 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 22


def unconfined(state, uid=FALLBACK_UID, gid=None, groups="", seccomp="2"):
    """What is not as confined as promised: a list of sentences, empty when all is well."""
    gid = uid if gid is None else gid
    want = {"Uid": " ".join([str(uid)] * 4), "Gid": " ".join([str(gid)] * 4), "Groups": groups,
            "CapInh": "0" * 16, "CapPrm": "0" * 16, "CapEff": "0" * 16, "CapBnd": "0" * 16,
            "CapAmb": "0" * 16, "NoNewPrivs": "1", "Seccomp": seccomp, "SigBlk": "0" * 16,
            "SigIgn": "0" * 16, "securebits": "0xef", "umask": "022", "fds": "0 1 2",
            "setgroups": EPERM}
    if uid:
        want.update(setuid0=EPERM, setgid0=EPERM)
    wrong = [f"{key} is {state.get(key, 'not there').strip()!r}, not {value!r}"
             for key, value in want.items() if state.get(key, "not there").strip() != value]
    if state.get("pdeathsig", "0") == "0":
        wrong.append("no parent death signal")
    if state.get("noroot_off", "0") == "0":
        wrong.append("securebits that can be taken back")
    return wrong


def state(*options, box=None, init=True, env=None, pre=None):
    proc = (box or Box()).shim(STATE, "exit", "0", init=init, env=env, pre=pre, options=options)
    proc.ends(0)
    check("end" in proc.lines(), f"no full report: {proc.out()[-200:]!r}")
    return proc.state()


def confined(report, **who):
    wrong = unconfined(report, **who)
    check(not wrong, "; ".join(wrong))


@test()
def the_application_has_no_privilege_left():
    for init in (True, False):
        confined(state(init=init))


@test()
def leaked_groups_capabilities_and_securebits_are_dropped():
    def inheritable():
        import ctypes
        from harness import libc, libcall
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        data = (ctypes.c_uint32 * 6)()
        libcall("capget", header, data)
        data[2], data[5] = data[1], data[4]
        libcall("capset", header, data)
        for cap in (0, 1, 5, 6, 7, 21):
            libcall("prctl", 47, 2, ctypes.c_ulong(cap), 0, 0)
        os.setgroups([4, 27, 44])
        assert libc.prctl(47, 1, ctypes.c_ulong(21), 0, 0) == 1
    for init in (True, False):
        confined(state(init=init, pre=inheritable))


def device(box, path, major, minor, gid, mode=0o660):
    os.makedirs(os.path.dirname(box.path(path)), exist_ok=True)
    os.mknod(box.path(path), 0o020000 | mode, os.makedev(major, minor))
    os.chmod(box.path(path), mode)
    os.chown(box.path(path), 0, gid)


@test()
def the_groups_are_those_of_render_and_sound_nodes_and_no_others():
    box = Box()
    device(box, "dev/dri/renderD128", 226, 128, 44)
    device(box, "dev/dri/renderD129", 226, 129, 105)
    device(box, "dev/dri/card0", 226, 0, 45)                    # no primary node
    device(box, "dev/dri/renderD130", 226, 130, 0)              # never root's group
    device(box, "dev/dri/renderD131", 226, 131, 65534)          # nor the overflow group
    device(box, "dev/dri/renderD132", 226, 132, 46, 0o640)      # its group may not write
    device(box, "dev/dri/other", 1, 3, 47)                      # another device
    device(box, "dev/snd/controlC0", 116, 0, 29)
    device(box, "dev/snd/pcmC0D0p", 116, 16, 29)
    box.write("dev/snd/file", "")
    os.chown(box.path("dev/snd/file"), 0, 48)
    for init in (True, False):
        confined(state(box=box, init=init), groups="29 44 105")


@test()
def the_group_of_a_primary_node_is_given_when_that_is_asked_for():
    """As `incus config device add NAME card0 unix-char path=/dev/dri/card0 gid=44 mode=0660` makes it."""
    box = Box()
    device(box, "dev/dri/card0", 226, 0, 44)
    device(box, "dev/dri/card1", 226, 1, 45, 0)                 # there by name only
    device(box, "dev/dri/renderD128", 226, 128, 105)
    for devices, groups in (("gpu-primary", "44 105"), ("gpu", "105"), ("gpu,gpu-primary", "44 105"),
                            ("gpu-primary:card0", "44 105"), ("sound", "")):
        confined(state(f"--devices={devices}", box=box), groups=groups)


@test()
def a_setuid_root_program_gives_nothing():
    for name in ("setuid", "setgid"):
        box = Box()
        box.copy(STATE, "opt/s/state", 0o4755 if name == "setuid" else 0o2755)
        proc = box.shim("/opt/s/state", "exit", "0").ends(0)
        confined(proc.state())


@test()
def killing_the_shim_kills_the_application():
    proc = Box().shim(APP, "ignore", "main", init=False).expect("ready main")
    child = children(proc.pid)[0]
    proc.kill(SIGKILL)
    proc.wait()
    until(lambda: gone(child), "the application's end", 2)


def steady(init=True, options=(), **how):
    """A shim whose launch is over: it holds no more than it wants to keep."""
    proc = Box().shim(APP, "ready", "main", ",", "pause", init=init, options=options, **how)
    proc.expect("ready main")
    until(lambda: int(proc.status()["CapEff"], 16) <= CAP_KILL | CAP_SYS_BOOT and
          proc.status()["Seccomp"] == "2", "PID 1's own confinement", 3)
    return proc


@test()
def no_capabilities_left_in_pid_1():
    for init in (True, False):
        proc = steady(init)
        status = proc.status()
        allowed = CAP_KILL | (CAP_SYS_BOOT if init else 0)
        equal(int(status["CapPrm"], 16), allowed, f"CapPrm, init={init}")
        equal(int(status["CapEff"], 16), allowed, f"CapEff, init={init}")
        equal(int(status["CapInh"], 16) | int(status["CapAmb"], 16), 0, "CapInh and CapAmb")
        equal(status["NoNewPrivs"], "1", "NoNewPrivs")
        equal(status["Seccomp"], "2", "Seccomp")
        equal(status["Groups"], "", "Groups")
        proc.kill(SIGKILL)
        proc.wait()


@test(asan="the sanitizer's run-time keeps descriptors of its own")
def pid_1_keeps_no_descriptor_but_its_own():
    for init in (True, False):
        proc = steady(init)
        until(lambda: more_than_stdio(proc.pid) == ["anon_inode:[signalfd]"],
              f"nothing but the signalfd from 3 on, init={init}", 2)
        equal(os.readlink(f"/proc/{proc.pid}/cwd"), "/", "cwd")
        proc.kill(SIGKILL)
        proc.wait()


def more_than_stdio(pid):
    return [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")
            if int(name) > 2]


def peek(path):
    """Reads path as a root without the capabilities that open any memory (SYS_PTRACE; PERFMON or
    SYS_ADMIN in newer kernels), so that only dumpability decides."""
    proc = less_than_root("peek", path)
    proc.ends(0)
    return proc.out().strip()


def less_than_root(*words):
    """The test program with those capabilities dropped; in a box, but with the test's /proc."""
    def drop():
        for cap in (19, 21, 38):
            prctl(24, cap)              # PR_CAPBSET_DROP
    return Box().spawn([APP, *words], init=False, pre=drop)


@test()
def the_memory_of_pid_1_cannot_be_read():
    for init in (True, False):
        proc = steady(init)
        other = less_than_root("pid", ",", "ready", "main", ",", "pause").expect("ready main")
        equal(peek(f"/proc/{other.pid}/environ"), "peek read", "the probe's own proof")
        for name in ("environ", "maps", "auxv"):
            check(peek(f"/proc/{proc.pid}/{name}") in ("peek failed 13", "peek failed 1"),
                  f"/proc/PID/{name} is readable")
        proc.kill(SIGKILL)
        proc.wait()


@test()
def exec_bounding_decides_what_a_later_incus_exec_gets():
    def bounding(*options):
        proc = steady(options=options)
        value = int(proc.status()["CapBnd"], 16)
        proc.kill(SIGKILL)
        proc.wait()
        return value
    whole = int(proc_status(os.getpid())["CapBnd"], 16)
    launch = CAP_SETUID | CAP_SETGID | CAP_SETPCAP | CAP_KILL
    equal(bounding(), launch, "default")
    equal(bounding("--exec-bounding=launch"), launch, "launch")
    equal(bounding("--exec-bounding=none"), 0, "none")
    equal(bounding("--exec-bounding=full"), whole, "full")
    for choice in ("none", "launch", "full"):
        confined(state(f"--exec-bounding={choice}"))


@test()
def the_bounding_set_that_is_left_is_enough_to_launch_again():
    """As `incus exec NAME -- stremio-shim CMD` would: root, with PID 1's bounding set."""
    def poor():
        for cap in range(64):
            if not (CAP_SETUID | CAP_SETGID | CAP_SETPCAP | CAP_KILL) >> cap & 1 and cap < 41:
                prctl(24, cap)
    confined(state("-q", init=False, pre=poor))


PASSWD = ("app:x:1234:1235:App:/home/app:/bin/sh\n"
          "toor:x:0:0:another root:/root:/bin/sh\n")
GROUP = "root:x:0:\nvideo:x:44:app\nappgroup:x:1235:\n"


@test()
def user_takes_names_and_numbers():
    for value, uid, gid in (("app", 1234, 1235), ("1234", 1234, 1235), ("app:video", 1234, 44),
                            ("app:77", 1234, 77), ("4321:77", 4321, 77), ("4321", 4321, 4321),
                            ("1234:video", 1234, 44)):
        box = Box(passwd=PASSWD, files={"etc/group": GROUP})
        for options in ((f"--user={value}",), ("-u", value), ("--user", value)):
            confined(state(*options, box=box), uid=uid, gid=gid)
        confined(state(box=box, env={"STREMIO_USER": value}), uid=uid, gid=gid)


@test()
def root_must_be_spelled_out():
    box = Box(passwd=PASSWD)
    for value in ("0", "0:0", "toor", "00", "0:1000"):
        box.spawn([SHIM, f"--user={value}", "--", APP, "exit", "0"]).complains(64, "root")
    confined(state("--user=root", box=box), uid=0)
    accident = Box(passwd="stremio:x:0:0::/:/bin/sh\n")
    accident.shim(APP, "exit", "0").complains(64, "root")


@test()
def unknown_users_and_groups_are_usage_errors():
    for value in ("nobody-here", "app:nogroup-here", "", ":", "app:", ":44", "-1", "4294967295",
                  "4294967296", "1x", "99999999999999999999", "app:4294967295", "1:2:3"):
        box = Box(passwd=PASSWD, files={"etc/group": GROUP})
        box.shim(APP, "exit", "0", options=(f"--user={value}",)).complains(64)


@test()
def auto_resolves_stremio_then_nonroot_then_1000_then_65532():
    lines = {"stremio": "stremio:x:501:502::/:/bin/sh\n", "nonroot": "nonroot:x:601:602::/:/x\n",
             "1000": "somebody:x:1000:1001::/home/somebody:/bin/sh\n"}
    for present, uid, gid in ((("1000", "nonroot", "stremio"), 501, 502),
                              (("1000", "nonroot"), 601, 602), (("1000",), 1000, 1001),
                              ((), 65532, 65532)):
        box = Box(passwd="".join(lines[name] for name in present))
        for options in ((), ("--user=auto",)):
            confined(state(*options, box=box), uid=uid, gid=gid)


@test()
def environment_twins_work_and_the_command_line_wins():
    box = Box(passwd=PASSWD)
    confined(state(box=box, env={"STREMIO_USER": "app"}), uid=1234, gid=1235)
    confined(state("--user=77:77", box=box, env={"STREMIO_USER": "app"}), uid=77)
    equal(state(env={"STREMIO_POLICY": "none"})["Seccomp"], "0", "Seccomp with policy none")
    confined(state("--policy=stremio", env={"STREMIO_POLICY": "none"}))
    whole = int(proc_status(os.getpid())["CapBnd"], 16)
    proc = steady(env={"STREMIO_EXEC_BOUNDING": "full"})
    equal(int(proc.status()["CapBnd"], 16), whole, "CapBnd with STREMIO_EXEC_BOUNDING=full")
    proc.kill(SIGKILL)
    for key in ("USER", "POLICY", "USERNS", "EXEC_BOUNDING", "STOP_TIMEOUT", "TMPFS", "READY"):
        proc = Box().shim(APP, "exit", "0", env={f"STREMIO_{key}": "wr:ong"}).complains(64)
        check(key.lower() in proc.err().lower(), f"{key} is not named: {proc.err()!r}")


@test()
def a_failed_unit_of_confinement_is_never_passed_over_without_policy():
    report = state("--policy=none")
    confined(report, seccomp="0")
