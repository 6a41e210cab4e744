/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "signals.h"
#include "sys.h"

#define STEP "terminal"

/* tcgetpgrp(3) and tcsetpgrp(3), whose calls PID 1's own filter knows by number. */
static pid_t foreground_group(int fd)
{
	pid_t group;

	return ioctl(fd, TIOCGPGRP, &group) < 0 ? -1 : group;
}

/* SIGTTOU, which would stop a background caller, is blocked like all others. */
static int set_foreground_group(int fd, pid_t group)
{
	return ioctl(fd, TIOCSPGRP, &group) < 0 ? -errno : 0;
}

int terminal_find(struct terminal *t, struct finding *f)
{
	pid_t group;
	int fd = 0;

	*t = (struct terminal){.fd = -1, .own_group = getpgrp()};
	while (fd <= 2 && !isatty(fd))
		fd++;
	if (fd > 2)
		return 0;
	t->fd = sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (t->fd < 0)
		return finding_set(f, EXIT_SETUP, STEP, errno, "cannot keep a descriptor of it",
				   NULL, NULL);
	group = foreground_group(t->fd);
	/* A group or foreground group that has no number here cannot be handed back. */
	if (group < 0)
		t->kind = TERMINAL_NEW;
	else
		t->kind = t->own_group > 0 && group > 0 ? TERMINAL_SHARED : TERMINAL_AS_IS;
	t->handed_over = t->kind == TERMINAL_SHARED && group == t->own_group;
	return 0;
}

int terminal_take(const struct terminal *t, struct finding *f)
{
	int r;

	if (t->kind == TERMINAL_AS_IS)
		return 0;
	if (t->kind != TERMINAL_SHARED) {
		if (setsid() < 0)
			return finding_set(f, EXIT_SETUP, STEP, errno, "cannot start a session",
					   NULL, NULL);
		/* It may belong to another session, then it is only written to. */
		if (t->kind == TERMINAL_NEW && ioctl(t->fd, TIOCSCTTY, 0) < 0)
			log_info(STEP, "belongs to another session", NULL);
		return 0;
	}
	if (setpgid(0, 0) < 0)
		return finding_set(f, EXIT_SETUP, STEP, errno, "cannot start a process group", NULL,
				   NULL);
	if (!t->handed_over)
		return 0;
	r = set_foreground_group(t->fd, getpid());
	if (r < 0)
		return finding_set(f, EXIT_SETUP, STEP, -r,
				   "cannot put the command in the foreground", NULL, NULL);
	return 0;
}

void terminal_follow_continue(struct terminal *t, pid_t command)
{
	if (t->kind == TERMINAL_SHARED && foreground_group(t->fd) == t->own_group &&
	    set_foreground_group(t->fd, command) == 0)
		t->handed_over = true;
	kill(-command, SIGCONT);
}

void terminal_follow_stop(struct terminal *t, pid_t command)
{
	if (t->kind != TERMINAL_SHARED)
		return;
	/* The whole group: in `a | stremio-shim b` the shell waits for both to stop. */
	kill(0, SIGTSTP);
	(void)signals_set_mask(SIGNALS_ALL & ~SIGNAL_BIT(SIGTSTP));
	/* Here it stops, or not, and goes on. */
	(void)signals_set_mask(SIGNALS_ALL);
	terminal_follow_continue(t, command);
}

void terminal_give_back(struct terminal *t, pid_t command)
{
	pid_t group;

	if (t->kind != TERMINAL_SHARED || !t->handed_over)
		return;
	/* Only what was ours: after `bg` the shell itself is in the foreground. */
	group = foreground_group(t->fd);
	if (group == command || (group > 0 && kill(-group, 0) < 0 && errno == ESRCH))
		(void)set_foreground_group(t->fd, t->own_group);
}
