/* SPDX-License-Identifier: Apache-2.0 */
/* groups: the supplementary groups that open the devices, and no others. */
#ifndef SHIM_GROUPS_H
#define SHIM_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GROUPS_MAX 32

struct groups {
	gid_t gid[GROUPS_MAX];
	size_t count;
	uint32_t there; /* GROUP_BIT() of the kinds that have a directory */
	uint32_t nodes; /* of those that have a node in it, not just the name of one */
	bool full;	/* there are more, left out */
};

/**
 * groups_of_devices() - the owning groups of the GPU's render nodes and of the sound
 * nodes that are in this container.
 * @devices: which of the two kinds, GROUP_BIT() of GROUP_GPU and GROUP_SOUND; others are passed
 *	over. PRIMARY_WANTED beside the first: those of its primary nodes, too. @out: each group once, ascending.
 *
 * By number and from the nodes themselves: names differ between distributions or
 * are missing. Nodes whose group may not read and write them do not count, nor do
 * gid 0 and the overflow gid 65534, which owns everything that is not mapped.
 * Source: majors 226 (render nodes have minor 128 and up, primary nodes 0 and up) and 116 of the kernel's
 * Documentation/admin-guide/devices.txt.
 */
void groups_of_devices(uint32_t devices, struct groups *out);

/** groups_have() - is all of @more, groups and directories, in @g? */
bool groups_have(const struct groups *g, const struct groups *more);

#endif
