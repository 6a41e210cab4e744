/* SPDX-License-Identifier: Apache-2.0 */
/* node: opening a device node, and why it does not open. */
#ifndef SHIM_PROBE_NODE_H
#define SHIM_PROBE_NODE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "report.h"

#define NODE_NAMES 512 /* of one directory that are kept */
#define NODE_FINDINGS \
	200	      /* of one directory: two of them and the rest stay below WIRE_RECORDS_MAX */
#define NODE_NAME 256 /* bytes, NAME_MAX and the terminator */
#define NODE_PATH (NODE_NAME + 16)

/* The names in a directory that begin with one of two words, shortest first, then sorted. */
struct node_names {
	unsigned int count;
	unsigned int left_out; /* how many more there were, or were not looked at */
	char at[NODE_NAMES][NODE_NAME];
};

/**
 * node_list() - read a directory.
 * @dir: its descriptor; its offset is moved. @words: two beginnings of names.
 * @names: out. Return: 0 or -errno.
 */
int node_list(int dir, const char *const words[2], struct node_names *names);

/** node_path() - "@dir/@name" into @path, which has room for a directory below /dev. */
void node_path(const char *dir, const char *name, char path[NODE_PATH]);

/**
 * node_no_directory() - end a finding about a directory that could not be read.
 * @err: errno. @missing: what it means that there is none. @hint: what to do then.
 */
void node_no_directory(int err, const char *missing, enum hint hint);

/** node_left_out() - a finding about nodes that were not looked at, if there are any. */
void node_left_out(enum wire_check check, const char *dir, const struct node_names *names);

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
