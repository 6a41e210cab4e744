/* SPDX-License-Identifier: Apache-2.0 */
/* Helper files and modes, and small things that several attempts use. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "escape.h"

ssize_t slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	buf[n < 0 ? 0 : n] = '\0';
	return n;
}

long long status_value(const char *pid, const char *key, int base)
{
	char path[64], buf[4096];
	char *at;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%s/status", pid);
	n = slurp(path, buf, sizeof(buf));
	if (n < 0)
		return n;
	at = strstr(buf, key);
	if (!at || at[strlen(key)] != ':')
		return -ENOENT;
	return (long long)strtoull(at + strlen(key) + 1, NULL, base);
}

int in_child(int (*child)(void *arg), void *arg)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(child(arg));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int failed(const char *what, const char *name)
{
	(void)fprintf(stderr, "escape: prepare: %s %s: %s\n", what, name, strerror(errno));
	return 1;
}

static int copy(const char *from, int dir, const char *name, mode_t mode)
{
	char buf[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out;
	ssize_t n;

	if (in < 0)
		return failed("cannot open", from);
	(void)unlinkat(dir, name, 0);
	out = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0) {
		close(in);
		return failed("cannot create", name);
	}
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			n = -1;
	close(in);
	/* The owner first: it takes set-id bits away. */
	if (n < 0 || fchown(out, 0, 0) < 0 || fchmod(out, mode) < 0 || close(out) < 0)
		return failed("cannot write", name);
	return 0;
}

static int put(int dir, const char *name, const char *text, mode_t mode)
{
	int out;

	(void)unlinkat(dir, name, 0);
	out = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0 || write(out, text, strlen(text)) < 0 || fchown(out, 0, 0) < 0 ||
	    fchmod(out, mode) < 0 || close(out) < 0)
		return failed("cannot write", name);
	return 0;
}

/* Every capability, permitted and effective. In a user namespace the kernel adds its root. */
static int give_capabilities(int dir, const char *name)
{
	struct vfs_cap_data caps = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = {{.permitted = 0xffffffff}, {.permitted = 0x1ff}},
	};
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsetxattr(fd, "security.capability", &caps, sizeof(caps), 0) < 0)
		return failed("cannot give capabilities to", name);
	close(fd);
	return 0;
}

int helper_prepare(const char *path, const char *self)
{
	int dir;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return failed("cannot create", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return failed("cannot open", path);
	if (copy(self, dir, "setuid", 04755) || copy(self, dir, "setgid", 02755) ||
	    copy(self, dir, "capable", 0755) || give_capabilities(dir, "capable") ||
	    put(dir, "owner-only", "secret of the owner\n", 0600) ||
	    put(dir, "group-only", "secret of the group\n", 0640) ||
	    put(dir, "read-only", "0123456789\n", 0644))
		return 1;
	close(dir);
	return 0;
}

/* What an exec of one of the helper programs gained, for the attempt that reads it. */
int helper_gain(void)
{
	printf("%d %d %llx\n", (int)geteuid(), (int)getegid(),
	       (unsigned long long)status_value("self", "CapEff", 16));
	return 0;
}

/* A process of another user, with a secret in its environment and in its memory. */
int helper_sit(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path + 1, SIT_SOCKET, strlen(SIT_SOCKET));
	/* Under a filter of its own, or as the second one, it sits without. */
	if (fd >= 0 &&
	    bind(fd, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(SIT_SOCKET))) == 0)
		(void)listen(fd, 8);
	for (;;)
		pause();
}
