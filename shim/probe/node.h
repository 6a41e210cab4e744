/* SPDX-License-Identifier: Apache-2.0 */
/* node: opening a device node, and why it does not open. */
#ifndef SHIM_PROBE_NODE_H
#define SHIM_PROBE_NODE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "report.h"

#define NODE_NAMES 128 /* of one directory that are looked at */
#define NODE_NAME 256  /* bytes, NAME_MAX and the terminator */

/* The names in a directory that begin with one of two words, shortest first, then sorted. */
struct node_names {
	unsigned int count;
	unsigned int left_out; /* there were more */
	char at[NODE_NAMES][NODE_NAME];
};

/**
 * node_list() - read a directory.
 * @dir: its descriptor; its offset is moved. @words: two beginnings of names.
 * @names: out. Return: 0 or -errno.
 */
int node_list(int dir, const char *const words[2], struct node_names *names);

/**
 * node_open() - open a character device for reading and writing, or report why not.
 * @dir: of the directory, @name: in it. @major: what it must be.
 * @st: out, what it is, as far as that is known.
 *
 * Nothing but a device of that major is ever opened: a FIFO would block, opening can have
 * effects, and a link leads elsewhere. What replaces it in between is noticed.
 *
 * To be called within a finding, which is ended when this fails for another reason than the
 * device's own answer.
 * Return: a descriptor; 0 or above. -ENOMSG: the finding has been ended. Other -errno: the
 * open failed with that, and it is for the caller to say what it means.
 */
int node_open(int dir, const char *name, unsigned int major, struct stat *st);

/**
 * node_is_device() - the first half of node_open(): look without opening.
 * Return: true, or false when the finding has been ended.
 */
bool node_is_device(int dir, const char *name, unsigned int major, struct stat *st);

/**
 * node_forbidden() - end a finding whose open failed with EACCES or EPERM.
 * @dir, @name, @st: of the node. @err: EACCES or EPERM.
 */
void node_forbidden(int dir, const char *name, const struct stat *st, int err);

#endif
