/* SPDX-License-Identifier: Apache-2.0 */
/* leftovers: the processes that outlive the command. */
#ifndef SHIM_LEFTOVERS_H
#define SHIM_LEFTOVERS_H

#include <stdbool.h>

/**
 * leftovers_signal() - send a signal to all that is ours.
 * @init: this process is PID 1: then that is everything in its namespace, in one
 *	kill(-1); else it is this process's descendants, found in /proc.
 * @signum: the signal.
 *
 * SIGTERM is followed by SIGCONT, or a stopped process could not answer it; and as PID 1
 * by SIGHUP to session leaders with a terminal: interactive shells (from `incus exec`)
 * ignore SIGTERM. Return: nothing; processes come and go meanwhile.
 */
void leftovers_signal(bool init, int signum);

/**
 * leftovers_any() - is anybody left who is not waited for?
 * @init: as above. As PID 1: any process at all (those of `incus exec` are no children);
 * else always false, every descendant ends up as a child.
 */
bool leftovers_any(bool init);

#endif
