/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box: starts a command in a container of its own, as Incus would: user namespace with 65536
 * mapped ids, mount, pid, ipc, uts, network and cgroup namespace, an empty root of its own with
 * /proc, /sys, /dev. Nothing that the command reaches in there has power outside.
 *
 *   box --root=EMPTYDIR [--file=FROM:TO:MODE]... [--programs] [--hard] [--sit]
 *       [--prepare] [--join] [--pty] [--listen=NAME] -- COMMAND [ARG]...
 *
 * --programs  the machine's programs and libraries are there, read-only
 * --hard      leave the command what a careless manager might: descriptors 9 (a secret file) and
 *             10 (a directory outside), a working directory outside, groups 0 and 42,
 *             inheritable capabilities
 * --sit       a process of uid 4242 beside the command: /opt/escape/escape --sit
 * --join      the shim with a sleeping application is PID 1, and COMMAND is run beside it as
 *             `incus exec` does: as root with PID 1's bounding set
 * --pty       give COMMAND a terminal, and copy what it prints
 * --listen    listen on an abstract socket of this machine's network namespace
 * --prepare   /opt/escape/helpers by /opt/escape/escape --prepare
 *
 * Exit status: the command's own, 128+N for a signal, 125 when the box was not made.
 */
#include "box.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAP "0 1000000 65536"

int box_fail(const char *what, const char *name)
{
	(void)fprintf(stderr, "box: %s %s: %s\n", what, name, strerror(errno));
	return -1;
}

void box_execute(char **command)
{
	execve(command[0], command,
	       (char *[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "container=lxc", "TERM=dumb",
			  "HOME=/home/nobody", NULL});
	(void)box_fail("cannot execute", command[0]);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = fd < 0 || write(fd, text, strlen(text)) < 0 ? box_fail("cannot write", path) : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

static int map_ids(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	if (write_file(path, MAP) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
	return write_file(path, MAP);
}

/* What a careless manager leaves behind. @outside: a directory of the machine. */
static int leave_behind(int outside)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];
	static const gid_t groups[] = {0, 42};
	int secret = open("/opt/escape/helpers/owner-only", O_RDONLY);

	if (dup2(secret, 9) < 0 || dup2(outside, 10) < 0 || fchdir(outside) < 0 ||
	    setgroups(2, groups) < 0 || syscall(SYS_capget, &head, caps) < 0)
		return box_fail("cannot leave", "things behind");
	caps[0].inheritable = caps[0].permitted;
	caps[1].inheritable = caps[1].permitted;
	if (syscall(SYS_capset, &head, caps) < 0)
		return box_fail("cannot set", "inheritable capabilities");
	return 0;
}

static int run_prepare(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/opt/escape/escape", "escape", "--prepare=/opt/escape/helpers",
		      (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
		errno = ECHILD;
		return box_fail("cannot prepare", "/opt/escape/helpers");
	}
	return 0;
}

/* What is PID 1 while the command comes later. */
static const char *const first[] = {"/opt/stremio-shim/stremio-shim", "--", "/opt/escape/escape",
				    "--sit", NULL};

/* In the namespaces. Return: only on failure. */
static void inside(const struct box *b, int go, int made)
{
	char byte;
	int outside = open("/usr", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (read(go, &byte, 1) != 1 || setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
	    setresuid(0, 0, 0) < 0) {
		(void)box_fail("cannot become", "root of the box");
		return;
	}
	if (box_make_root(b) < 0 || (b->prepare && run_prepare() < 0))
		return;
	(void)sethostname("box", 3);
	if (setsid() < 0 && errno != EPERM)
		return;
	if (b->pty && box_take_terminal(b->terminal) < 0)
		return;
	if (write(made, "", 1) != 1 || (b->hard && leave_behind(outside) < 0))
		return;
	/* The other process is started by then, so that it can be found. */
	if (b->sit && read(go, &byte, 1) != 1)
		return;
	close(go);
	close(made);
	box_execute(b->join ? (char **)first : b->command);
}

/* A listener in this machine's network namespace, for the abstract socket attempt. */
static void listen_outside(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "%s", name);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))) < 0 ||
	    listen(fd, 8) < 0)
		(void)box_fail("cannot listen on", name);
}

static int parse(int argc, char **argv, struct box *b)
{
	static const struct option longs[] = {
		{"root", 1, NULL, 'r'},	  {"file", 1, NULL, 'f'}, {"programs", 0, NULL, 'p'},
		{"hard", 0, NULL, 'h'},	  {"sit", 0, NULL, 's'},  {"prepare", 0, NULL, 'e'},
		{"listen", 1, NULL, 'l'}, {"join", 0, NULL, 'j'}, {"pty", 0, NULL, 't'},
		{NULL, 0, NULL, 0},
	};
	int k;

	while ((k = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		if (k == 'r')
			b->root = optarg;
		else if (k == 'f' && b->file_count < BOX_FILES)
			b->files[b->file_count++] = optarg;
		else if (k == 'p')
			b->programs = true;
		else if (k == 'h')
			b->hard = true;
		else if (k == 's')
			b->sit = true;
		else if (k == 'e')
			b->prepare = true;
		else if (k == 'j')
			b->join = true;
		else if (k == 't')
			b->pty = true;
		else if (k == 'l')
			listen_outside(optarg);
		else
			return -1;
	}
	b->command = argv + optind;
	return b->root && *b->command ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct box b = {0};
	int go[2], made[2], status;
	pid_t pid, other = 0;
	long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |
		     CLONE_NEWCGROUP | CLONE_NEWPID | SIGCHLD;
	char byte;

	if (parse(argc, argv, &b) < 0) {
		(void)fputs("usage: box --root=EMPTYDIR [OPTION]... -- COMMAND...\n", stderr);
		return 64;
	}
	if (b.pty && box_open_terminal(&b) < 0)
		return 125;
	if (pipe2(go, O_CLOEXEC) < 0 || pipe2(made, O_CLOEXEC) < 0)
		return 125;
	pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (pid < 0)
		return box_fail("cannot make", "namespaces") + 126;
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		close(made[0]);
		inside(&b, go[0], made[1]);
		_exit(125);
	}
	close(go[0]);
	close(made[1]);
	if (map_ids(pid) < 0 || write(go[1], "", 1) != 1)
		kill(pid, SIGKILL);
	else if (read(made[0], &byte, 1) == 1 && b.sit) {
		other = box_start_other(pid);
		(void)write(go[1], "", 1);
	}
	close(go[1]);
	if (b.pty)
		box_copy_terminal(&b);
	if (b.join) {
		status = box_run_beside(pid, b.command);
		kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		if (other > 0) {
			kill(other, SIGKILL);
			(void)waitpid(other, NULL, 0);
		}
		return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (other > 0) {
		/* Its child goes by the parent-death signal. */
		kill(other, SIGKILL);
		(void)waitpid(other, NULL, 0);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
