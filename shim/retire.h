/* SPDX-License-Identifier: Apache-2.0 */
/* retire: the supervisor gives up what it needed for the launch. */
#ifndef SHIM_RETIRE_H
#define SHIM_RETIRE_H

#include <stdbool.h>

#include "finding.h"
#include "options.h"
#include "verify.h"

/* A supervisor that is about to retire. */
struct retiring {
	int status; /* from verify_open() */
	struct expectation expected;
};

/**
 * retire_bounding() - the bounding set: the part of retiring that comes before the child.
 * @r: out, for retire_privileges(). @o: --exec-bounding. @init: this process is PID 1.
 * @f: out, on failure.
 *
 * It is left to later `incus exec` commands, which take PID 1's: nothing, what launching through
 * this program needs, or all. Not as PID 1: nothing. It limits what an exec can gain, not
 * what this process has: so the child, which loses all of it, starts with what is left.
 * Return: 0 or -errno with EXIT_CONFINE.
 */
int retire_bounding(struct retiring *r, const struct options *o, bool init, struct finding *f);

/**
 * retire_privileges() - leave the supervisor with the privileges that its loop needs.
 * @r: from retire_bounding(), for retire_calls(). @init: this process is PID 1.
 * @f: out, on failure.
 *
 * Afterwards: working directory /, stdin and stdout on /dev/null (stderr stays, for
 * what there is to report), CAP_KILL, as PID 1 CAP_SYS_BOOT where it was there, no
 * other capability, no_new_privs.
 *
 * Return: 0 or -errno with EXIT_CONFINE or EXIT_SETUP.
 */
int retire_privileges(struct retiring *r, bool init, struct finding *f);

/**
 * retire_calls() - leave it with the system calls that its loop needs, and verify all of it.
 * @r: from retire_privileges(). @f: out, on failure.
 *
 * Loading a filter is the longest step of a launch, and a child is at work in this memory
 * meanwhile (spawn_child.h): as long as nothing fails, this writes to the caller's stack only, not
 * even to errno.
 *
 * Return: 0 or -errno with EXIT_CONFINE.
 */
int retire_calls(const struct retiring *r, struct finding *f);

#endif
