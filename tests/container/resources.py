"""PID 1 is tiny: size, memory, wake-ups."""
import os
import signal
import struct
import time

import harness
from harness import APP, Box, check, equal, test, until

NATIVE = "the sanitizer build is another program: dynamic, large, with its own threads' state"


def shim_file():
    return os.path.join(harness.stage, "t", "stremio-shim")


@test(asan=NATIVE)
def the_binary_is_static_and_at_most_100_kib():
    size = os.path.getsize(shim_file())
    check(size <= 100 * 1024, f"{size} bytes")
    with open(shim_file(), "rb") as file:
        data = file.read()
    equal(data[:5], b"\x7fELF\x02", "ELF, 64 bits")
    offset, = struct.unpack_from("<Q", data, 32)
    entry_size, count = struct.unpack_from("<HH", data, 54)
    kinds = [struct.unpack_from("<I", data, offset + n * entry_size)[0] for n in range(count)]
    check(3 not in kinds, "has a program interpreter")
    check(2 not in kinds, "has a dynamic section")
    flags = {struct.unpack_from("<I", data, offset + n * entry_size)[0]:
             struct.unpack_from("<I", data, offset + n * entry_size + 4)[0] for n in range(count)}
    equal(flags.get(0x6474e551, 7) & 1, 0, "executable stack (PT_GNU_STACK)")
    for n in range(count):
        kind, rights = struct.unpack_from("<II", data, offset + n * entry_size)
        check(kind != 1 or rights & 3 != 3, "a segment is writable and executable")


def launched(init=True):
    proc = Box().shim(APP, "trap", "main", "0", "0", init=init)
    proc.expect("ready main")
    until(lambda: int(proc.status()["CapEff"], 16) < 1 << 23, "the end of the launch", 3)
    time.sleep(0.5)         # and what it gives back when that has settled
    return proc


def switches(proc):
    status = proc.status()
    return (int(status["voluntary_ctxt_switches"]), int(status["nonvoluntary_ctxt_switches"]))


@test()
def an_idle_pid_1_does_not_wake_up_once():
    both = [launched(init) for init in (True, False)]
    # Box() was mounted twice at one place, the processes do not mind.
    before = [switches(proc) for proc in both]
    time.sleep(3)
    equal([switches(proc) for proc in both], before, "context switches in 3 s")
    for proc in both:
        proc.kill(signal.SIGTERM)
        proc.ends(0)


@test(asan=NATIVE)
def pid_1_occupies_at_most_120_kib():
    for init in (True, False):
        proc = launched(init)
        with open(f"/proc/{proc.pid}/smaps_rollup", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line.split()[0])
        rss = int(fields["Rss"].split()[0])
        check(rss <= 120, f"resident {rss} KiB")
        proc.kill(signal.SIGTERM)
        proc.ends(0)
