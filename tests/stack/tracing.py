"""Which system calls the applications make under the policy, which are refused, and which rules
nobody used: TRACE=1 tests/stack/run.sh. strace looks on from outside the namespaces.

A trace is a lower bound: other machines have devices, networks and kernels that this one lacks.
"""
import collections
import json
import os
import re
import subprocess

from harness import check, proc_status, until

# Answers of a filter, of Landlock, of missing capabilities.
REFUSED = ("ENOSYS", "EPERM", "EACCES", "EAFNOSUPPORT", "EXDEV")
LINE = re.compile(rb"^(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)")


def attach(path):
    """For World.start: a tracer that is there before the shim's first call."""
    def before(pid):
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-s", "120", "-o", path, "-p", str(pid)],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: proc_status(pid)["TracerPid"] == str(tracer.pid), "strace", 10)
        return tracer
    return before


def shape(text):
    """A refused call without what differs from time to time."""
    text = re.sub(r"0x[0-9a-f]{5,}", "PTR", text)
    text = re.sub(r"/proc/\d+(/task/\d+)?", "/proc/N", text)
    return re.sub(r"\b\d{2,}\b", "N", text)[:160]


def read(path):
    """(calls by name, refused calls by shape) of the application alone, not of the shim."""
    calls, refused = collections.Counter(), collections.Counter()
    init, command, launched, begun = None, None, False, {}
    with open(path, "rb") as file:
        for raw in file:
            found = LINE.match(raw)
            if not found:
                continue
            pid, name = found[1], found[2].decode()
            init = init or pid
            if pid == init:
                continue
            # The first other process is the shim's until it becomes the command.
            command = command or pid
            if pid == command and not launched:
                launched = name == "execve" and b"= 0" in raw
                continue
            if b" resumed>" not in raw:
                calls[name] += 1
            if b"<unfinished" in raw:
                begun[pid] = raw
                continue
            error = re.search(rb"= -1 (E[A-Z]+)", raw)
            if error and error[1].decode() in REFUSED:
                words = re.sub(rb"^\d+ +", b"", raw)
                if b" resumed>" in words and pid in begun:
                    words = (re.sub(rb"^\d+ +", b"", begun[pid]).split(b" <unfinished")[0] +
                             words.split(b" resumed>", 1)[1])
                refused[shape(words.decode(errors="replace").strip())] += 1
    check(launched, "the trace does not show the launch")
    return calls, refused


def allowed(tool, policy):
    done = subprocess.run([tool, "list", policy], capture_output=True, text=True, check=True)
    return {line.split()[0] for line in done.stdout.splitlines()
            if re.match(r"\w+ +\d+ ", line) and re.search(r"\ballow\b", line)}


def keep(path, calls, refused):
    """One application's findings, for summary()."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump([calls, refused], file)


def summary(directory, rules):
    """Writes what was found into two tables; gives back the calls no application made."""
    total = collections.Counter()
    by_name = collections.defaultdict(list)
    with open(os.path.join(directory, "refused.txt"), "w", encoding="utf-8") as table:
        for name in sorted(os.listdir(directory)):
            if not name.endswith(".json"):
                continue
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                calls, refused = json.load(file)
            total.update(calls)
            for call, count in calls.items():
                by_name[call].append(f"{name[:-5]}={count}")
            for text, count in sorted(refused.items(), key=lambda item: -item[1]):
                table.write(f"{name[:-5]} {count} {text}\n")
    with open(os.path.join(directory, "calls.txt"), "w", encoding="utf-8") as table:
        for call, count in total.most_common():
            table.write(f"{call} {count} {' '.join(by_name[call])}\n")
    return sorted(rules - set(total))
