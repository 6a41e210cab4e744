/* SPDX-License-Identifier: Apache-2.0 */
/* changes: sleep until devices or sockets come or go where they are looked for. */
#ifndef SHIM_CHANGES_H
#define SHIM_CHANGES_H

#include <stdint.h>

#define CHANGES_PLACES 11

struct changes {
	int fd; /* of inotify(7), or -1 */
	int watch[CHANGES_PLACES];
};

/**
 * changes_begin() - from here on, what changes in the directories of devices and sockets is kept.
 * @c: out, for changes_await(). @env: the application's environment, for XDG_RUNTIME_DIR.
 *
 * Before the checks run, so that nothing falls between them and the wait. Without inotify(7)
 * (fs.inotify.max_user_instances), or under a policy that denies it, time alone ends the wait.
 */
void changes_begin(struct changes *c, char **env);

/**
 * changes_await() - sleep until something has changed there, or the time is over.
 * @c: from changes_begin(); released.
 * @settle_ms: for at least so long, unless @ms is less: changes come in flocks.
 * @ms: at most so long.
 */
void changes_await(struct changes *c, int64_t settle_ms, int64_t ms);

#endif
