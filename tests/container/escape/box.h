/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOX_H
#define BOX_H

#include <stdbool.h>

#define BOX_FILES 8

struct box {
	const char *root;	      /* an empty directory to build on */
	const char *files[BOX_FILES]; /* FROM:TO:MODE */
	int file_count;
	bool programs, pids, hard, sit, prepare;
	char **command;
};

/* Mounts, nodes, files; then makes it the root. Return: 0, or -1 when it has said why. */
int box_make_root(const struct box *b);
/* Says `box: WHAT NAME: errno text`. Return: -1. */
int box_fail(const char *what, const char *name);

#endif
