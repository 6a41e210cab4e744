"""What can be said from outside: pixels, samples, and the kernel's view of each process."""
import array
import ctypes
import errno
import os
import re
import socket
import struct
import time
import zlib

from harness import check, libc, proc_status
from xserver import HEIGHT, WIDTH

RATE = 48000


class Screen:
    """The X server's frame buffer, an XWD file: header, colour map, 32 bits a pixel."""

    REGIONS = {"left": (0, 0, 640, 360), "right": (700, 0, 1340, 480)}

    def __init__(self, path):
        self.path = path

    def shot(self):
        with open(self.path, "rb") as file:
            data = file.read()
        header = struct.unpack(">25I", data[:100])
        size, width, height = header[0], header[4], header[5]
        stride, colours = header[12], header[19]
        check((width, height, header[11]) == (WIDTH, HEIGHT, 32), f"screen of {header}")
        pixels = data[size + 12 * colours:]
        return [pixels[y * stride:y * stride + 4 * width] for y in range(height)]

    @staticmethod
    def region(shot, box):
        x0, y0, x1, y1 = box
        return b"".join(row[4 * x0:4 * x1] for row in shot[y0:y1])

    @staticmethod
    def colours(pixels):
        return len(set(array.array("I", pixels)))

    @staticmethod
    def save(shot, path):
        """As PNG: 8 bit RGB, no row filter."""
        def chunk(kind, data):
            return (struct.pack(">I", len(data)) + kind + data +
                    struct.pack(">I", zlib.crc32(kind + data)))
        rows = bytearray()
        for row in shot:
            rgb = bytearray(3 * WIDTH)
            rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
            rows += b"\0" + rgb
        with open(path, "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n" +
                       chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)) +
                       chunk(b"IDAT", zlib.compress(bytes(rows), 6)) + chunk(b"IEND", b""))


class Watch:
    """Different pictures seen in each region, of those with enough colours to be one."""

    def __init__(self, screen, least):
        self.screen, self.least = screen, least
        self.pictures = {name: set() for name in least}
        self.most = {name: 0 for name in least}
        self.last = None

    def look(self):
        self.last = self.screen.shot()
        for name, least in self.least.items():
            pixels = self.screen.region(self.last, self.screen.REGIONS[name])
            colours = self.screen.colours(pixels)
            self.most[name] = max(self.most[name], colours)
            if colours >= least:
                self.pictures[name].add(zlib.crc32(pixels))

    def enough(self):
        return all(len(p) >= 3 for p in self.pictures.values())

    def settle(self, timeout=10):
        """Looks on until the page has been painted twice more: with what it has just reported."""
        want, end = len(self.pictures["right"]) + 2, time.monotonic() + timeout
        while len(self.pictures["right"]) < want and time.monotonic() < end:
            time.sleep(0.05)
            self.look()

    def verdict(self):
        for name, least in self.least.items():
            check(self.most[name] >= least,
                  f"{name}: {self.most[name]} colours at most, want {least}")
            check(len(self.pictures[name]) >= 3,
                  f"{name}: {len(self.pictures[name])} different pictures, want 3")
        return ", ".join(f"{n} {self.most[n]} colours" for n in self.least)


def tone(path, hertz=440.0, seconds=10.0, slack=0.15):
    """The tone in a WAV file of 16 bit stereo, by rising zero crossings, and its length.

    The size fields of the header are of a file that was not closed, maybe; the samples count.
    A player that pauses at the end keeps what was buffered, a tenth of a second.
    """
    check(os.path.exists(path), "no sound came out")
    with open(path, "rb") as file:
        data = file.read()
    start = data.find(b"data", 0, 200)
    check(data[:4] == b"RIFF" and start > 0, f"not a WAV file: {data[:16]!r}")
    samples = array.array("h", data[start + 8:len(data) - (len(data) - start - 8) % 4])[::2]
    length = len(samples) / RATE
    check(abs(length - seconds) <= slack, f"{length:.3f} s of sound, want {seconds}")
    check(max(samples) > 1000, f"peak {max(samples)}: silence")
    middle = samples[RATE:-RATE]
    crossings = [i + middle[i] / (middle[i] - middle[i + 1]) for i in range(len(middle) - 1)
                 if middle[i] < 0 <= middle[i + 1]]
    check(len(crossings) > 2, "no tone")
    found = (len(crossings) - 1) / (crossings[-1] - crossings[0]) * RATE
    check(abs(found - hertz) <= hertz / 100, f"{found:.2f} Hz, want {hertz}")
    return f"{found:.2f} Hz, {length:.3f} s"


CAPS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
CAP_KILL, CAP_SYS_BOOT = 5, 22


def expect(pid, status, key, want):
    check(status[key] in want if isinstance(want, tuple) else status[key] == want,
          f"{status['Name']} ({pid}): {key} is {status[key]!r}, want {want!r}")


def confined(world, own_namespaces=False):
    """Every process inside, by /proc from outside. The fewest filters of each kind."""
    before = world.outer_filters()
    processes = world.processes()
    check(len(processes) > 1, "only PID 1 is there")
    filters = {}
    for pid, status in processes.items():
        if pid == world.pid:
            kept = int(status["CapEff"], 16) & ~(1 << CAP_KILL | 1 << CAP_SYS_BOOT)
            check(kept == 0, f"PID 1 keeps capabilities {status['CapEff']}")
            expect(pid, status, "NoNewPrivs", "1")
            expect(pid, status, "Seccomp", "2")
            continue
        expect(pid, status, "NoNewPrivs", "1")
        expect(pid, status, "Seccomp", "2")
        count = int(status["Seccomp_filters"]) - before
        check(count >= 1, f"{status['Name']} ({pid}): {count} filters")
        kind = re.search(r"--type=([\w-]+)", status["cmdline"])
        kind = kind[1] if kind else status["Name"]
        filters[kind] = min(filters.get(kind, count), count)
        expect(pid, status, "Uid", "\t".join([str(world.uid)] * 4))
        expect(pid, status, "Gid", "\t".join([str(world.uid)] * 4))
        expect(pid, status, "Groups", world.groups)
        if own_namespaces and (os.readlink(f"/proc/{pid}/ns/user") !=
                               os.readlink(f"/proc/{world.pid}/ns/user")):
            continue        # capabilities there are over that namespace only
        for key in CAPS:
            expect(pid, status, key, "0" * 16)
    return filters


PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
PTRACE_SECCOMP_GET_FILTER = 0x420c
WALL = 0x40000000


def loaded_filters(pid, count):
    """The programs of a process's filters as the kernel has them, which counts from the oldest.

    None where the kernel was built without CONFIG_CHECKPOINT_RESTORE or we are filtered, too.
    """
    def trace(request, address=0, data=0):
        result = libc.ptrace(request, pid, ctypes.c_void_p(address), ctypes.c_void_p(data))
        return -ctypes.get_errno() if result < 0 else result

    check(trace(PTRACE_SEIZE) == 0, f"cannot trace {pid}")
    trace(PTRACE_INTERRUPT)
    os.waitpid(pid, WALL)
    try:
        programs = []
        for number in range(count):
            length = trace(PTRACE_SECCOMP_GET_FILTER, number)
            if length in (-errno.EACCES, -errno.EINVAL, -errno.EIO):
                return None
            check(length > 0, f"filter {number} of {pid}: {os.strerror(-length)}")
            code = ctypes.create_string_buffer(8 * length)
            trace(PTRACE_SECCOMP_GET_FILTER, number, ctypes.addressof(code))
            programs.append(code.raw)
        return programs
    finally:
        trace(PTRACE_DETACH)


def filtered_by(world, code):
    """Every process but PID 1 has this very program as its first filter."""
    before = world.outer_filters()
    for pid, status in world.processes().items():
        if pid == world.pid:
            continue
        programs = loaded_filters(pid, int(status["Seccomp_filters"]))
        if programs is None:
            return "filters cannot be read from this kernel"
        check(programs[before] == code, f"{status['Name']} ({pid}) has another filter than ours: "
              f"{len(programs[before]) // 8} instructions, want {len(code) // 8}")
    return f"{len(code) // 8} instructions as compiled"


def mounts(pid):
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="replace") as file:
        return {line.split()[0] for line in file}


def no_stray_descriptor(world):
    """Nothing that was open at the start of PID 1 is open in any process now, and every open
    file is one of the container: on a mount that is there (proc(5), mnt_id of fdinfo)."""
    strays = [(there.st_dev, there.st_ino) for there in world.strays()]
    handed = [(there.st_dev, there.st_ino) for there in world.handed()]
    namespace = os.readlink(f"/proc/{world.pid}/ns/mnt")
    inside = mounts(world.pid)
    for pid, status in world.processes().items():
        own = os.readlink(f"/proc/{pid}/ns/mnt") != namespace
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                there = os.stat(f"/proc/{pid}/fd/{fd}")
                there = (there.st_dev, there.st_ino)
                name = os.readlink(f"/proc/{pid}/fd/{fd}")
                with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as text:
                    info = dict(line.split(":", 1) for line in text if ":" in line)
            except FileNotFoundError:
                continue
            check(there not in strays, f"{status['Name']} ({pid}) has inherited descriptor {fd}")
            # Not of a file: pipes, sockets; memory files are on the kernel's own mount.
            file = name.startswith("/") and not name.startswith("/memfd:")
            if file and there not in handed and not own:
                check(info["mnt_id"].strip() in inside,
                      f"{status['Name']} ({pid}): descriptor {fd} is {name} outside")


def no_segment_of_an_x_server(world):
    """Without one the X server need not refuse it, which Mesa does not always see (desktop.inc)."""
    for pid, status in world.processes().items():
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
            # By its key (proc(5), ipc/shm.c).
            check("/SYSV00000000" not in file.read(), f"{status['Name']} ({pid}) has one")


def nothing_left(world):
    """No process inside, and the server's port can be had."""
    left = world.processes()
    check(not left, f"still there: {[s['cmdline'] or s['Name'] for s in left.values()]}")
    if not world.shares_network:
        return
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", 11470))
        one.listen()
