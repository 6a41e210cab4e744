/* SPDX-License-Identifier: Apache-2.0 */
/* worker: work in a process of its own, that ends at a deadline. */
#ifndef HOOK_WORKER_H
#define HOOK_WORKER_H

#include <stdint.h>
#include <sys/types.h>

#define WORKER_DEADLINE_MS 5000

struct worker {
	pid_t pid;
	int said;     /* where it says how it ended, before it does */
	uint64_t end; /* CLOCK_MONOTONIC, ms: when it has ended itself */
};

/**
 * worker_start() - fork, call a function there, and exit with what it returns.
 * @fn: returns an exit status, 0 to 255. @arg: its argument. @deadline_ms: from now.
 * @out: for worker_wait(), which is to be called in any case.
 *
 * Of its own, because it goes into a container's namespace without a way back, may be held up
 * there by a file system that the container serves, and must not take a start down with
 * it when it crashes. It ends with this process, and by a timer of its own at the deadline: a
 * parent death signal alone is cleared by setfsuid(2), see prctl(2). Signals are at their
 * defaults in it, whatever was inherited. Return: 0 or -errno.
 */
int worker_start(int (*fn)(void *), void *arg, uint32_t deadline_ms, struct worker *out);

/**
 * worker_wait() - wait until its work has ended, but not much longer than its deadline.
 * @w: from worker_start().
 *
 * Its own end is not waited for when it has said how that will be: the kernel takes a
 * millisecond to clean up behind it, its mount namespace and its memory, while a start waits.
 * Nothing that anybody could see is open in it by then. Call signal(SIGCHLD, SIG_IGN) before
 * leaving, and the kernel reaps it; if it is slower than that, init does.
 * Return: its exit status; -ETIMEDOUT the deadline came; -ECHILD another signal ended it; the
 * error of worker_start().
 */
int worker_wait(struct worker *w);

/**
 * worker_gone() - after worker_wait(): wait for its end, too, for a moment.
 * @w: from worker_start().
 *
 * At a stop: liblxc removes its cgroup right after this program's end, and one that still has a
 * process in it stays for good.
 */
void worker_gone(const struct worker *w);

#endif
