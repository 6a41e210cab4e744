/* SPDX-License-Identifier: Apache-2.0 */
/* launch: fork, confine both sides, exec. */
#ifndef SHIM_LAUNCH_H
#define SHIM_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "account.h"
#include "finding.h"
#include "groups.h"
#include "options.h"
#include "policy/policy.h"
#include "prepare.h"
#include "terminal.h"

/* The gate's wait, or a self-test that goes on, for each of its inspectors. */
struct waiting {
	int64_t end_ms, pause_ms;
	bool told; /* by an earlier one: what it waits for, and of the other devices */
	struct records *records; /* two, shared, of a self-test that goes on; or NULL */
};

/* All that the child needs to know; filled by main() step by step. */
struct launch {
	const struct options *options;
	struct account account;
	struct groups groups;
	struct runtime_dir runtime_dir;
	struct waiting waiting;
	const struct policy *policy; /* NULL: none */
	int landlock_abi;	     /* from landlock_check() */
	struct terminal terminal;
	int signals;	    /* from signals_open() */
	char **environment; /* as this program got it, and what --env adds */
	bool init;	    /* this process is PID 1 of its namespace */
};

/**
 * launch() - start the command, confined and verified.
 * @l: the plan.
 * @pid: out, the command's process. @auditor: out, the auditor's, 0 without one.
 * @f: out, on failure; whichever side it happened on.
 *
 * This process takes away its own privileges, then, while the child does the same step by step
 * and verifies, its system calls (see retire.h), and only when both have succeeded
 * does the child exec. So no failure of either leaves an application running, and
 * when this returns 0, the exec has taken place. Signals stay held meanwhile; after a
 * request to stop the launch may last for the stop's timeout and no longer.
 *
 * Return: 0 or -errno; @f->status is EXIT_SETUP, EXIT_CONFINE, EXIT_CANNOT_EXEC or
 * EXIT_NOT_FOUND. On failure the child is reaped.
 */
int launch(const struct launch *l, pid_t *pid, pid_t *auditor, struct finding *f);

#endif
