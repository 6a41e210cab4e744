/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: --audit, which names every denied system call in the log.
 *
 * The policy is loaded so that it asks where it would deny (audit_bpf.h), and a process of
 * its own, the auditor, answers each question with the error the policy has for it. It is
 * never answered that a call may go on. Without the auditor the kernel answers ENOSYS: so
 * nothing is open because of it, whatever happens to it. seccomp_unotify(2)
 *
 * One difference can be seen: a signal that comes before the auditor has received a question
 * interrupts the call, as it does with any call that sleeps: EINTR without SA_RESTART.
 *
 * It is forked by the launching child, so that the descriptor table can be shared until the
 * listener is in it, and is a child of the supervisor, who reaps it.
 */
#ifndef SHIM_AUDIT_H
#define SHIM_AUDIT_H

#include <stdatomic.h>
#include <sys/types.h>

#include "finding.h"
#include "options.h"
#include "policy/policy.h"

enum audit_state { AUDITOR_STARTS, AUDITOR_READY, AUDITOR_FAILED };

#define AUDIT_NO_LISTENER (-1) /* there will be none */

/* One page that the supervisor, the launching child and the auditor share. */
struct audit {
	pid_t auditor;		/* 0 before it is there; written by the kernel */
	_Atomic int state;	/* the auditor's word: enum audit_state */
	struct finding finding; /* when it failed */
	_Atomic int listener; /* the child's: a descriptor, 0 for none yet, or AUDIT_NO_LISTENER */
	_Atomic int taken;    /* the auditor has it, in a table of its own */
	_Atomic int application; /* what is denied from here on is the application's doing */
};

/**
 * audit_open() - make the page.
 * @o: the options. @p: the policy.
 * @out: out; NULL when --audit is off or this kernel is too old, which is said.
 * In the supervisor, before the fork. Return: 0 or -errno with EXIT_SETUP, step "audit".
 */
int audit_open(const struct options *o, const struct policy *p, struct audit **out,
	       struct finding *f);

/**
 * audit_start() - start the auditor and wait until it is confined.
 * @a: the page; NULL: nothing to do. @p: the policy.
 * @supervisor: its pid, the auditor's parent to be.
 * In the child, with all signals blocked and all privileges still there.
 * Return: 0 or -errno with EXIT_CONFINE, step "audit".
 */
int audit_start(struct audit *a, const struct policy *p, pid_t supervisor, struct finding *f);

/**
 * audit_load() - put the policy in force, asking the auditor; filter_load() without one.
 * @a: the page or NULL. @p: the policy. Needs no_new_privs.
 *
 * Where the kernel gives no listener (there may be one only in a line of filters, and a
 * container's own may be the one) the policy is loaded as it is and a warning says so.
 * Return: 0 or -errno with EXIT_CONFINE, step "filter" or "audit". Source: seccomp(2).
 */
int audit_load(struct audit *a, const struct policy *p, struct finding *f);

/** audit_application() - right before the exec: what is denied from here on is named. */
void audit_application(struct audit *a);

/**
 * audit_wait() - wait for the other side's word.
 * @word: nonzero when it is there. @other: a pidfd of the other side.
 * Looks again and again: the filter of the one that waits, or speaks, may know no futex(2).
 * Return: 0, or -ESRCH when the other side ended without it.
 */
int audit_wait(const _Atomic int *word, int other);

/**
 * audit_end() - the launch has failed: end the auditor and reap it.
 * @a: the page or NULL. In the supervisor.
 */
void audit_end(const struct audit *a);

#endif
