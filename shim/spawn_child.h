/* SPDX-License-Identifier: Apache-2.0 */
/* spawn_child: a child in this process's own memory, beside it. */
#ifndef SHIM_SPAWN_CHILD_H
#define SHIM_SPAWN_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "finding.h"

/**
 * spawn_may_share() - can a child with other ids live in this process's memory?
 * @share: out. @f: out, on failure.
 *
 * Only where that stays out of the reach of its user. A change of ids sets the memory's "dumpable"
 * flag to what fs.suid_dumpable says, proc_sys_fs(5): with 0 and 2 neither ptrace(2) nor
 * /proc/PID/mem lead in, with 1 they would. Where it cannot be told, it must not.
 * Return: 0 or -errno with EXIT_SETUP.
 */
int spawn_may_share(bool *share, struct finding *f);

/**
 * spawn() - clone(2) a child that runs a function.
 * @run: the function, which must not return; @argument is passed to it, and must stay.
 * @share: CLONE_VM: in this memory; 0: in a copy of it; CLONE_VM | CLONE_VFORK: in this memory, and
 *	this process sleeps until the exec, vfork(2). One such child at a time.
 *
 * fork(2) copies the page tables, and then each page that either side writes to, for an exec
 * that drops it all: a quarter of a launch. vfork(2) does not, but would hold this process
 * until the exec, before which it has work to do. So here two processes are in one memory, each
 * with a stack, descriptors, directories, dispositions, mask and credentials of its own; the libc's
 * errno and libcap-ng's state are common. The rule that makes this sound: only one of them uses
 * them. Without CLONE_VFORK the child's first act must be to sleep until this process tells it to
 * begin, and from then on, until the child has ended or has something else in memory, this process
 * must sleep, or make calls that do not fail, and write only to its own stack and what the child
 * never reads. A call that fails all the same may spoil the child's errno, and the child the reason
 * that is told of it: then the child must not get to its exec, and its end is to be waited for
 * before anything else is done.
 *
 * Return: the child's pid, or -1 with errno set.
 */
pid_t spawn(int (*run)(void *), void *argument, int share);

/**
 * spawn_give_back() - the child has memory of its own, or is gone: let go of its stack's pages.
 * A failure only keeps memory.
 */
void spawn_give_back(void);

#endif
