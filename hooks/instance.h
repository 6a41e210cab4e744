/* SPDX-License-Identifier: Apache-2.0 */
/* instance: a container's first process, and by it the container's namespaces and ids. */
#ifndef HOOK_INSTANCE_H
#define HOOK_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "finding.h"
#include "idmap.h"

struct instance {
	pid_t pid;
	uint64_t start; /* its start time, clock ticks since boot: with the pid, who it is */
	pid_t parent;
	int proc; /* /proc/PID, O_PATH: never another process's, even when the pid is reused */
	int root; /* its root directory, O_PATH */
	int mnt;  /* its mount namespace */
	bool own_users; /* it has a user namespace of its own: unprivileged */
	struct idmap uids;
	struct idmap gids;
	uid_t root_uid; /* the host's ids of its root */
	gid_t root_gid;
};

/**
 * instance_open() - look at a process and take hold of what it is in.
 * @pid: as the host knows it. @out: to be closed with instance_close(), on failure too.
 * @f: out, on failure, step "instance".
 *
 * Refused: a process that is gone, one in this program's own mount namespace (that would be
 * the host), one whose root is not mapped.
 * Return: 0; -ESRCH gone; -EINVAL refused; other -errno. Source: proc(5), namespaces(7).
 */
int instance_open(pid_t pid, struct instance *out, struct finding *f);

/** instance_close() - let go of it. */
void instance_close(struct instance *i);

/**
 * instance_enter() - go into its mount namespace and be its root to file systems.
 * @f: out, on failure.
 *
 * There is no way back; for a process of its own. The ids for file systems (setfsuid(2)) are
 * the container's root's: files can be created on its tmpfs (as host uid 0, which is not
 * mapped there, that is EOVERFLOW), and what it may not touch this may not touch either, for
 * a file system id other than 0 has none of root's capabilities over files.
 * Return: 0 or -errno.
 */
int instance_enter(const struct instance *i, struct finding *f);

/**
 * instance_be_root() - be its root to file systems, without going anywhere.
 * Return: 0 or -EPERM. Source: setfsuid(2).
 */
int instance_be_root(const struct instance *i);

/** instance_be_host() - be the host's root to file systems again, for its own files. */
void instance_be_host(void);

#endif
