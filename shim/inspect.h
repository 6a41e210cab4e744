/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: are the devices good, as the application will find them? */
#ifndef SHIM_INSPECT_H
#define SHIM_INSPECT_H

#include <limits.h>
#include <stdint.h>

#include "launch.h"
#include "records.h"
#include "signals.h"

/*
 * What the inspector works with: a process of its own with the application's identity and
 * confinement, so that nothing the probe says ever reaches the supervisor.
 */
struct inspection {
	const struct launch *launch;
	char **env;	      /* the application's */
	char probe[PATH_MAX]; /* from probe_find() */
	uint64_t bounding;    /* its capability bounding set */
	bool as_caller;	      /* no root: the caller's identity was kept */
	bool colour;	      /* stdout is a terminal that shows it */
	struct records *now, *before;
};

/** Runs in the inspector. Return: its exit status. */
typedef int (*inspector)(struct inspection *i);

/**
 * inspect() - the launch gate: let the required groups be checked, and wait for them.
 * @l: the plan. @f: out, when it could not be told.
 *
 * Nothing required: nothing is done. Else the inspector repeats the checks until all are
 * good or --wait is over, at changes in the directories concerned and after growing pauses,
 * and says what it waits for and what is not good. Meanwhile this process reaps, and a
 * request to stop ends it all at once; other signals stay held.
 *
 * Return: 0 when the launch may go on, else the exit status; @f->status is 0 when all
 * has been said.
 */
int inspect(const struct launch *l, struct finding *f);

/**
 * inspect_with() - run an inspector of one's own to its end.
 * @l: the plan. @act: what it does. @stops: signals that end it, at once.
 * @f: out, when it could not be run.
 * Return: its exit status; 128+N for signal N of @stops.
 */
int inspect_with(const struct launch *l, inspector act, signal_set stops, struct finding *f);

/**
 * inspect_pause() - sleep until something changes where devices and sockets are.
 * @env: the application's environment. @watches: from inspect_watch(), or -1.
 * @ms: at most so long.
 */
void inspect_pause(int watches, int64_t ms);

/**
 * inspect_watch() - begin to watch the directories of devices and sockets.
 * @env: for XDG_RUNTIME_DIR.
 * Return: a descriptor for inspect_pause(), which closes it; -1 where there is no inotify(7).
 */
int inspect_watch(char **env);

#endif
