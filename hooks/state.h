/* SPDX-License-Identifier: Apache-2.0 */
/* state: what is wired in which running instance, below /run. */
#ifndef HOOK_STATE_H
#define HOOK_STATE_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "devices.h"
#include "discover.h"
#include "finding.h"
#include "request.h"

#define STATE_DIR "/run/stremio-shim"

/* An instance's directory below STATE_DIR; its lock is held as long as this is open. */
struct state {
	int dir; /* STATE_DIR/NAME, -1 when it is not open */
	char name[NAME_SIZE];
};

/* What STATE_DIR/NAME/wired says. */
struct wired {
	pid_t pid;	/* the instance's first process ... */
	uint64_t start; /* ... and its start time, which makes it unmistakable */
	gid_t gid;	/* the nodes' group, an id inside */
	char devices[DEVICES_LIST_MAX];
	char log[PATH_MAX]; /* its lxc.log, or "" */
	struct nodes nodes;
};

/**
 * state_open() - open an instance's directory and take its lock.
 * @name: the instance's, name_ok(). @create: make it when there is none.
 * @out: to be closed with state_close(). @f: out, on failure, step "state".
 *
 * Waits for the lock; the deadline of worker.h ends that. Return: 0; -ENOENT without
 * @create; other -errno.
 */
int state_open(const char *name, int create, struct state *out, struct finding *f);

/**
 * state_look() - open an instance's directory without its lock, to read only.
 * The file in it is replaced as a whole, so that reading needs no lock, and whoever only looks
 * does not wait for one that is held up. Otherwise as state_open().
 */
int state_look(const char *name, struct state *out, struct finding *f);

/** state_read() - read what is wired. Return: 0; -ENOENT; -EINVAL not our text; -errno. */
int state_read(const struct state *s, struct wired *out);

/** state_write() - replace what is wired, at once or not at all. Return: 0 or -errno. */
int state_write(const struct state *s, const struct wired *w, struct finding *f);

/** state_remove() - remove the directory and all that may be in it. Return: 0 or -errno. */
int state_remove(struct state *s, struct finding *f);

/** state_close() - release the lock. */
void state_close(struct state *s);

/**
 * state_parse() - read the text of a state file.
 * @text: terminated; changed in place. @out: all of it.
 * Return: 0 or -EINVAL. Strict although root wrote it: it steers what is unmounted where.
 */
int state_parse(char *text, struct wired *out);

/**
 * state_each() - call a function with each instance's name.
 * @fn: stops at the first negative return. Return: 0, or that, or -errno.
 */
int state_each(int (*fn)(const char *name, void *arg), void *arg);

#endif
