/* SPDX-License-Identifier: Apache-2.0 */
/* become: a process of this program becomes the application's own, confined and verified. */
#ifndef SHIM_BECOME_H
#define SHIM_BECOME_H

#include <stdbool.h>
#include <sys/types.h>

#include "audit.h"
#include "finding.h"
#include "launch.h"

struct becoming {
	const struct launch *launch;
	pid_t parent;	     /* the process to die with */
	struct audit *audit; /* NULL without */
	bool as_caller;	     /* without root there is no other identity to be had */
	void *room;	     /* for the environment, or NULL: see environment_build_in() */
	size_t room_size;
	/* What to wait for when all is verified, or NULL. Return: 0 or -errno with @f filled. */
	int (*wait)(const void *wait_for, struct finding *f);
	const void *wait_for;
	char **env; /* out: the application's environment */
};

/**
 * become_application() - take every privilege away, step by step, and verify.
 * @b: the plan, in the child, with all signals blocked.
 * @f: out, on failure, the step that failed.
 *
 * Afterwards this process has the application's ids, no capability, no_new_privs, Landlock and
 * the policy in force, no signal blocked, and nothing left to do but an exec. With
 * @b->as_caller ids and capabilities stay as they are and only the rest is done: for a
 * self-test by an ordinary user.
 * Return: 0 or -errno with EXIT_SETUP or EXIT_CONFINE.
 */
int become_application(struct becoming *b, struct finding *f);

#endif
