/* SPDX-License-Identifier: Apache-2.0 */
/* supervise: pass signals on, reap, and stop in order. */
#ifndef SHIM_SUPERVISE_H
#define SHIM_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "terminal.h"

/* What the loop works with; set up before this process retires. */
struct supervisor {
	pid_t command;
	pid_t auditor; /* 0 without one */
	int signals;   /* from signals_open() */
	int ready;     /* from ready_report(), or -1 */
	bool init;     /* this process is PID 1 */
	uint32_t stop_timeout_ms;
	struct terminal *terminal;
};

/**
 * supervise() - look after the command until it and all it left behind are gone.
 * @s: see above.
 *
 * SIGTERM, SIGPWR, 37 and 38 stop: SIGTERM to the command; when it has exited, or at half
 * the timeout, SIGTERM to everything left; at the timeout, SIGKILL. The same end
 * comes when the command exits by itself. SIGINT to PID 1 stops and then restarts
 * the container by reboot(2), where that is allowed. Everything else is passed on.
 * Sleeps in poll(2) without a timeout unless a stop is under way; once, when the launch has
 * settled, it wakes to give back what served that alone.
 *
 * Return: the exit status to end with: the command's own, or 128+N.
 */
int supervise(struct supervisor *s);

/**
 * supervise_restart() - let the container be restarted: Incus does a full stop and start then.
 * Returns where it is not allowed; exiting stops the container.
 */
void supervise_restart(void);

#endif
