/* SPDX-License-Identifier: Apache-2.0 */
/* verbs: what stremio-hook can be asked for. */
#ifndef HOOK_VERBS_H
#define HOOK_VERBS_H

#include <stdbool.h>
#include <sys/types.h>

#include "request.h"

struct call {
	struct request rq;
	pid_t monitor; /* who started this program: liblxc's monitor, when it is a hook */
	bool dry_run;
	bool json;
	const char *instance; /* of `status NAME`, or NULL */
};

/**
 * verb_start_host() - lxc.hook.start-host: wire the devices of a starting instance.
 * Return: 0, always: a start does not fail because of a device. What went wrong is in the
 * instance's log.
 */
int verb_start_host(const struct call *c);

/** verb_stop() - lxc.hook.stop: forget an instance. Return: 0 or EXIT_SETUP. */
int verb_stop(const struct call *c);

/**
 * verb_plug() - for udev: bring every running instance into line with the devices.
 * Return: 0 or EXIT_SETUP when that failed for one.
 */
int verb_plug(const struct call *c);

/**
 * verb_status() - show what is wired where, on stdout.
 * Return: 0; EXIT_NO_INSTANCE when the one that was asked for has nothing; EXIT_SETUP.
 */
int verb_status(const struct call *c);

#define EXIT_NO_INSTANCE 69

#endif
