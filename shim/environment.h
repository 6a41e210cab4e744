/* SPDX-License-Identifier: Apache-2.0 */
/* environment: the variables an application expects, where nobody set them. */
#ifndef SHIM_ENVIRONMENT_H
#define SHIM_ENVIRONMENT_H

#include "account.h"
#include "prepare.h"

#define ENVIRONMENT_ROOM 2560

/**
 * environment_build() - complete the application's environment.
 * @given: what this program got; values that were given win.
 * @a: the account. @rd: the runtime directory.
 * Return: a NULL-terminated array in a private mapping, or NULL without memory.
 *
 * PID 1 of a container has neither PATH nor HOME. Where the environment is root's own
 * (USER=root or HOME=/root, as `incus exec` and sudo(8) leave it) and the application is not root,
 * its HOME, USER, LOGNAME, SHELL and a runtime directory of /run/user/0 describe the
 * wrong account and do not count as given.
 */
char **environment_build(char **given, const struct account *a, const struct runtime_dir *rd);

/**
 * environment_build_in() - the same, where the caller has the room.
 * @room: for it, aligned as an array of pointers is; ENVIRONMENT_ROOM bytes hold some 50
 *	variables. @room_size: in bytes; with less than is needed the mapping is made after all.
 */
char **environment_build_in(void *room, size_t room_size, char **given, const struct account *a,
			    const struct runtime_dir *rd);

/**
 * environment_with() - the given environment and what the options add to it.
 * @given: what this program got. @more: `NAME=VALUE` each. @count: of @more.
 * Return: @given itself where there is nothing to add; else a NULL-terminated array in a
 * private mapping that points into both, or NULL without memory.
 *
 * A variable that was given wins over one that is added, and of two added the last.
 */
char **environment_with(char **given, const char *const *more, size_t count);

/**
 * environment_home() - let a given HOME be the account's home.
 * @given: what this program got. @a: in and out, its home.
 * @f: out, on failure, step "environment".
 * Counts as given by the same rule as above, and when it is an absolute path.
 * Return: 0; -ENAMETOOLONG with EXIT_SETUP.
 */
int environment_home(char **given, struct account *a, struct finding *f);

/**
 * environment_get() - look a variable up.
 * @env: the array. @name: without '='. Return: its value or NULL.
 */
const char *environment_get(char **env, const char *name);

#endif
