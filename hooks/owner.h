/* SPDX-License-Identifier: Apache-2.0 */
/* owner: the group that the wired nodes belong to inside. */
#ifndef HOOK_OWNER_H
#define HOOK_OWNER_H

#include <sys/types.h>

#include "finding.h"
#include "instance.h"

/**
 * owner_gid() - the primary group of the application, as the shim inside will choose it.
 * @i: the instance: its root directory, and the ids of its root.
 * @user: STREMIO_USER of the instance, or "". Comes from outside.
 * @gid: out, an id inside.
 * @f: out, when the choice had to be a guess, step "owner".
 *
 * The nodes are 0:GID 0660. The application's primary group, because that also opens what is
 * plugged in later, when its groups can no longer change, and to `incus exec --user --group`,
 * which has no supplementary ones; no number of our own, which would need a group that no image
 * has. Where the shim is told of another user on its command line, which is not seen from here,
 * it takes the nodes' group as a supplementary one (shim/groups.c), so a wrong guess costs
 * only the plugging in of the first device.
 *
 * Read are /etc/passwd, /etc/group and /etc/stremio-shim.args of the container, regular files
 * of up to 1 MiB that its root may read, found without leaving its root directory, by the
 * shim's own code.
 * Return: 0; -ENOENT when @gid is ACCOUNT_FALLBACK_ID for want of a better.
 */
int owner_gid(const struct instance *i, const char *user, gid_t *gid, struct finding *f);

#endif
