/* SPDX-License-Identifier: Apache-2.0 */
/* attach: nodes made by the host, seen in a container. */
#ifndef HOOK_ATTACH_H
#define HOOK_ATTACH_H

#include <sys/types.h>

#include "discover.h"
#include "finding.h"
#include "instance.h"

/* Nodes that were made and hang nowhere yet, in the order of `nodes`. */
struct staged {
	struct nodes nodes;
	int tree[NODES_MAX]; /* a detached mount of one node each, or -1 */
};

/**
 * stage() - make the nodes, out of sight.
 * @want: which. @uid, @gid: their owner, host ids. @out: the detached mounts.
 * @f: out, on failure, step "stage".
 *
 * A name_only node is the host's root's with mode 0. The mode alone would not do: root inside is
 * capable of what belongs to an id of its map, and no device cgroup holds it. To what belongs to
 * nobody in the map, no capability in there reaches (user_namespaces(7)).
 *
 * On a tmpfs in a mount namespace of this process's own, which this call makes: nobody else
 * ever sees it, and it goes with the last mount of a node, so that there is nothing to clean
 * up however this process ends. The mounts are nosuid and noexec, and not nodev.
 * Return: 0 or -errno. Source: mount_namespaces(7), open_tree(2).
 */
int stage(const struct nodes *want, uid_t uid, gid_t gid, struct staged *out, struct finding *f);

/** stage_close() - let go of what was not attached, and of the descriptors. */
void stage_close(struct staged *s);

struct place {
	int dev;  /* the container's /dev, O_PATH */
	int proc; /* the host's /proc, O_PATH */
};

/**
 * place_open() - find the container's /dev, before instance_enter().
 * @i: the instance. @out: to be closed with place_close(), on failure too.
 * Refused unless it is a tmpfs and another one than the host's.
 * Return: 0 or -errno.
 */
int place_open(const struct instance *i, struct place *out, struct finding *f);

/** place_close() - let go of it. */
void place_close(struct place *p);

/**
 * place_directory() - make a directory of nodes, before instance_enter() and after
 * instance_be_root().
 * @p: where. @name: below /dev, without a slash. What is at that place already is left alone.
 *
 * Before PID 1 runs, though nothing is in it yet: stremio-shim lets the application into what is
 * there when it starts, a directory with all that will ever be in it, and cannot do so later.
 * Return: 0 or -errno.
 */
int place_directory(const struct place *p, const char *name);

/**
 * attach() - put one node to its place; after instance_enter().
 * @p: where. @n: which. @tree: the detached mount.
 * @f: out, on failure, step "attach".
 *
 * A missing directory and the file to mount on are created as the container's root. No
 * link is followed and no mount crossed below /dev, and the mount goes onto the very file that was
 * opened, so what the container does meanwhile can only misplace its own device.
 * Return: 0; 1 when such a node is there already (somebody else's, left alone); -errno.
 */
int attach(const struct place *p, const struct node *n, int tree, struct finding *f);

/**
 * withdraw() - close a node that is to be taken away, as the host; before instance_enter().
 * @n: with the file system and the inode that were mounted. @f: out, step "withdraw".
 *
 * Root inside may have bound it to other places, where its number will be the next device's. The
 * inode is one and the same, and becomes as that of a name_only node. What is not the very inode
 * that was mounted is left as it is.
 * Return: 0, also when it is not at its place; -errno (-EROFS when root inside has made that
 * mount read-only).
 */
int withdraw(const struct place *p, const struct node *n, struct finding *f);

/**
 * detach() - take one node away again; after instance_enter().
 * @n: with the file system and the inode that were mounted, so that nothing else goes.
 * @f: out, on failure, step "detach".
 *
 * Its directory stays, see place_directory().
 * Return: 0, also when it is not there any more; -errno.
 */
int detach(const struct place *p, const struct node *n, struct finding *f);

#endif
