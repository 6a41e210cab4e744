/* SPDX-License-Identifier: Apache-2.0 */
/* worker: work in a process of its own, that ends at a deadline. */
#ifndef HOOK_WORKER_H
#define HOOK_WORKER_H

#include <stdint.h>
#include <sys/types.h>

#define WORKER_DEADLINE_MS 5000

/**
 * worker_start() - fork, call a function there, and exit with what it returns.
 * @fn: returns an exit status, 0 to 255. @arg: its argument.
 *
 * Of its own, because it goes into a container's namespace without a way back, may be held up
 * there by a file system that the container serves, and must not take a start down with
 * it when it crashes. It dies with this process. Return: its pid or -errno.
 */
pid_t worker_start(int (*fn)(void *), void *arg);

/**
 * worker_wait() - wait until it ends, or end it.
 * @pid: from worker_start(). @deadline_ms: from now.
 * Return: its exit status; -ETIMEDOUT when it was killed; -ECHILD killed by a signal.
 */
int worker_wait(pid_t pid, uint32_t deadline_ms);

#endif
