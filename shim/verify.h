/* SPDX-License-Identifier: Apache-2.0 */
/* verify: ask the kernel whether the confinement took. */
#ifndef SHIM_VERIFY_H
#define SHIM_VERIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "finding.h"
#include "groups.h"

#define VERIFY_STATUS_SIZE 4096

/* What the kernel must say. */
struct expectation {
	uid_t uid;
	gid_t gid;
	const struct groups *groups;
	uint64_t permitted; /* also the effective set; the application's is 0 */
	uint64_t bounding;
	uint64_t ignored; /* signals that were ignored at the start; out of verify_open() */
	uint64_t bounding_before;
	bool filtered; /* a filter of ours is loaded on top of @filters_before */
	uint32_t filters_before;
};

/**
 * verify_open() - open this process's status file for later, and read it once.
 * @e: out: how many system call filters are in force already (the container's), which
 *	signals are ignored, and the bounding set as it is, one bit a capability.
 * Before the filter, so that a policy without open(2) can be verified too; the kernel
 * writes the text anew at each read.
 * Return: a close-on-exec descriptor, or -errno with EXIT_CONFINE. Source: proc(5).
 */
int verify_open(struct expectation *e, struct finding *f);

/* What the kernel says of a process that need not be the application's. */
struct in_force {
	uint64_t bounding; /* the bounding set */
	bool no_new_privs;
	bool filtered; /* by a filter more than at verify_open() */
};

/**
 * verify_in_force() - what is in force, for a report.
 * @fd, @e: from verify_open(). @now: out.
 * Return: 0 or -errno with EXIT_CONFINE.
 */
int verify_in_force(int fd, const struct expectation *e, struct in_force *now, struct finding *f);

/**
 * verify_status() - compare a /proc/self/status text with an expectation.
 * @status: the text. @e: what it must say. @f: out, names the first field that differs.
 * Return: 0 or -EPERM with EXIT_CONFINE.
 */
int verify_status(const char *status, const struct expectation *e, struct finding *f);

/**
 * verify_privileges() - what the status text does not tell, before the filter.
 * @uid: the application's.
 * The securebits and the parent death signal are as set, and setuid(0) fails (unless
 * the application is root). Before the filter, which may not let these calls through.
 * Return: 0 or -EPERM with EXIT_CONFINE.
 */
int verify_privileges(uid_t uid, struct finding *f);

/**
 * verify_confinement() - the kernel's view of the application's process, after the filter.
 * @fd: from verify_open(). @e: what must hold.
 * Return: 0 or -errno with EXIT_CONFINE.
 */
int verify_confinement(int fd, const struct expectation *e, struct finding *f);

/**
 * verify_supervisor() - the check of the supervisor's own process.
 * @fd, @e: as above; uid, gid and groups do not count, they stay root's.
 * Return: 0 or -errno with EXIT_CONFINE.
 */
int verify_supervisor(int fd, const struct expectation *e, struct finding *f);

#endif
