/* SPDX-License-Identifier: Apache-2.0 */
/* retire: the supervisor gives up what it needed for the launch. */
#ifndef SHIM_RETIRE_H
#define SHIM_RETIRE_H

#include <stdbool.h>

#include "finding.h"
#include "options.h"

/**
 * retire() - leave the supervisor with what its loop needs.
 * @o: --exec-bounding. @init: this process is PID 1.
 * @f: out, on failure.
 *
 * Afterwards: working directory /, stdin and stdout on /dev/null (stderr stays, for
 * what there is to report), CAP_KILL, as PID 1 CAP_SYS_BOOT where it was there, no
 * other capability, no_new_privs, its own system call filter, all verified.
 *
 * The bounding set is left to later `incus exec` commands, which take PID 1's: nothing,
 * what launching through this program needs, or all. Not as PID 1: nothing.
 *
 * Return: 0 or -errno with EXIT_CONFINE or EXIT_SETUP.
 */
int retire(const struct options *o, bool init, struct finding *f);

#endif
