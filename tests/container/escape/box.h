/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOX_H
#define BOX_H

#include <stdbool.h>
#include <sys/types.h>

#define BOX_FILES 8

struct box {
	const char *root;	      /* an empty directory to build on */
	const char *files[BOX_FILES]; /* FROM:TO:MODE */
	int file_count;
	bool programs, hard, sit, prepare, join, pty;
	int master, terminal; /* of --pty */
	char **command;
};

/* Mounts, nodes, files; then makes it the root. Return: 0, or -1 when it has said why. */
int box_make_root(const struct box *b);
/* A terminal: both ends; the controlling one of this process; all it prints to stdout. */
int box_open_terminal(struct box *b);
int box_take_terminal(int fd);
void box_copy_terminal(const struct box *b);
/* A process of another user in the box of @pid. Return: what waits for it, or -1. */
pid_t box_start_other(pid_t pid);
/* A command as root in the box of @pid, with PID 1's bounding set. Return: its wait status. */
int box_run_beside(pid_t pid, char **command);
/* Execute with a container's environment. Return: only on failure. */
void box_execute(char **command);
/* Says `box: WHAT NAME: errno text`. Return: -1. */
int box_fail(const char *what, const char *name);

#endif
