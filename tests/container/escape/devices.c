/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes that an application does not need, and what those it needs let it do. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escape.h"

#define DRM_IOCTL_SET_MASTER_ _IO('d', 0x1e)
#define DRM_IOCTL_DROP_MASTER_ _IO('d', 0x1f)

/* Any node that the pattern finds. */
static void open_node(struct run *r)
{
	glob_t g;
	char first[128] = "";

	if (glob(r->attempt->text, 0, NULL, &g) != 0)
		skip(r, "there is no %s", r->attempt->text);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		int flags = r->attempt->number ? (int)r->attempt->number : O_RDONLY;

		if (call(r, SYS_openat, AT_FDCWD, g.gl_pathv[i],
			 flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) >= 0)
			reached(r, "%s is open", g.gl_pathv[i]);
		(void)snprintf(first, sizeof(first), "%.120s", g.gl_pathv[i]);
	}
	refused_path(r, first, R_OK);
}

/* A primary node lets its first user set modes and read other clients' buffers. */
static void drm_master(struct run *r)
{
	glob_t g;

	if (glob("/dev/dri/card*", 0, NULL, &g) != 0)
		skip(r, "there is no /dev/dri/card*");
	for (size_t i = 0; i < g.gl_pathc; i++) {
		long fd = call(r, SYS_openat, AT_FDCWD, g.gl_pathv[i], O_RDWR | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (call(r, SYS_ioctl, fd, DRM_IOCTL_SET_MASTER_, 0) == 0) {
			(void)ioctl((int)fd, DRM_IOCTL_DROP_MASTER_, 0);
			reached(r, "DRM master of %s", g.gl_pathv[i]);
		}
	}
	refused(r);
}

static void list_foreign(struct run *r)
{
	static const char *const known[] = {"null",    "zero",	 "full", "random",
					    "urandom", "tty",	 "ptmx", "stdin",
					    "stdout",  "stderr", "fd",	 "console"};
	char found[160] = "";
	DIR *d = opendir("/dev");
	struct dirent *e;
	int n = 0;

	if (!d)
		skip(r, "/dev: %s", errno_name(errno));
	/* cppcheck-suppress readdirCalled */
	while ((e = readdir(d))) {
		char path[300];
		struct stat st;
		bool is_known = false;
		int fd;

		(void)snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		if (lstat(path, &st) < 0 || (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)))
			continue;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			is_known |= !strcmp(known[i], e->d_name);
		if (is_known)
			continue;
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			continue;
		close(fd);
		if (n++ < 4)
			(void)snprintf(found + strlen(found), sizeof(found) - strlen(found),
				       " %.30s", e->d_name);
	}
	closedir(d);
	if (n)
		reached(r, "%d more devices can be opened:%s", n, found);
	blocked(r, "no other device in /dev can be opened");
}

#define NODE(name, path, flags)                                                \
	{                                                                      \
		"device." name, "open " path, open_node, flags, path, BLOCK, 0 \
	}

const struct attempt attempts_devices[] = {
	NODE("mem", "/dev/mem", O_RDONLY),
	NODE("kmsg", "/dev/kmsg", O_RDONLY),
	NODE("kmsg-write", "/dev/kmsg", O_WRONLY),
	NODE("disk", "/dev/[svhx]d[a-z]*", O_RDONLY),
	NODE("loop", "/dev/loop*", O_RDONLY),
	NODE("kvm", "/dev/kvm", O_RDWR),
	NODE("fuse", "/dev/fuse", O_RDWR),
	NODE("tun", "/dev/net/tun", O_RDWR),
	NODE("vhost", "/dev/vhost-*", O_RDWR),
	NODE("vsock", "/dev/vsock", O_RDONLY),
	NODE("userfaultfd", "/dev/userfaultfd", O_RDWR),
	NODE("console-tty", "/dev/tty[0-9]*", O_RDWR),
	NODE("serial", "/dev/ttyS*", O_RDWR),
	NODE("keyboard", "/dev/input/event*", O_RDONLY),
	NODE("uinput", "/dev/uinput", O_RDWR),
	NODE("framebuffer", "/dev/fb*", O_RDWR),
	NODE("camera", "/dev/video*", O_RDWR),
	NODE("screen-memory", "/dev/vcs*", O_RDONLY),
	NODE("mapper", "/dev/mapper/control", O_RDWR),
	NODE("autofs", "/dev/autofs", O_RDONLY),
	{"device.others", "open any device that is no terminal or source of bytes", list_foreign, 0,
	 NULL, LATENT, 0},
	{"device.drm-master", "DRM master on a primary node", drm_master, 0, NULL, BLOCK, 0},
	{0},
};
