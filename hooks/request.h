/* SPDX-License-Identifier: Apache-2.0 */
/* request: what liblxc and the instance's configuration say in the environment. */
#ifndef HOOK_REQUEST_H
#define HOOK_REQUEST_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "devices.h"

#define NAME_SIZE 256 /* a project's name, '_', an instance's; NAME_MAX and a zero */
#define USER_SIZE 128

struct request {
	char name[NAME_SIZE]; /* LXC_NAME, "" when there is none that may be used */
	pid_t pid;	      /* LXC_PID, 0 likewise */
	char log[PATH_MAX];   /* lxc.log beside LXC_CONSOLE_LOGPATH, or "" */
	char devices
		[DEVICES_LIST_MAX]; /* STREMIO_DEVICES; cut ones are longer than a list may be */
	char user[USER_SIZE];	    /* STREMIO_USER, "" when not set or too long */
	bool from_start;	    /* LXC_HOOK_TYPE is start-host */
};

/**
 * name_ok() - may it name an instance, and a directory of ours?
 * Incus is strict with instances, but of a project it refuses only a name with '/', blanks, '_'
 * and quotes, and "." and "..": so does this, and control characters, and NAME_SIZE bytes or
 * more. Return: true or false.
 */
bool name_ok(const char *name);

/**
 * request_read() - copy what is needed, then clear the environment.
 * @rq: out. What does not stand up to a look is left empty.
 *
 * Every environment.* of an instance is in here, whoever wrote it: nothing of it may reach a
 * library that is called later. Afterwards there is no variable left at all.
 */
void request_read(struct request *rq);

#endif
