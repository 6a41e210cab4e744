/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: a process that looks at the devices as the application will find them. */
#ifndef SHIM_INSPECT_H
#define SHIM_INSPECT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "launch.h"
#include "records.h"
#include "signals.h"
#include "verify.h"

/*
 * What the inspector works with: a process of its own with the application's identity and
 * confinement, so that nothing the probe says ever reaches the supervisor.
 */
struct inspection {
	const struct launch *launch;
	char **env;	      /* the application's */
	char probe[PATH_MAX]; /* from probe_find() */
	struct in_force in_force;
	bool as_caller; /* no root: the caller's identity was kept */
	bool colour;	/* stdout is a terminal that shows it */
	struct records *now, *before;
};

/* Of an inspector that lacks a group or a Landlock rule for what has come: another is to go on. */
#define INSPECT_ANEW 75

/** Runs in the inspector. Return: its exit status. */
typedef int (*inspector)(struct inspection *i);

/**
 * inspect_with() - run an inspector to its word.
 * @l: the plan. @act: what it does. @stops: signals that end it, at once.
 * @most_ms: how long it may take, 0 for ever; a last resort, for it has deadlines of its own.
 * @f: out, when it could not be run.
 *
 * Meanwhile this process reaps. Signals that are not among @stops stay held.
 * Return: its exit status, which where a launch waits is told, when it is 0, before it has ended;
 * 128+N for signal N of @stops.
 */
int inspect_with(const struct launch *l, inspector act, signal_set stops, int64_t most_ms,
		 struct finding *f);

/**
 * inspect_await_end() - wait until the inspector whose word has come has ended all that its
 * probe may have left, which the application must not meet. Its own end, with all it has in memory,
 * takes as long as a tenth of a launch, and goes on beside it. Nothing where there is none.
 * After a second it is killed, and not waited for any longer. Makes calls that do not fail, and
 * writes what the child never reads (see spawn()).
 */
void inspect_await_end(void);

/**
 * inspect_out_of_date() - in an inspector: has something come that it cannot open and one that is
 * started now could: a device with a group, which is of no matter where the caller's were kept, or
 * an X server on an abstract socket? @i: its own. Return: true or false.
 */
bool inspect_out_of_date(const struct inspection *i);

/** inspect_renew() - after INSPECT_ANEW, what the next one must have and know. @l: the plan. */
void inspect_renew(struct launch *l);

#endif
