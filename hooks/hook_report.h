/* SPDX-License-Identifier: Apache-2.0 */
/* report: where findings go: the instance's own log, and stderr. */
#ifndef HOOK_REPORT_H
#define HOOK_REPORT_H

#include "finding.h"

enum level { REPORT_INFO, REPORT_WARN, REPORT_ERROR };

struct report {
	const char *name; /* the instance's, "-" for none */
	int log;	  /* its lxc.log, or -1 */
	int lines;	  /* said so far */
};

/**
 * report_open() - get ready to report about an instance.
 * @rep: out. @name: the instance's name, or "". @log: path of its lxc.log, or "".
 *
 * The path may have come from the environment: it is opened only when each directory on the
 * way is root's and not to be written by others (a sticky one may be; by a group only on the
 * way), no link is on it, and it is a regular file of root's that is there already. Otherwise only stderr is left.
 */
void report_open(struct report *rep, const char *name, const char *log);

/**
 * report() - say one thing.
 * @level: INFO goes to the log only.
 *
 * On stderr `stremio-hook: STEP: what happened: errno text (remedy)`; in the log a line of
 * liblxc's own form, which `incus info NAME --show-log` shows. After 24 lines it says that it
 * falls silent: liblxc reads a hook's output only after a while, and 100 KB of it would
 * block the start for good (it reads ten times 4 KB, then waits).
 */
void report(struct report *rep, enum level level, const struct finding *f);

/** report_close() - close the log. */
void report_close(struct report *rep);

#endif
