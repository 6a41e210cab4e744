"""What stremio-probe writes (shim/probe/wire.h), read back strictly."""
import re
import struct

from harness import check, equal

GROUPS = ("gpu", "sound", "x11", "pulse", "wayland", "system", "sandbox")
CHECKS = ("gpu.render", "gpu.primary", "sound.control", "sound.pcm", "x11.socket", "x11.auth",
          "x11.extensions", "pulse.socket", "pipewire.socket", "wayland.socket", "shm",
          "runtime-dir", "home", "loopback", "sandbox.caps", "sandbox.nnp", "sandbox.seccomp",
          "sandbox.landlock", "sandbox.userns")
STATUSES = ("ok", "warn", "fail", "skip")
LAYOUT = struct.Struct("<IBBBBII320s256s432s")
MAGIC = 0x31505453


class Record:
    """One finding."""

    def __init__(self, data):
        (magic, self.group, check_id, status, zero, self.us, zero2,
         *texts) = LAYOUT.unpack(data)
        equal(magic, MAGIC, "magic of a record")
        equal((zero, zero2), (0, 0), "what is kept free in a record")
        check(self.group < len(GROUPS), f"no such group: {self.group}")
        check(status < len(STATUSES), f"no such status: {status}")
        check(check_id <= len(CHECKS), f"no such check: {check_id}")
        self.group, self.status = GROUPS[self.group], STATUSES[status]
        self.done = check_id == len(CHECKS)
        self.id = None if self.done else CHECKS[check_id]
        self.target, self.summary, self.hint = (self._text(text) for text in texts)
        check(self.done or self.summary, f"{self.id} says nothing")

    @staticmethod
    def _text(field):
        text, _, rest = field.partition(b"\0")
        check(len(text) < len(field), "a text without its end")
        check(not rest.strip(b"\0"), f"bytes behind the end of a text: {rest.strip(chr(0).encode())!r}")
        text = text.decode("utf-8")                             # raises when it is none
        check(not re.search(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", text),
              f"control characters in {text!r}")
        return text

    def __repr__(self):
        return f"{self.status} {self.id} {self.target}: {self.summary} ({self.hint})"


def read(data):
    """All records of a run."""
    equal(len(data) % LAYOUT.size, 0, "bytes behind the last whole record")
    return [Record(data[at:at + LAYOUT.size]) for at in range(0, len(data), LAYOUT.size)]


def findings(data, *groups):
    """The findings of groups that must each have told all of theirs, and then that they are done."""
    records = read(data)
    for group in groups:
        of_group = [record for record in records if record.group == group]
        check(of_group and of_group[-1].done, f"{group} did not end: {of_group}")
        equal(sum(record.done for record in of_group), 1, f"ends of {group}")
    equal({record.group for record in records}, set(groups), "the groups that reported")
    return [record for record in records if not record.done]
