/* SPDX-License-Identifier: Apache-2.0 */
/* confine: the steps that take privileges away, each one function. */
#ifndef SHIM_CONFINE_H
#define SHIM_CONFINE_H

#include <stdint.h>
#include <sys/types.h>

#include "account.h"
#include "finding.h"
#include "groups.h"

/*
 * SECBIT_NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE with their locks, and
 * KEEP_CAPS locked at zero: uid 0 means nothing to exec any more, and nothing of
 * this can be taken back (capabilities(7), "The securebits flags").
 */
#define CONFINE_SECUREBITS 0xefUL

/**
 * confine_groups() - replace the supplementary groups.
 * @g: exactly these. Needs CAP_SETGID. Source: setgroups(2).
 */
int confine_groups(const struct groups *g, struct finding *f);

/**
 * confine_bounding() - empty the bounding set but for some.
 * @present: what is in it, by verify_open(): a call for each that is not there, too, would be
 *	a tenth of the launch. @keep: one bit a capability. Needs CAP_SETPCAP.
 * Not done by libcap-ng: up to 0.8.3 its capng_apply() returns success when a drop
 * failed. Source: capabilities(7), "Capability bounding set".
 */
int confine_bounding(uint64_t present, uint64_t keep, struct finding *f);

/** confine_securebits() - set and lock CONFINE_SECUREBITS. Needs CAP_SETPCAP. */
int confine_securebits(struct finding *f);

/** confine_gid() - real, effective and saved group id. @gid: the new one. */
int confine_gid(gid_t gid, struct finding *f);

/** confine_uid() - real, effective and saved user id. @uid: the new one. */
int confine_uid(uid_t uid, struct finding *f);

/**
 * confine_capabilities() - permitted, effective: only those in @keep; inheritable: none.
 * @keep: one bit a capability; those must be permitted already.
 * NO_SETUID_FIXUP has kept them through the change of uid.
 */
int confine_capabilities(uint64_t keep, struct finding *f);

/** confine_ambient() - clear the ambient set. */
int confine_ambient(struct finding *f);

/** confine_no_new_privs() - no exec gains anything from here on. Source: prctl(2). */
int confine_no_new_privs(struct finding *f);

/**
 * confine_parent_death() - die with the supervisor.
 * @parent: its pid. After the change of uid, which clears the setting; a supervisor
 * that died before this call is noticed by the changed parent. Source: PR_SET_PDEATHSIG(2).
 */
int confine_parent_death(pid_t parent, struct finding *f);

/*
 * All of the above fill @f (EXIT_CONFINE, a step of the function's name) and return 0
 * or -errno.
 */

/**
 * confine_permitted() - the permitted capabilities of this process.
 * @out: one bit a capability. Return: 0 or -errno. Source: capget(2).
 */
int confine_permitted(uint64_t *out);

#endif
