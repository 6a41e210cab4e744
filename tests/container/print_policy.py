"""--print-policy says what would be applied, and applies nothing."""
import json
import os

from harness import SHIM, STATE, Box, check, equal, test


def printed(*options, box=None, **how):
    return (box or Box()).spawn([SHIM, *options], **how).ends(0)


def as_json(*options, **how):
    proc = printed("--print-policy=json", *options, **how)
    equal(proc.err(), "", "warnings")
    return json.loads(proc.out())


@test()
def what_is_printed_is_what_is_applied():
    box = Box(passwd="app:x:1234:1235:App:/home/app:/bin/sh\n")
    os.mkdir(box.path("dev/snd"))
    os.mknod(box.path("dev/snd/controlC0"), 0o20660, os.makedev(116, 0))
    os.chown(box.path("dev/snd/controlC0"), 0, 29)
    os.chmod(box.path("dev/snd/controlC0"), 0o660)
    said = as_json("-u", "app", box=box)
    state = box.shim(STATE, "exit", "0", options=["-u", "app"]).ends(0).state()
    equal((said["user"]["uid"], said["user"]["gid"]), (1234, 1235), "user")
    equal(state["Uid"].split()[0], "1234", "applied user")
    equal(said["user"]["groups"], [29], "groups")
    equal(state["Groups"].split(), ["29"], "applied groups")


@test()
def every_call_has_its_answer():
    calls = as_json()["seccomp"]["calls"]
    for name, want in (("read", "allow"), ("ioctl", "by arguments"), ("clone3", "errno ENOSYS"),
                       ("ptrace", "errno EPERM"), ("unshare", "errno EPERM"),
                       ("execve", "allow"), ("bpf", "errno EPERM")):
        equal(calls[name], want, name)
    allowed = as_json("--userns=allow", "--landlock=off")["seccomp"]["calls"]
    check(allowed["unshare"] != "errno EPERM", "unshare with --userns=allow")
    equal(as_json("--policy=none")["seccomp"], None, "no policy")


@test()
def paths_are_escaped_and_those_asked_for_are_there():
    box = Box(dirs=("data",))
    os.mkdir(box.path(b"a\"b\\c\n\xff".decode(errors="surrogateescape")))
    rules = as_json("--rw=/data", b"--ro=/a\"b\\c\n\xff".decode(errors="surrogateescape"),
                    box=box)["landlock"]["rules"]
    by_path = {rule["path"]: rule["access"] for rule in rules}
    check("write" in by_path["/data"] and "execute" not in by_path["/data"], by_path["/data"])
    check("write" not in by_path["/a\"b\\c\n\ufffd"], str(by_path))
    text = printed("--print-policy", "--ro=/a\nforged: line").out()
    check("\nforged" not in text, text)


@test()
def nothing_is_changed_and_bad_input_is_told():
    box = Box()
    printed("--print-policy", "--tmpfs=/opt", box=box)
    check(not os.path.exists(box.path("run/user")), "a runtime directory was made")
    box.spawn([SHIM, "--print-policy=xml"]).complains(64, "--print-policy")
    box.spawn([SHIM, "--print-policy", "-u", "nosuch"]).complains(64, "user")
