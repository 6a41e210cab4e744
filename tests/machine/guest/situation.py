# SPDX-License-Identifier: Apache-2.0
"""One row of the table: how to bring it about, and what the self-test must say of it."""

import json
import os
import re
import subprocess
from dataclasses import KW_ONLY, dataclass, field
from typing import Mapping, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
SHIM = '/usr/local/lib/stremio-shim/guest/stremio-shim'
PATH = '/usr/sbin:/usr/bin:/sbin:/bin'
# A guest in software emulation is slow; the self-test has deadlines of its own, far below.
PATIENCE = 120

# What most hints come to. The machine's host name stands for the instance's.
DEVICE = 'incus config device'
ADD = f'{DEVICE} add stremio-machine'
ATTACH = 'stremio-incus attach stremio-machine'

# Words before the self-test's own: into a cgroup without devices of ours, which driver.py has
# made, and under a profile of AppArmor without them (no-devices.apparmor).
CLOSED = '/sys/fs/cgroup/system.slice/machine-closed.service/cgroup.procs'
CGROUP = ('sh', '-c', f'echo 0 > {CLOSED}; exec "$0" "$@"')
APPARMOR = ('aa-exec', '-p', 'machine-no-devices', '--')


@dataclass(frozen=True)
class Situation:
    """arrange: shell, run as root in mount, process and IPC namespaces that end with the
    self-test (prelude.sh has its verbs). after: shell for what namespaces do not undo.
    summary, hint: patterns; hint None: there must be none. target: which of several; any of
    those that match will do. wrap: words that run the words after them."""
    name: str
    arrange: str = ''
    _: KW_ONLY
    check: str
    status: str
    summary: str
    hint: Optional[str] = None
    target: str = ''
    devices: str = 'none'
    env: Mapping[str, str] = field(default_factory=dict)
    after: str = ''
    wrap: tuple = ()


class Failed(Exception):
    """What was not as it must be, for one line."""


def run(script, env=None, namespaces=True):
    """Run shell, in namespaces of its own; (status, standard output, standard error)."""
    isolate = ['unshare', '--mount', '--pid', '--ipc', '--fork', '--mount-proc', '--kill-child']
    words = ['sh', '-c', f'. {HERE}/prelude.sh\nset -e\n{script}']
    done = subprocess.run((isolate if namespaces else []) + words, timeout=PATIENCE, check=False,
                          env={'PATH': PATH, **(env or {})}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return (done.returncode, done.stdout.decode(errors='surrogateescape'),
            done.stderr.decode(errors='surrogateescape'))


def report_of(status, out, err):
    """The self-test's JSON, which must be valid UTF-8 and agree with the exit status."""
    try:
        out.encode()
        report = json.loads(out)
    except ValueError as e:
        raise Failed(f'no report (exit {status}): {e}: {(err or out).strip()[-300:]}') from None
    if status not in (0, 69):
        raise Failed(f'exit {status}: {err.strip()[-300:]}')
    if report['ok'] != (status == 0):
        raise Failed(f'exit {status}, but the report says ok: {report["ok"]}')
    return report


def matches(found, want):
    """Why this finding is not the wanted one, or nothing."""
    if found['status'] != want.status:
        return f'{found["status"]}, not {want.status}'
    if not re.search(want.summary, found['summary']):
        return f'the summary does not say {want.summary!r}'
    if want.hint is None:
        return 'there is a hint' if found['hint'] else None
    if not re.search(want.hint, found['hint'] or ''):
        return f'the hint does not say {want.hint!r}'
    return None


def self_test(want):
    """The self-test's report in this situation. It is asked to insist on the devices, so that
    the exit status tells of them."""
    wrap = ' '.join(f"'{word}'" for word in want.wrap)
    script = (f'{want.arrange}\nset +e\n{wrap} "$SHIM" --self-test=json --devices={want.devices} '
              f'--require={want.devices}')
    try:
        return report_of(*run(script, {'SHIM': SHIM, 'LANG': 'C.UTF-8', **want.env}))
    except subprocess.TimeoutExpired:
        raise Failed(f'no end within {PATIENCE} s') from None
    finally:
        if want.after:
            run(want.after, namespaces=False)


def check(want):
    """The finding that the row asks for. Failed unless the report has it."""
    report = self_test(want)
    found = [c for c in report['checks'] if c['id'] == want.check and
             re.fullmatch(want.target or '.*', c['target'] or '')]
    good = [c for c in report['checks'] if c['id'] == want.check and c['status'] in ('ok', 'warn')]
    if report['ok'] and want.status == 'fail' and want.devices != 'none' and not good:
        raise Failed(f'a launch that requires {want.devices} would go on: {report["checks"]}')
    if not found:
        ids = ' '.join(f'{c["id"]}={c["target"]}' for c in report['checks'])
        raise Failed(f'no {want.check} for {want.target!r} among: {ids}')
    reasons = {}
    for c in found:
        reason = matches(c, want)
        if not reason:
            return c
        reasons[reason] = c
    reason, c = next(iter(reasons.items()))
    raise Failed(f'{reason}: {c["status"]} {c["target"]}: {c["summary"]} ({c["hint"]})')
