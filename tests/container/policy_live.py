"""The system call policy as the kernel applies it to a running application."""
import errno

from harness import CALLS, Box, check, test

ENOSYS, EPERM = errno.ENOSYS, errno.EPERM
ALWAYS = {
    "clone3": {ENOSYS}, "unknown": {ENOSYS}, "unknown_high": {ENOSYS}, "negative": {ENOSYS},
    "tiocsti": {EPERM}, "tiocsti_high": {EPERM}, "tioclinux": {EPERM}, "tioclinux_high": {EPERM},
    "int80_getpid": {ENOSYS}, "int80_ioctl": {ENOSYS}, "x32_getpid": {ENOSYS},
    "io_uring_setup": {ENOSYS, EPERM}, "io_uring_enter": {ENOSYS, EPERM},
    "bpf": {ENOSYS, EPERM}, "keyctl": {ENOSYS, EPERM}, "add_key": {ENOSYS, EPERM},
    "request_key": {ENOSYS, EPERM}, "ptrace": {ENOSYS, EPERM}, "setns": {ENOSYS, EPERM},
    "process_vm_readv": {ENOSYS, EPERM},
    "fork": {0}, "memfd": {0}, "socket_unix": {0},
}
NAMESPACES = ("unshare_user", "clone_user", "unshare_mount", "unshare_net")


def answers(*options, init=True):
    proc = Box().spawn(["/opt/t/stremio-shim", *options, "--", CALLS], init=init).ends(0)
    found = {}
    for line in proc.lines():
        name, value, code = line.split()
        found[name] = f"signal {code}" if value == "signal" else int(code)
    check(len(found) > 25, f"no full report: {proc.out()!r}")
    return found


def compare(found, want, policy):
    wrong = [f"{name}: {found[name]}, not {sorted(codes)}" for name, codes in want.items()
             if found[name] not in codes]
    check(not wrong, f"{policy}: " + "; ".join(wrong))


@test()
def dangerous_calls_are_refused_and_common_ones_work():
    for policy in ("stremio", "server"):
        for init in (True, False):
            found = answers(f"--policy={policy}", init=init)
            compare(found, ALWAYS, policy)
            compare(found, {name: {EPERM} for name in NAMESPACES}, policy)


@test()
def userns_allow_opens_namespaces_and_nothing_else():
    for policy in ("stremio",):
        found = answers(f"--policy={policy}", "--userns=allow")
        compare(found, ALWAYS, policy)
        compare(found, {name: {0} for name in NAMESPACES}, policy)


@test()
def policy_none_shows_that_the_probes_would_see_a_hole():
    found = answers("--policy=none")
    reached = {"clone3", "tiocsti", "tiocsti_high", "tioclinux", "ptrace", "keyctl", "add_key",
               "process_vm_readv", "setns", "unshare_user", "clone_user"}
    for name in reached:
        check(found[name] not in ALWAYS.get(name, {EPERM}),
              f"{name} answers {found[name]} without a policy too")


@test()
def no_answer_is_a_kill():
    for name, code in answers().items():
        check(not str(code).startswith("signal"), f"{name}: {code}")
