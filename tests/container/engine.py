"""Web engines that insist on namespaces are told to do without where these are refused, aloud."""
import os

from harness import Box, check, equal, test
from preparation import environment

VARIABLE = "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS"
WEBKIT = {"app/lib/libwebkitgtk-6.0.so.4": ""}
SWITCH = "args --no-sandbox exit 0"


def launched(box, *options, path="/opt/t/state", env=None, words=("exit", "0")):
    """(environment, arguments, warnings about the sandbox)"""
    proc = box.shim(path, *words, options=options, env=env).ends(0)
    return (environment(proc), next(line for line in proc.lines() if line.startswith("args")),
            [line for line in proc.err().splitlines() if ": sandbox: " in line])


def chromium(beside):
    """A bundle of a program and one other file."""
    return Box(files={f"opt/cef/{beside}": ""}).copy("state", "opt/cef/stremio")


def linked(box, before=0, mode=0o755):
    """/opt/shell with the library's name in its file, so far behind the start of a page."""
    box.copy("state", "opt/shell")
    with open(box.path("opt/shell"), "ab") as file:
        file.write(bytes(-file.tell() % 4096 + before) + b"libwebkitgtk-6.0.so.4\0")
    os.chmod(box.path("opt/shell"), mode)
    return box


def told(box, path):
    """The variable is there, and one line says so."""
    env, _, said = launched(box, path=path)
    equal(env.get(VARIABLE), "1", VARIABLE)
    equal(len(said), 1, "warnings")
    check("WebKitGTK" in said[0] and "--userns=allow" in said[0], said[0])


@test()
def webkitgtk_without_namespaces_is_told_to_do_without():
    # The name may lie across what is read at once.
    for before in (0, 4090, 1):
        told(linked(Box(files=WEBKIT), before), "/opt/shell")


@test()
def script_where_webkitgtk_is_may_start_it():
    told(Box(files=WEBKIT).write("opt/shell", "#!/opt/t/state\n", 0o755), "/opt/shell")


@test()
def program_that_cannot_be_read_may_use_webkitgtk():
    told(linked(Box(files=WEBKIT), mode=0o711), "/opt/shell")


@test()
def program_without_webkitgtk_is_given_the_variable_for_what_it_starts_and_no_line():
    env, _, said = launched(Box(files=WEBKIT))
    equal((env.get(VARIABLE), said), ("1", []), "of another program")
    env, _, said = launched(Box(files=WEBKIT), "-v")
    equal(len(said), 1, f"lines with -v: {said}")
    # In PATH it is looked for in several directories, and found in one.
    env, _, said = launched(Box(files=WEBKIT), "-v", path="state",
                            env={"PATH": "/bin:/opt/s:/opt/t"})
    equal((env.get(VARIABLE), len(said)), ("1", 1), f"by PATH: {said}")


@test()
def webkitgtk_keeps_its_sandbox_where_namespaces_are_allowed_or_nothing_is_denied():
    for options in (("--userns=allow",), ("--policy=none",)):
        env, _, said = launched(linked(Box(files=WEBKIT)), *options, path="/opt/shell")
        equal((env.get(VARIABLE), said), (None, []), f"with {options[0]}")


@test()
def what_the_user_says_of_webkitgtk_wins():
    for value in ("0", "", "1"):
        env, _, said = launched(linked(Box(files=WEBKIT)), path="/opt/shell",
                                env={VARIABLE: value})
        equal((env[VARIABLE], said), (value, []), f"given {value!r}")


@test()
def no_switch_is_given_without_such_an_engine():
    env, args, said = launched(Box())
    equal((env.get(VARIABLE), args, said), (None, "args exit 0", []), "without an engine")


@test()
def chromium_and_cef_without_namespaces_are_told_to_do_without():
    for name in ("libcef.so", "chrome-sandbox"):
        args, said = launched(chromium(beside=name), path="/opt/cef/stremio")[1:]
        equal(args, SWITCH, f"with {name}")
        equal(len(said), 1, f"warnings with {name}")
        check("Chromium" in said[0] and "--userns=allow" in said[0], said[0])
    equal(launched(Box().copy("state", "opt/chromium"), path="/opt/chromium")[1], SWITCH,
          "known by its name")


@test()
def chromium_is_known_behind_a_link_in_path_and_as_the_default_command():
    for path in ("/bin/stremio", "stremio"):
        box = chromium(beside="libcef.so")
        box.link("/opt/cef/stremio", "bin/stremio")
        equal(launched(box, path=path, env={"PATH": "/sbin:/bin"})[1], SWITCH, path)
    box = chromium(beside="libcef.so")
    box.link("/opt/cef/stremio", "app/bin/stremio")
    proc = box.spawn(["/opt/t/stremio-shim"]).ends(0)
    check("args --no-sandbox" in proc.lines(), f"default command: {proc.lines()[-3:]}")


@test()
def chromium_keeps_its_sandbox_where_namespaces_are_allowed_and_is_told_once():
    args, said = launched(chromium(beside="libcef.so"), "--userns=allow",
                          path="/opt/cef/stremio")[1:]
    equal((args, said), ("args exit 0", []), "with --userns=allow")
    args, said = launched(chromium(beside="libcef.so"), path="/opt/cef/stremio",
                          words=("exit", "0", "--no-sandbox"))[1:]
    equal((args, said), ("args exit 0 --no-sandbox", []), "with the switch given")
