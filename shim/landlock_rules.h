/* SPDX-License-Identifier: Apache-2.0 */
/* landlock_rules: the paths of the sandbox and what each allows, as a table. */
#ifndef SHIM_LANDLOCK_RULES_H
#define SHIM_LANDLOCK_RULES_H

#include <stdint.h>

#include "options.h"

/*
 * linux/landlock.h as of Linux 6.12, which the headers of an older distribution lack:
 * access rights for files, with the version of the interface that brought them.
 */
enum landlock_fs {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,	/* 2 */
	FS_TRUNCATE = 1 << 14,	/* 3 */
	FS_IOCTL_DEV = 1 << 15, /* 5 */

	FS_ABI_1 = (1 << 13) - 1,

	/* What the table below deals in. */
	FS_PROGRAMS = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR,
	FS_DATA = FS_READ_FILE | FS_READ_DIR,
	FS_LIST = FS_READ_DIR,
	FS_DEVICE = FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
	FS_DEVICES = FS_DEVICE | FS_READ_DIR,
	FS_WRITABLE =
		(FS_ABI_1 & ~(FS_EXECUTE | FS_MAKE_CHAR | FS_MAKE_BLOCK)) | FS_REFER | FS_TRUNCATE,

	/* The only rights that a rule for a file, not a directory, may hold. */
	FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
};

enum landlock_origin {
	LANDLOCK_FIXED,	   /* the table's */
	LANDLOCK_DERIVED,  /* the environment's or the command's: need not exist */
	LANDLOCK_REQUIRED, /* asked for by name: must exist */
};

/* Called for each path. Return: 0 to go on, or -errno with the finding filled. */
typedef int (*landlock_rule)(void *context, const char *path, uint32_t access,
			     enum landlock_origin origin);

/**
 * landlock_rules_each() - walk all paths that the application may reach.
 * @o, @env: as for landlock_confine().
 * @rule: called with each path; a path may come twice, rights add up.
 * @context: handed to @rule.
 * A directory of PATH or of the command that does not fit into PATH_MAX cannot exist and is
 * passed over. Return: 0, or the first other value of @rule.
 */
int landlock_rules_each(const struct options *o, char **env, landlock_rule rule, void *context);

#endif
