/* SPDX-License-Identifier: Apache-2.0 */
/* wire: bring the nodes in an instance into line with the devices of the host. */
#ifndef HOOK_WIRE_H
#define HOOK_WIRE_H

#include <stdbool.h>

#include "hook_report.h"
#include "instance.h"
#include "state.h"

/**
 * wire() - attach what is missing, take away what is gone, write down the outcome.
 * @i: the instance. @s: its state, locked. @w: in, what is wired and what is asked for; out,
 *	what is wired now. @dry_run: say it instead. @rep: for findings.
 *
 * What is there already is left alone, so that any number of calls in any order come to the
 * same end: udev's events may overtake each other. For a process of its own, which is in
 * the container's namespace afterwards.
 * Return: 0; -1 when something was found wrong, which has been reported.
 */
int wire(const struct instance *i, const struct state *s, struct wired *w, bool dry_run,
	 struct report *rep);

#endif
