// SPDX-License-Identifier: Apache-2.0
// reach WORD:ARG...: what the application may do, one line `WORD ARG=ok` or `WORD ARG=ERRNO` each.
//   list DIR   read FILE   write FILE   create FILE   execute FILE   mkdir DIR   device FILE (open
//   and ioctl)   rename FROM,TO   kill PID   abstract NAME (connect)   truncate FILE
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int opened(int fd)
{
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int execute(const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl(path, path, (char *)NULL);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
	return errno ? -1 : 0;
}

static int device(const char *path)
{
	int n, fd = open(path, O_RDWR | O_NOCTTY);
	int r = fd < 0 ? -1 : ioctl(fd, FIONREAD, &n);

	/* /dev/zero and its like know no ioctl; EACCES would be Landlock's. */
	return r < 0 && (errno == ENOTTY || errno == EINVAL) ? 0 : r;
}

static int abstract(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(a.sun_path + 1, name, strlen(name));
	return connect(fd, (void *)&a,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)));
}

static int do_it(const char *word, char *arg)
{
	char *to;

	if (!strcmp(word, "list"))
		return opened(open(arg, O_RDONLY | O_DIRECTORY));
	if (!strcmp(word, "read"))
		return opened(open(arg, O_RDONLY));
	if (!strcmp(word, "write"))
		return opened(open(arg, O_WRONLY));
	if (!strcmp(word, "create"))
		return opened(open(arg, O_WRONLY | O_CREAT, 0755));
	if (!strcmp(word, "truncate"))
		return truncate(arg, 0);
	if (!strcmp(word, "mkdir"))
		return mkdir(arg, 0755);
	if (!strcmp(word, "execute"))
		return execute(arg);
	if (!strcmp(word, "device"))
		return device(arg);
	if (!strcmp(word, "kill"))
		return kill(atoi(arg), SIGURG);
	if (!strcmp(word, "abstract"))
		return abstract(arg);
	if (!strcmp(word, "rename") && (to = strchr(arg, ','))) {
		*to = '\0';
		return rename(arg, to + 1);
	}
	errno = ENOTSUP;
	return -1;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *arg = strchr(argv[i], ':');

		if (!arg)
			return 2;
		*arg++ = '\0';
		if (do_it(argv[i], arg) == 0)
			printf("%s %s=ok\n", argv[i], arg);
		else
			printf("%s %s=%s\n", argv[i], arg,
			       errno == EACCES	       ? "EACCES"
			       : errno == EPERM	       ? "EPERM"
			       : errno == EXDEV	       ? "EXDEV"
			       : errno == ECONNREFUSED ? "ECONNREFUSED"
						       : strerror(errno));
	}
	return 0;
}
