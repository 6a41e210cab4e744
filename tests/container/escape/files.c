/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are not its own: secrets, the system, the supervisor's program; and exec. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "escape.h"

static void read_helper(struct run *r)
{
	char path[256], buf[32];
	long fd, n;

	(void)snprintf(path, sizeof(path), "%s/%s", r->config->helpers, r->attempt->text);
	if (faccessat(AT_FDCWD, path, F_OK, 0) < 0)
		skip(r, "no %s (escape --prepare=DIR)", path);
	fd = call(r, SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		refused_path(r, path, R_OK);
	n = call(r, SYS_read, fd, buf, sizeof(buf));
	if (n <= 0)
		refused(r);
	reached(r, "%ld bytes of %s", n, path);
}

static void create_in(struct run *r)
{
	char path[128];
	long fd;

	if (access(r->attempt->text, F_OK) < 0)
		skip(r, "there is no %s", r->attempt->text);
	(void)snprintf(path, sizeof(path), "%s/escape-%d", r->attempt->text, (int)getpid());
	fd = call(r, SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		refused_path(r, r->attempt->text, W_OK);
	(void)unlink(path);
	reached(r, "made %s", path);
}

static void read_file(struct run *r)
{
	if (access(r->attempt->text, F_OK) < 0)
		skip(r, "there is no %s", r->attempt->text);
	if (call(r, SYS_openat, AT_FDCWD, r->attempt->text,
		 O_RDONLY | O_CLOEXEC | r->attempt->number) < 0)
		refused_path(r, r->attempt->text, R_OK);
	reached(r, "%s is open", r->attempt->text);
}

static void link_in(struct run *r)
{
	char path[128];

	if (access(r->attempt->text, F_OK) < 0)
		skip(r, "there is no %s", r->attempt->text);
	(void)snprintf(path, sizeof(path), "%s/escape-%d", r->attempt->text, (int)getpid());
	if (call(r, SYS_symlinkat, "/etc/passwd", AT_FDCWD, path) < 0)
		refused_path(r, r->attempt->text, W_OK);
	(void)unlink(path);
	reached(r, "made %s", path);
}

static void append_to(struct run *r)
{
	if (access(r->attempt->text, F_OK) < 0)
		skip(r, "there is no %s", r->attempt->text);
	if (call(r, SYS_openat, AT_FDCWD, r->attempt->text, O_WRONLY | O_APPEND | O_CLOEXEC) < 0)
		refused_path(r, r->attempt->text, W_OK);
	reached(r, "%s is open for writing", r->attempt->text);
}

static void change_mode(struct run *r)
{
	struct stat st;

	if (stat(r->attempt->text, &st) < 0)
		skip(r, "there is no %s", r->attempt->text);
	if (call(r, SYS_fchmodat, AT_FDCWD, r->attempt->text, st.st_mode & 07777) < 0)
		refused(r);
	reached(r, "may change the mode of %s", r->attempt->text);
}

static void rename_system(struct run *r)
{
	if (access("/etc", F_OK) < 0)
		skip(r, "there is no /etc");
	if (call(r, SYS_renameat2, AT_FDCWD, "/etc", AT_FDCWD, "/etc-escape", 0) < 0)
		refused(r);
	(void)rename("/etc-escape", "/etc");
	reached(r, "/etc had another name");
}

/* CVE-2019-5736: whoever writes this program runs as root at the next start. */
static void write_shim(struct run *r)
{
	const char *path = r->attempt->text ? r->attempt->text : r->config->shim;

	if (!r->attempt->text && access(path, F_OK) < 0)
		skip(r, "there is no %s (--shim=FILE)", path);
	if (call(r, SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC) < 0)
		refused_path(r, path, W_OK);
	reached(r, "%s is open for writing", path);
}

static void replace_shim(struct run *r)
{
	char other[256];

	if (access(r->config->shim, F_OK) < 0)
		skip(r, "there is no %s (--shim=FILE)", r->config->shim);
	(void)snprintf(other, sizeof(other), "%.240s.escape", r->config->shim);
	if (call(r, SYS_renameat2, AT_FDCWD, r->config->shim, AT_FDCWD, other, 0) < 0)
		refused(r);
	(void)rename(other, r->config->shim);
	reached(r, "%s had another name", r->config->shim);
}

/* Runs a copy of this program from a directory that can be written to. */
static void run_copy(struct run *r)
{
	char path[128], buf[65536];
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const char *dir = strcmp(r->attempt->text, "HOME") ? r->attempt->text : getenv("HOME");
	int out, status = 0;
	ssize_t n;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/escape-XXXXXX", dir ? dir : "");
	out = mkostemp(path, O_CLOEXEC);
	if (in < 0 || out < 0)
		blocked(r, "nothing can be written there: %s", errno_name(errno));
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			break;
	(void)fchmod(out, 0700);
	close(out);
	pid = fork();
	if (pid == 0) {
		close(1);
		(void)open("/dev/null", O_WRONLY);
		execve(path, (char *[]){path, (char[]){"--gain"}, NULL}, (char *[]){NULL});
		_exit(errno == EACCES ? 113 : 114);
	}
	(void)waitpid(pid, &status, 0);
	(void)unlink(path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		reached(r, "a program of its own ran from %s", r->attempt->text);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 113)
		blocked(r, "EACCES (a noexec mount, or Landlock)");
	blocked(r, "status 0x%x", status);
}

static void run_memory(struct run *r)
{
	char path[40], buf[65536];
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	long out = call(r, SYS_memfd_create, "escape", 0);
	int status = 0;
	ssize_t n;
	pid_t pid;

	if (out < 0)
		refused(r);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write((int)out, buf, (size_t)n) != n)
			break;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%ld", out);
	pid = fork();
	if (pid == 0) {
		close(1);
		(void)open("/dev/null", O_WRONLY);
		execve(path, (char *[]){path, (char[]){"--gain"}, NULL}, (char *[]){NULL});
		_exit(114);
	}
	(void)waitpid(pid, &status, 0);
	if (status == 0)
		reached(r, "a program of its own ran from memory");
	blocked(r, "status 0x%x", status);
}

/* Beyond the root by the way up from a directory: the working directory, then /proc links. */
static void climb(struct run *r)
{
	struct stat root, here;
	int fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (stat("/", &root) < 0 || fd < 0)
		broken(r, "stat: %s", errno_name(errno));
	for (int i = 0; i < 64; i++) {
		int up;

		if (fstat(fd, &here) == 0 && here.st_dev == root.st_dev &&
		    here.st_ino == root.st_ino)
			blocked(r, "the root directory is %d above", i);
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			blocked(r, "%s on the way up", errno_name(errno));
		close(fd);
		fd = up;
	}
	reached(r, "64 directories up, and none of them was the root");
}

static void immutable(struct run *r)
{
	char path[] = "/tmp/escape-XXXXXX";
	int fd = mkstemp(path);
	int flags = 0;

	if (fd < 0)
		skip(r, "/tmp: %s", errno_name(errno));
	(void)unlink(path);
	if (call(r, SYS_ioctl, fd, FS_IOC_GETFLAGS, &flags) < 0)
		skip(r, "the file system of /tmp has no flags");
	flags |= FS_IMMUTABLE_FL;
	if (call(r, SYS_ioctl, fd, FS_IOC_SETFLAGS, &flags) < 0)
		refused(r);
	flags &= ~FS_IMMUTABLE_FL;
	(void)syscall(SYS_ioctl, fd, FS_IOC_SETFLAGS, &flags);
	reached(r, "made a file immutable");
}

static void trusted_xattr(struct run *r)
{
	if (call(r, SYS_setxattr, "/tmp", r->attempt->text, "x", 1, 0) < 0)
		refused(r);
	reached(r, "wrote %s", r->attempt->text);
}

#define LL NEEDS_LANDLOCK

const struct attempt attempts_files[] = {
	{"file.owner-only", "read a file of root's, mode 0600", read_helper, 0, "owner-only", BLOCK,
	 0},
	{"file.group-only", "read a file of root's group, mode 0640", read_helper, 0, "group-only",
	 BLOCK, 0},
	{"file.make-root", "make a file in /", create_in, 0, "/", BLOCK, 0},
	{"file.make-etc", "make a file in /etc", create_in, 0, "/etc", BLOCK, 0},
	{"file.make-usr", "make a file in /usr", create_in, 0, "/usr", BLOCK, 0},
	{"file.make-opt", "make a file in /opt", create_in, 0, "/opt", BLOCK, 0},
	{"file.make-dev", "make a file in /dev", create_in, 0, "/dev", BLOCK, 0},
	{"file.make-run", "make a file in /run", create_in, 0, "/run", BLOCK, 0},
	{"file.passwd", "write /etc/passwd", append_to, 0, "/etc/passwd", BLOCK, 0},
	{"file.shadow", "write /etc/shadow", append_to, 0, "/etc/shadow", BLOCK, 0},
	{"file.mode", "chmod /etc", change_mode, 0, "/etc", BLOCK, 0},
	{"file.rename", "rename /etc", rename_system, 0, NULL, BLOCK, 0},
	{"file.shim", "write the supervisor's program", write_shim, 0, NULL, BLOCK, 0},
	{"file.shim-by-proc", "write /proc/1/exe", write_shim, 0, "/proc/1/exe", BLOCK, 0},
	{"file.shim-rename", "rename the supervisor's program", replace_shim, 0, NULL, BLOCK, 0},
	{"file.own-program", "write /proc/self/exe", write_shim, 0, "/proc/self/exe", BLOCK, 0},
	{"file.climb", "walk up past the root", climb, 0, NULL, BLOCK, 0},
	{"file.immutable", "make a file immutable", immutable, 0, NULL, BLOCK, 0},
	{"file.trusted-xattr", "a trusted extended attribute", trusted_xattr, 0, "trusted.escape",
	 BLOCK, 0},
	{"file.security-xattr", "a security extended attribute", trusted_xattr, 0,
	 "security.escape", BLOCK, 0},
	{"file.write-srv", "write to a world-writable /srv", create_in, 0, "/srv", BLOCK, LL},
	{"file.write-var", "write to a world-writable /var/lib/escape", create_in, 0,
	 "/var/lib/escape", BLOCK, LL},
	{"file.read-root", "read a readable file in /root", read_file, 0, "/root/secret", BLOCK,
	 LL},
	{"file.read-log", "read a readable log", read_file, 0, "/var/log/readable", BLOCK, LL},
	{"file.list-srv", "list /srv", read_file, O_DIRECTORY, "/srv", BLOCK, LL},
	{"file.link-srv", "make a link in /srv", link_in, 0, "/srv", BLOCK, LL},
	{"file.run-tmp", "run a program from /tmp", run_copy, 0, "/tmp", BLOCK, LL},
	{"file.run-shm", "run a program from /dev/shm", run_copy, 0, "/dev/shm", BLOCK, LL},
	{"file.run-home", "run a program from its home", run_copy, 0, "HOME", BLOCK, LL},
	{"file.run-memory", "run a program from memory", run_memory, 0, NULL, OPEN, 0},
	{0},
};
