/* SPDX-License-Identifier: Apache-2.0 */
/* prepare: what a bare container lacks and the application needs. */
#ifndef SHIM_PREPARE_H
#define SHIM_PREPARE_H

#include <stdbool.h>

#include "account.h"
#include "finding.h"
#include "options.h"

/* Where the application's runtime files go, when nobody said otherwise. */
struct runtime_dir {
	char path[64]; /* /run/user/UID; empty when it could not be had */
	bool has_bus;  /* a D-Bus session socket is in it */
};

/**
 * runtime_dir_name() - where the runtime directory is to be.
 * @a: the account. @rd: out.
 */
void runtime_dir_name(const struct account *a, struct runtime_dir *rd);

/**
 * prepare() - mount, create and bring up what is missing, and only that.
 * @o: --tmpfs. @a: who will own home and runtime directory.
 * @rd: out. @f: out, on failure.
 *
 * In order: /proc must be there (later steps verify by it), --tmpfs, /dev/shm, /tmp,
 * home, runtime directory, loopback. --tmpfs is a request: its failure is fatal, as
 * is a missing /proc. The rest is done as far as this process may; what could not be
 * done is said in a warning line with its remedy.
 * Return: 0 or -errno with EXIT_SETUP.
 */
int prepare(const struct options *o, const struct account *a, struct runtime_dir *rd,
	    struct finding *f);

#endif
