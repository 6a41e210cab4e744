/* SPDX-License-Identifier: Apache-2.0 */
/* terminal: who is in the foreground of it, and how it is handed over. */
#ifndef SHIM_TERMINAL_H
#define SHIM_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "finding.h"

enum terminal_kind {
	TERMINAL_NONE,	 /* no terminal: the command gets a session of its own */
	TERMINAL_SHARED, /* our session's: the command gets a process group of its own */
	TERMINAL_AS_IS,	 /* our group's leader is in another pid namespace: everything stays */
	TERMINAL_NEW,	 /* nobody's (a container's console): the command gets it with a session */
};

struct terminal {
	enum terminal_kind kind;
	int fd;		  /* close-on-exec, -1 when there is none */
	pid_t own_group;  /* the supervisor's process group */
	bool handed_over; /* the command's group is or was in the foreground */
};

/**
 * terminal_find() - look at descriptors 0 to 2.
 * @t: out. @f: out, on failure, step "terminal".
 * Return: 0 or -errno with EXIT_SETUP.
 */
int terminal_find(struct terminal *t, struct finding *f);

/**
 * terminal_take() - in the child: become leader of a group or session and, when the
 * supervisor was in the foreground, go there.
 * @t: from terminal_find(). @f: out, on failure, step "terminal".
 * Without a shared terminal it is setsid(2), so that nothing of the caller's session
 * is within reach (TIOCSTI). Return: 0 or -errno with EXIT_SETUP.
 */
int terminal_take(const struct terminal *t, struct finding *f);

/**
 * terminal_follow_stop() - the command was stopped: stop like it, so that the shell
 * above sees a stopped job; then hand the terminal over again and continue it.
 * @t: shared, else nothing happens. @command: its pid, which is its group's.
 *
 * Returns when somebody continued this process. When nobody could (no job-control
 * shell above: the kernel ignores SIGTSTP in an orphaned process group), the command
 * is continued at once. Source: setpgid(2), credentials(7), tty_ioctl(4).
 */
void terminal_follow_stop(struct terminal *t, pid_t command);

/**
 * terminal_follow_continue() - this process was continued: hand the terminal over if the
 * shell put us in the foreground, and continue the command.
 */
void terminal_follow_continue(struct terminal *t, pid_t command);

/**
 * terminal_give_back() - the command is gone: put our own group in the foreground,
 * when it is still the command's or a dead group's. @command: its pid.
 */
void terminal_give_back(struct terminal *t, pid_t command);

#endif
