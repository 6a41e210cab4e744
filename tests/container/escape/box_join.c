/* SPDX-License-Identifier: Apache-2.0 */
/* Further processes in a box that runs, and a terminal for it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "box.h"

/* Enter the namespaces of the box; from the fork after this on, also its pid namespace. */
static int join(pid_t box)
{
	static const char *const kinds[] = {"user", "mnt", "ipc", "uts", "net", "cgroup", "pid"};
	enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };
	char path[64];
	int fds[KINDS];

	for (int i = 0; i < KINDS; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)box, kinds[i]);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
	for (int i = 0; i < KINDS; i++)
		if (setns(fds[i], 0) < 0)
			return box_fail("cannot join the box:", kinds[i]);
	return 0;
}

static int become(unsigned int id)
{
	if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		return box_fail("cannot become", "another user of the box");
	return 0;
}

pid_t box_start_other(pid_t box)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (join(box) < 0)
		_exit(125);
	pid = fork();
	if (pid == 0) {
		if (become(4242) < 0)
			_exit(125);
		/* A change of the uid has cleared it. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		execle("/opt/escape/escape", "escape", "--sit", (char *)NULL,
		       (char *[]){"SECRET=of-another-user", NULL});
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
	_exit(0);
}

/* PID 1's bounding set, once it has dropped what it does not need. */
static unsigned long long bounding_of(pid_t pid)
{
	unsigned long long set = ~0ULL;

	for (int tries = 0; tries < 100; tries++, usleep(20000)) {
		char path[64], line[256];
		FILE *f;

		(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
		f = fopen(path, "re");
		if (!f)
			return 0;
		while (fgets(line, sizeof(line), f))
			if (sscanf(line, "CapBnd: %llx", &set) == 1)
				break;
		(void)fclose(f);
		if (!(set >> 21 & 1)) /* CAP_SYS_ADMIN */
			break;
	}
	return set;
}

int box_run_beside(pid_t box, char **command)
{
	unsigned long long keep = bounding_of(box);
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (join(box) < 0)
			_exit(125);
		pid = fork();
		if (pid == 0) {
			if (become(0) < 0)
				_exit(125);
			for (unsigned long cap = 0; cap < 64; cap++)
				if (!(keep >> cap & 1))
					(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
			(void)setsid();
			box_execute(command);
			_exit(125);
		}
		(void)waitpid(pid, &status, 0);
		_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

int box_open_terminal(struct box *b)
{
	struct termios t;
	char *name;

	b->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (b->master < 0 || grantpt(b->master) < 0 || unlockpt(b->master) < 0)
		return box_fail("cannot open", "a terminal");
	name = ptsname(b->master);
	b->terminal = name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
	if (b->terminal < 0 || tcgetattr(b->terminal, &t) < 0)
		return box_fail("cannot open", "the terminal's other end");
	t.c_oflag &= ~(tcflag_t)OPOST;
	/* The application's user must be able to open it by /dev/tty's other name, too. */
	if (tcsetattr(b->terminal, TCSANOW, &t) < 0 || fchmod(b->terminal, 0666) < 0)
		return box_fail("cannot set", "the terminal");
	return 0;
}

int box_take_terminal(int fd)
{
	if (ioctl(fd, TIOCSCTTY, 0) < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		return box_fail("cannot take", "the terminal");
	return 0;
}

void box_copy_terminal(const struct box *b)
{
	char buf[4096];
	ssize_t n;

	close(b->terminal);
	/* EIO: nobody has the other end any more. */
	while ((n = read(b->master, buf, sizeof(buf))) > 0)
		(void)!write(STDOUT_FILENO, buf, (size_t)n);
}
