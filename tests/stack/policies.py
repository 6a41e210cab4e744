"""Variants of the shipped policies, made from their texts and compiled by the shipped compiler."""
import os
import re
import subprocess

from harness import check

here = os.path.dirname(os.path.abspath(__file__))
SHIPPED = os.path.join(here, "..", "..", "shim", "policy")


def flat(path):
    """The lines of a policy with what it includes in place."""
    lines = []
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            words = line.split("#")[0].split()
            if words[:1] == ["include"]:
                lines += flat(os.path.join(os.path.dirname(path), words[1]))
            elif words:
                lines.append(" ".join(words))
    return lines


def answered(lines, call, errno):
    """The same lines, but this call always gets this errno."""
    result, found = [], False
    for line in lines:
        rule, condition, test = line.partition(" if ")
        words = rule.split()
        if "=" in words or "+=" in words or words[0].startswith(("[", "allow", "errno")):
            kept = [w for w in words if w != call and not re.match(re.escape(call) + "[=?]", w)]
            if len(kept) != len(words):
                found = True
                bare = [w for w in kept if not w.startswith("[") and not w.startswith("userns")]
                # Nothing but the action or the group's name is left.
                if bare[-1] in ("allow", "=", "+=") or bare[-2:-1] == ["errno"]:
                    if bare[-1] != "=":
                        continue
                line = " ".join(kept) + condition + test
        result.append(line)
    check(found, f"the policy does not name {call}")
    return result + [f"errno {errno} {call}"]


def variant(shipped, answers):
    """A shipped policy's text with {call: errno} laid over it."""
    lines = flat(os.path.join(SHIPPED, f"{shipped}.policy"))
    for call, errno in answers.items():
        lines = answered(lines, call, errno)
    return "\n".join(lines) + "\n"


def compiled(tool, text_path, bpf_path, userns="deny"):
    done = subprocess.run([tool, "compile", "-u", userns, "-o", bpf_path, text_path],
                          capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{os.path.basename(text_path)}: {done.stderr.strip()}")
    return bpf_path


def code(tool, shipped, userns, bpf_path):
    """The instructions of a shipped policy: what follows the file's header of 64 bytes."""
    compiled(tool, os.path.join(SHIPPED, f"{shipped}.policy"), bpf_path, userns)
    with open(bpf_path, "rb") as file:
        return file.read()[64:]
