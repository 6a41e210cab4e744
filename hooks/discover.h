/* SPDX-License-Identifier: Apache-2.0 */
/* discover: the device nodes that this host has now. */
#ifndef HOOK_DISCOVER_H
#define HOOK_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "devices.h"
#include "finding.h"

#define NODES_MAX 128
#define NODE_NAME_SIZE 48

struct node {
	char name[NODE_NAME_SIZE]; /* below /dev: "dri/renderD128" */
	dev_t rdev;
	bool name_only; /* it may be found, and nobody inside may open it */
	/* Once it is wired: which inode of which file system is mounted there. */
	dev_t fs;
	ino_t ino;
};

struct nodes {
	size_t count; /* first: with few nodes the pages behind them are never touched */
	struct node node[NODES_MAX];
};

/**
 * node_name_ok() - is it the name of a node that may be wired at all?
 * @name: below /dev. One of the names that drm, ALSA, kfd and NVIDIA's driver use, with at
 * most one directory. Return: true or false.
 */
bool node_name_ok(const char *name);

/** nodes_find() - look for a name. Return: its place, or NULL. */
const struct node *nodes_find(const struct nodes *n, const char *name);

/**
 * discover() - list the nodes of the chosen devices, by name.
 * @d: what is asked for. @first: those that keep their places as long as they are there, when there
 * are too many; may be NULL. @out: the nodes. @f: out, on failure or when some are left out.
 *
 * drm, sound and kfd by the listings in /sys and, what is chosen there, by libudev; NVIDIA's
 * nodes, whose driver has no class in /sys, by their names in /dev. The numbers come from /sys, so
 * nothing depends on who made a node in /dev.
 *
 * With gpu the primary nodes that are not chosen are listed, too, as name_only: an X server hands its
 * clients a descriptor of its own (DRI3), and Mesa, which looks in /dev/dri for a node of that number
 * to know the GPU by, draws with the CPU when there is none. All of them: which one the server has,
 * and whether that is the GPU that draws, is not to be known here. Where one device shows the picture
 * and another draws it (vc4 and v3d, a laptop's two GPUs), it is not.
 * Return: 0; -ENOSPC with NODES_MAX of them; other -errno.
 */
int discover(const struct devices *d, const struct nodes *first, struct nodes *out,
	     struct finding *f);

#endif
