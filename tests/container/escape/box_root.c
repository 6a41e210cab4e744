/* SPDX-License-Identifier: Apache-2.0 */
/* The root of a box: what LXC gives a container, and files for the attempts. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box.h"

static const struct {
	const char *path;
	mode_t mode;
} directories[] = {
	{"proc", 0755},
	{"sys", 0755},
	{"dev", 0755},
	{"dev/pts", 0755},
	{"dev/shm", 01777},
	{"tmp", 01777},
	{"etc", 0755},
	{"usr", 0755},
	{"bin", 0755},
	{"sbin", 0755},
	{"lib", 0755},
	{"lib64", 0755},
	{"opt", 0755},
	{"opt/escape", 0755},
	{"opt/stremio-shim", 0755},
	{"root", 0755},
	{"home", 0755},
	{"home/nobody", 0755},
	{"run", 0755},
	{"srv", 0777},
	{"var", 0755},
	{"var/lib", 0755},
	{"var/lib/escape", 0777},
	{"var/tmp", 01777},
	{"var/log", 0755},
};

static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};

/* The application's user is there by name, so that launchers that look it up find it. */
static const struct {
	const char *path, *text;
	mode_t mode;
} texts[] = {
	{"etc/passwd",
	 "root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532::/home/nobody:/bin/sh\n", 0644},
	{"etc/group", "root:x:0:\nshadow:x:42:\nnonroot:x:65532:\n", 0644},
	{"etc/shadow", "root:secret:1::::::\n", 0640},
	{"root/secret", "of root's home\n", 0644},
	{"var/log/readable", "a log\n", 0644},
};

static int copy(const char *from, const char *to, mode_t mode)
{
	static char buf[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = -1;

	if (in >= 0 && out >= 0)
		while ((n = read(in, buf, sizeof(buf))) > 0)
			if (write(out, buf, (size_t)n) != n)
				return box_fail("cannot write", to);
	if (n < 0 || fchmod(out, mode) < 0)
		return box_fail("cannot copy", from);
	close(in);
	close(out);
	return 0;
}

/* FROM:TO:MODE, TO inside. */
static int put_file(const char *spec)
{
	char from[256], to[256];
	unsigned int mode;

	if (sscanf(spec, "%255[^:]:/%255[^:]:%o", from, to, &mode) != 3) {
		errno = EINVAL;
		return box_fail("cannot understand", spec);
	}
	return copy(from, to, (mode_t)mode);
}

static int bind_from(const char *machine, const char *here, unsigned long flags)
{
	if (mount(machine, here, NULL, MS_BIND | flags, NULL) < 0)
		return box_fail("cannot bind", machine);
	return 0;
}

static int make_dev(void)
{
	if (mount("none", "dev", "tmpfs", MS_NOSUID, "mode=755,size=512k") < 0 ||
	    mkdir("dev/pts", 0755) < 0 || mkdir("dev/shm", 0755) < 0 || chmod("dev/shm", 01777) < 0)
		return box_fail("cannot make", "dev");
	if (mount("none", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		  "newinstance,ptmxmode=666,mode=620") < 0)
		return box_fail("cannot mount", "dev/pts");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		char machine[32];
		int fd;

		(void)snprintf(machine, sizeof(machine), "/dev/%s", nodes[i]);
		fd = open(machine + 1, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		if (fd < 0)
			return box_fail("cannot create", machine);
		close(fd);
		if (bind_from(machine, machine + 1, 0) < 0)
			return -1;
	}
	if (symlink("pts/ptmx", "dev/ptmx") < 0 || symlink("/proc/self/fd", "dev/fd") < 0)
		return box_fail("cannot link", "dev/ptmx");
	return 0;
}

/* The machine's own programs, and the few files of /etc that they start with. */
static int bind_programs(void)
{
	static const char *const trees[] = {"/usr", "/bin", "/sbin", "/lib", "/lib64"};
	static const char *const etc[] = {"/etc/ld.so.cache", "/etc/alternatives", "/etc/firejail",
					  "/etc/nsswitch.conf"};
	struct stat st;

	for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
		if (stat(trees[i], &st) == 0 && bind_from(trees[i], trees[i] + 1, MS_REC) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(etc) / sizeof(etc[0]); i++) {
		if (stat(etc[i], &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			(void)mkdir(etc[i] + 1, 0755);
		else
			close(open(etc[i] + 1, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
		if (bind_from(etc[i], etc[i] + 1, MS_REC) < 0)
			return -1;
	}
	return 0;
}

/* As in an instance with a NIC. */
static int raise_loopback(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		return box_fail("cannot raise", "lo");
	close(fd);
	return 0;
}

static int make_proc_and_sys(void)
{
	if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return box_fail("cannot mount", "proc");
	if (mount("sysfs", "sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 &&
	    bind_from("/sys", "sys", MS_REC) < 0)
		return -1;
	/* As on a unified host; on others the directory stays empty. */
	(void)mount("cgroup2", "sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	return 0;
}

int box_make_root(const struct box *b)
{
	char here[512];

	if (!getcwd(here, sizeof(here)) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("root", b->root, "tmpfs", 0, "mode=755") < 0)
		return box_fail("cannot mount", b->root);
	/* Files are named from where the box was started. */
	for (int i = 0; i < b->file_count; i++)
		if (b->files[i][0] != '/') {
			errno = EINVAL;
			return box_fail("not an absolute path:", b->files[i]);
		}
	if (chdir(b->root) < 0)
		return box_fail("cannot enter", b->root);
	(void)umask(0);
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		if (mkdir(directories[i].path, directories[i].mode) < 0)
			return box_fail("cannot make", directories[i].path);
	(void)umask(022);
	if (chown("home/nobody", 65532, 65532) < 0)
		return box_fail("cannot give away", "home/nobody");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int fd = open(texts[i].path, O_CREAT | O_WRONLY | O_CLOEXEC, texts[i].mode);

		if (fd < 0 || write(fd, texts[i].text, strlen(texts[i].text)) < 0)
			return box_fail("cannot write", texts[i].path);
		close(fd);
	}
	for (int i = 0; i < b->file_count; i++)
		if (put_file(b->files[i]) < 0)
			return -1;
	if (raise_loopback() < 0 || make_dev() < 0 || make_proc_and_sys() < 0 ||
	    (b->programs && bind_programs() < 0))
		return -1;
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return box_fail("cannot pivot to", b->root);
	return 0;
}
