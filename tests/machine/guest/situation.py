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


@dataclass(frozen=True)
class Situation:
    """arrange: shell, run as root in mount, process and IPC namespaces that end with the
    self-test (prelude.sh has its verbs). after: shell for what namespaces do not undo.
    summary, hint: patterns; hint None: there must be none. target: which of several."""
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
    options: tuple = ()


class Failed(Exception):
    """What was not as it must be, for one line."""


def run(script, env=None, timeout=PATIENCE, namespaces=True):
    """Run shell in namespaces of its own; (status, standard output, standard error)."""
    isolate = ['unshare', '--mount', '--pid', '--ipc', '--fork', '--mount-proc', '--kill-child']
    prelude = os.path.join(HERE, 'prelude.sh')
    words = ['sh', '-c', f'. {prelude}\n{script}']
    done = subprocess.run((isolate if namespaces else []) + words, timeout=timeout, check=False,
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
    if not re.fullmatch(want.status, found['status']):
        return f'{found["status"]}, not {want.status}'
    if not re.search(want.summary, found['summary']):
        return f'the summary does not say {want.summary!r}'
    if want.hint is None:
        return 'there is a hint' if found['hint'] else None
    if not re.search(want.hint, found['hint'] or ''):
        return f'the hint does not say {want.hint!r}'
    return None


def self_test(situation):
    """The self-test's report in this situation."""
    script = (f'set -e\n{situation.arrange}\nset +e\n"$SHIM" --self-test=json '
              f'--devices={situation.devices} {" ".join(situation.options)}')
    env = {'SHIM': SHIM, 'LANG': 'C.UTF-8', **situation.env}
    try:
        return report_of(*run(script, env))
    except subprocess.TimeoutExpired:
        raise Failed(f'no end within {PATIENCE} s') from None
    finally:
        if situation.after:
            run(situation.after, namespaces=False)


def check(situation):
    """Raise Failed unless the report has what the row says."""
    report = self_test(situation)
    found = [c for c in report['checks'] if c['id'] == situation.check and
             re.search(situation.target, c['target'] or '')]
    if not found:
        ids = ' '.join(f'{c["id"]}={c["target"]}' for c in report['checks'])
        raise Failed(f'no {situation.check} for {situation.target!r} among: {ids}')
    reasons = [matches(c, situation) for c in found]
    if None not in reasons:
        c = found[0]
        raise Failed(f'{reasons[0]}: {c["status"]} {c["target"]}: {c["summary"]} ({c["hint"]})')
