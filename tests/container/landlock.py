"""Files, signals and sockets out of the application's reach, whatever their modes say."""
import os
import resource
import socket

from harness import APP, FALLBACK_UID, INJECT, SHIM, Box, Skip, check, equal, syscall, test

REACH = "/opt/t/reach"
NR_CREATE_RULESET, NR_RESTRICT_SELF = 444, 446


def needs(abi):
    try:
        have = syscall(NR_CREATE_RULESET, 0, 0, 1)
    except OSError:
        have = 0
    if have < abi:
        raise Skip(f"Landlock interface {abi} is needed, the kernel has {have}")


def box():
    """Everything is open to everybody by its mode: what is denied, Landlock denies."""
    made = Box(dirs=("srv/media", "data", "etc/sub", "usr/bin", "home"))
    for name in ("srv/media", "data", "tmp", "usr/bin", "etc/sub"):
        os.chmod(made.path(name), 0o1777)
    for name in ("srv/media/film", "data/file", "usr/bin/text", "etc/sub/text"):
        made.write(name, "text", 0o666)
    for name in ("usr/bin/program", "data/program", "tmp/program", "program"):
        made.copy(REACH, name)
    os.chmod(made.root, 0o777)
    return made


def reach(words, options=(), box_=None, code=0, env=None, **how):
    proc = (box_ or box()).shim(REACH, *words, options=options, env=env, **how).ends(code)
    return dict(line.rsplit("=", 1) for line in proc.lines()), proc


def expect(words, options=(), **how):
    """words: {'read:/etc/passwd': 'ok', ...}"""
    got, proc = reach(list(words), options, **how)
    for word, want in words.items():
        equal(got.get(word.replace(":", " ", 1)), want, f"{word} ({proc.err()!r})")
    return proc


@test()
def home_runtime_directory_and_scratch_space_can_be_written_but_not_executed():
    needs(2)
    home, run = "/home/stremio", f"/run/user/{FALLBACK_UID}"
    expect({f"create:{home}/a": "ok", f"mkdir:{home}/d": "ok", f"list:{home}/d": "ok",
            f"create:{run}/a": "ok", "create:/tmp/a": "ok", "create:/dev/shm/a": "ok",
            "list:/tmp": "ok", f"list:{home}": "ok", "execute:/tmp/program": "EACCES"})


@test()
def files_can_be_moved_between_directories_of_the_scratch_space():
    """Without the right to refer, Qt's rename into its socket's place fails with EXDEV."""
    needs(2)
    got = reach(["mkdir:/tmp/x", "create:/tmp/x/s", "rename:/tmp/x/s,/tmp/t", "read:/tmp/t"])[0]
    equal(got["rename /tmp/x/s"], "ok", "rename across directories")
    equal(got["read /tmp/t"], "ok", "the renamed file")


@test()
def programs_and_system_data_are_read_and_nothing_of_them_written():
    needs(1)
    expect({"read:/usr/bin/text": "ok", "execute:/usr/bin/program": "ok",
            "write:/usr/bin/text": "EACCES", "create:/usr/bin/new": "EACCES",
            "read:/etc/sub/text": "ok", "write:/etc/sub/text": "EACCES",
            "create:/etc/sub/new": "EACCES", "read:/proc/self/status": "ok",
            "write:/proc/self/comm": "EACCES", "create:/run/new": "EACCES"})


@test()
def everything_else_is_out_of_reach_though_its_mode_allows_it():
    needs(3)
    expect({"list:/": "EACCES", "create:/new": "EACCES", "read:/data/file": "EACCES",
            "write:/data/file": "EACCES", "execute:/data/program": "EACCES",
            "list:/srv/media": "EACCES", "create:/srv/media/new": "EACCES",
            "truncate:/data/file": "EACCES"})


@test()
def rw_and_ro_open_what_they_name_and_no_more():
    needs(3)
    expect({"write:/data/file": "ok", "create:/data/new": "ok", "execute:/data/program": "EACCES",
            "read:/srv/media/film": "ok", "write:/srv/media/film": "EACCES", "list:/": "EACCES"},
           ["--rw=/data", "--ro=/srv/media"])
    expect({"write:/data/file": "ok", "list:/data": "EACCES", "create:/data/new": "EACCES"},
           ["--rw=/data/file"])
    expect({"read:/data/file": "ok", "read:/srv/media/film": "ok"},
           env={"STREMIO_RO": "/data;/srv/media"})


@test()
def a_path_that_does_not_exist_stops_the_launch():
    for option in ("--rw=/nowhere", "--ro=/nowhere"):
        box().shim(APP, "exit", "0", options=[option]).complains(77, "landlock", "/nowhere")


@test()
def a_path_must_be_absolute_and_there_is_an_end_to_their_number():
    box().shim(APP, "exit", "0", options=["--rw=data"]).complains(64, "--rw")
    box().shim(APP, "exit", "0", options=["--ro=/data"] * 5000).complains(64, "--ro", "128")
    box().shim(APP, "exit", "0", options=["--ro=/data"] * 128).ends(0)


@test()
def a_file_where_a_directory_of_programs_is_usual_is_no_obstacle():
    """And it is nothing but a file: what it allows does not reach beyond it."""
    needs(1)
    made = box()
    made.copy(REACH, "app")
    expect({"read:/app": "ok", "execute:/app": "ok", "write:/app": "EACCES"}, box_=made)


@test()
def few_descriptors_are_enough_for_many_rules():
    """Descriptors of rules are closed many at a time, but not at the price of needing many."""
    needs(1)
    made = box()
    for n in range(100):
        os.mkdir(made.path(f"data/{n}"))
        os.chmod(made.path(f"data/{n}"), 0o777)
    options = [f"--rw=/data/{n}" for n in range(100)]
    for limit in (16, 30, 4096):
        expect({"create:/data/0/a": "ok", "create:/data/99/a": "ok", "create:/data/a": "EACCES"},
               options, box_=made, pre=lambda most=limit: resource.setrlimit(
                   resource.RLIMIT_NOFILE, (most, most)))
        for n in (0, 99):
            os.unlink(made.path(f"data/{n}/a"))


@test()
def devices_work_with_their_controls():
    needs(5)
    expect({"device:/dev/null": "ok", "device:/dev/zero": "ok", "list:/dev": "ok"})


@test()
def every_gpu_of_nvidias_is_open_and_nothing_beside_them():
    """Nodes of /dev/null's number, which open without a driver."""
    needs(1)
    nodes = ("nvidia0", "nvidia1", "nvidia9", "nvidia10", "nvidia31", "nvidia32", "nvidia1x",
             "nvidia-uvm", "nvidiactl")

    def opened(devices, *there):
        made = box()
        for name in there:
            os.mknod(made.path(f"dev/{name}"), 0o020666, os.makedev(1, 3))
            os.chmod(made.path(f"dev/{name}"), 0o666)
        got = reach([f"device:/dev/{name}" for name in there], [f"--devices={devices}"],
                    box_=made)[0]
        return [name for name in there if got[f"device /dev/{name}"] == "ok"]
    equal(opened("gpu", *nodes), [name for name in nodes if name not in ("nvidia32", "nvidia1x")],
          "nodes that open")
    equal(opened("gpu:nvidia1", "nvidiactl", "nvidia1"), ["nvidiactl", "nvidia1"], "the second alone")
    equal(opened("sound", *nodes), [], "nodes that open without a GPU")


@test()
def a_command_given_by_a_relative_path_does_not_open_the_root():
    needs(1)
    made = box()
    proc = made.spawn([SHIM, "--", "./program", "list:/", "read:/data/file"]).ends(0)
    equal(proc.lines(), ["list /=EACCES", "read /data/file=EACCES"], "what the program reached")


@test()
def the_neighbours_of_the_command_can_be_executed():
    needs(1)
    made = Box(dirs=("somewhere",))
    made.copy(REACH, "somewhere/shell")
    made.copy(REACH, "somewhere/node")
    proc = made.spawn([SHIM, "--", "/somewhere/shell", "execute:/somewhere/node",
                       "create:/somewhere/new"]).ends(0)
    equal(proc.lines(), ["execute /somewhere/node=ok", "create /somewhere/new=EACCES"], "reached")


@test()
def a_home_that_is_the_root_opens_nothing():
    needs(1)
    expect({"create:/new": "EACCES", "list:/": "EACCES"}, env={"HOME": "/", "TMPDIR": "//"})


@test()
def no_signal_reaches_a_process_outside():
    needs(6)
    made = box()
    proc = made.shim(REACH, "kill:1", options=["-u", "root"]).ends(0)
    equal(proc.lines(), ["kill 1=EPERM"], "a signal to PID 1 from an application that is root")


@test()
def abstract_sockets_of_others_are_out_of_reach_but_for_an_x_server():
    needs(6)

    def listen():
        for name in ("\0other", "\0/tmp/.X11-unix/X7"):
            server = socket.socket(socket.AF_UNIX)
            server.bind(name)
            server.listen(5)
            listen.kept.append(os.dup(server.fileno()))
        if os.fork():               # the servers live on in the parent, which is PID 1 here
            os.wait()
            os._exit(0)
    listen.kept = []
    made = box()
    words = ("abstract:other", "abstract:/tmp/.X11-unix/X7")
    for display, want in ((":8", "EPERM"), (":7", "ok"), (":7.0", "ok"), ("", "EPERM")):
        proc = made.spawn([SHIM, "--", REACH, *words], pre=listen,
                          env={"DISPLAY": display}).ends(0)
        check(f"abstract /tmp/.X11-unix/X7={want}" in proc.lines(),
              f"DISPLAY={display!r}: {proc.out()!r} {proc.err()!r}")


@test()
def off_is_off_and_a_nested_sandbox_excludes_it():
    expect({"read:/data/file": "ok", "list:/": "ok"}, ["--landlock=off"])
    proc = expect({"read:/data/file": "ok"}, ["--userns=allow"])
    check("landlock: is off" in proc.err(), proc.err())
    box().shim(APP, "exit", "0", options=["--userns=allow", "--landlock=require"]).complains(
        64, "landlock", "--userns=deny")


@test()
def require_takes_nothing_less_than_all():
    """The kernel that runs the tests decides which of the two it is."""
    try:
        abi = syscall(NR_CREATE_RULESET, 0, 0, 1)
    except OSError:
        abi = 0
    proc = box().shim(APP, "exit", "0", options=["--landlock=require"])
    if abi >= 6:
        proc.ends(0)
        equal(proc.err(), "", "warnings")
    else:
        proc.complains(77, "landlock", "this kernel cannot restrict")


@test()
def that_it_took_is_proven_whatever_is_open_by_request():
    """The kernel seems to say yes and has done nothing."""
    needs(1)
    for option in ("--landlock=auto", "--ro=/", "--rw=/data"):
        made = box()
        made.spawn([INJECT, f"1:{NR_RESTRICT_SELF}:1:ret=0", "--", SHIM, option, "--", APP, "exit",
                    "0"]).complains(77, "landlock", "does not deny")
