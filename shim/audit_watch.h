/* SPDX-License-Identifier: Apache-2.0 */
/* audit_watch: the auditor's own process. */
#ifndef SHIM_AUDIT_WATCH_H
#define SHIM_AUDIT_WATCH_H

#include <sys/types.h>

#include "audit.h"
#include "policy/policy.h"

/**
 * audit_watch() - confine this process, take the listener, answer until nobody asks.
 * @a: the page. @p: the policy that is to be answered for.
 * @supervisor: the parent's pid, with whom it dies. @launcher: a pidfd of the child that
 *	will put the listener into the common descriptor table.
 *
 * It stays uid 0, so that the application's user can neither signal nor trace it, and has no
 * capability, an empty bounding set, no_new_privs, a filter of its own and no descriptor but
 * the listener and stderr. All signals stay blocked: it must answer during a stop, until
 * the last process under the policy is gone. Then it exits 0.
 */
_Noreturn void audit_watch(struct audit *a, const struct policy *p, pid_t supervisor, int launcher);

#endif
