/* SPDX-License-Identifier: Apache-2.0 */
/* The mount tree by the old calls and the new, the root directory, file handles, nodes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "escape.h"

#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* A directory to mount over, of its own. */
static const char *place(struct run *r)
{
	static char path[] = "/tmp/escape-XXXXXX";

	if (!mkdtemp(path))
		skip(r, "/tmp: %s", errno_name(errno));
	return path;
}

static void is_mounted(struct run *r, const char *path)
{
	struct stat here, above;

	if (stat(path, &here) == 0 && stat("/tmp", &above) == 0 && here.st_dev != above.st_dev) {
		(void)syscall(SYS_umount2, path, MNT_DETACH);
		(void)rmdir(path);
		reached(r, "%s is mounted", r->attempt->text);
	}
	blocked(r, "the kernel: nothing is mounted");
}

static void old_mount(struct run *r)
{
	const char *path = place(r);

	if (call(r, SYS_mount, "none", path, r->attempt->text, 0, NULL) < 0) {
		(void)rmdir(path);
		refused(r);
	}
	is_mounted(r, path);
}

static void bind_mount(struct run *r)
{
	const char *path = place(r);

	if (call(r, SYS_mount, r->attempt->text, path, NULL, MS_BIND | r->attempt->number, NULL) <
	    0) {
		(void)rmdir(path);
		refused(r);
	}
	is_mounted(r, path);
}

static void remount(struct run *r)
{
	if (call(r, SYS_mount, "none", r->attempt->text, NULL, r->attempt->number, NULL) < 0)
		refused(r);
	reached(r, "%s has other flags now", r->attempt->text);
}

static void unmount(struct run *r)
{
	/* Where it is allowed, later attempts shall still find it. */
	(void)syscall(SYS_unshare, CLONE_NEWNS);
	if (call(r, SYS_umount2, r->attempt->text, MNT_DETACH) < 0)
		refused(r);
	reached(r, "%s is not mounted any more", r->attempt->text);
}

static void new_filesystem(struct run *r)
{
	if (call(r, SYS_fsopen, r->attempt->text, 0) < 0)
		refused(r);
	reached(r, "a context for %s", r->attempt->text);
}

static void new_mount(struct run *r)
{
	const char *path = place(r);
	long fs = call(r, SYS_fsopen, "tmpfs", 0);
	long mnt;

	(void)rmdir(path);
	if (fs < 0 || call(r, SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		refused(r);
	mnt = call(r, SYS_fsmount, fs, 0, 0);
	if (mnt < 0)
		refused(r);
	reached(r, "a detached tmpfs");
}

/* Also without an fsopen before: each call on its own. */
static void bare(struct run *r)
{
	if (call(r, r->attempt->number, -1, "", -1, "", 0) >= 0)
		reached(r, "%s works", r->attempt->text);
	if (r->err == EBADF || r->err == EFAULT || r->err == EINVAL || r->err == ENOENT)
		reached(r, "%s looks at its arguments: %s", r->attempt->text, errno_name(r->err));
	refused(r);
}

static void open_tree(struct run *r)
{
	if (call(r, SYS_open_tree, AT_FDCWD, "/", r->attempt->number) < 0)
		refused(r);
	reached(r, "a descriptor of %s", r->attempt->number ? "a copy of the tree" : "a mount");
}

static void pick(struct run *r)
{
	if (call(r, SYS_fspick, AT_FDCWD, "/", 0) < 0)
		refused(r);
	reached(r, "a context for the root file system");
}

static void set_attributes(struct run *r)
{
	uint64_t attr[4] = {0};

	if (call(r, SYS_mount_setattr, AT_FDCWD, "/", 0, attr, sizeof(attr)) < 0)
		refused(r);
	reached(r, "may change the flags of the root mount");
}

static void pivot(struct run *r)
{
	/* Refused as it stands (EINVAL), were it allowed: the root must be a mount point. */
	if (call(r, SYS_pivot_root, ".", ".") == 0)
		reached(r, "the root is another");
	if (r->err == EINVAL || r->err == EBUSY)
		reached(r, "pivot_root looks at its arguments: %s", errno_name(r->err));
	refused(r);
}

/* The classic: chroot again, with the working directory left above. */
static void chroot_twice(struct run *r)
{
	const char *path = place(r);

	if (call(r, SYS_chroot, path) < 0) {
		(void)rmdir(path);
		refused(r);
	}
	for (int i = 0; i < 64; i++)
		(void)chdir("..");
	(void)call(r, SYS_chroot, ".");
	reached(r, "the root directory is another");
}

struct handle {
	unsigned int bytes;
	int type;
	unsigned char data[128];
};

static void name_to_handle(struct run *r)
{
	struct handle h = {.bytes = sizeof(h.data)};
	int mount;

	if (call(r, SYS_name_to_handle_at, AT_FDCWD, "/", &h, &mount, 0) < 0)
		refused(r);
	reached(r, "a handle of %u bytes for /", h.bytes);
}

/* By inode number, past every mount and directory permission ("shocker"). */
static void open_by_handle(struct run *r)
{
	struct handle h = {.bytes = 8, .type = 1, .data = {2}};
	int mount;
	long root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long fd;

	(void)syscall(SYS_name_to_handle_at, AT_FDCWD, "/", &h, &mount, 0);
	fd = call(r, SYS_open_by_handle_at, root, &h, O_RDONLY);
	if (fd >= 0)
		reached(r, "a descriptor of the root's inode");
	if (r->err == ESTALE)
		reached(r, "open_by_handle_at looks for the inode");
	refused(r);
}

static void make_node(struct run *r)
{
	const char *path = place(r);
	char node[64];
	dev_t dev = (dev_t)r->attempt->number;
	long made, fd;

	(void)snprintf(node, sizeof(node), "%s/node", path);
	made = call(r, SYS_mknodat, AT_FDCWD, node,
		    (r->attempt->text[0] == 'b' ? S_IFBLK : S_IFCHR) | 0600, dev);
	if (made < 0) {
		(void)rmdir(path);
		refused(r);
	}
	fd = call(r, SYS_openat, AT_FDCWD, node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	(void)unlink(node);
	(void)rmdir(path);
	if (fd < 0)
		reached(r, "a device node %s (that cannot be opened: %s)", r->attempt->text,
			errno_name(r->err));
	reached(r, "device %s, open", r->attempt->text);
}

#define NEW(name, nr)                                                        \
	{                                                                    \
		"mount." name, name " of its own", bare, nr, name, LATENT, 0 \
	}

const struct attempt attempts_mounts[] = {
	{"mount.tmpfs", "mount a tmpfs", old_mount, 0, "tmpfs", BLOCK, 0},
	{"mount.proc", "mount a fresh proc", old_mount, 0, "proc", BLOCK, 0},
	{"mount.sysfs", "mount a fresh sysfs", old_mount, 0, "sysfs", BLOCK, 0},
	{"mount.devpts", "mount a devpts", old_mount, 0, "devpts", BLOCK, 0},
	{"mount.mqueue", "mount an mqueue", old_mount, 0, "mqueue", BLOCK, 0},
	{"mount.cgroup", "mount a cgroup hierarchy (release_agent)", old_mount, 0, "cgroup", BLOCK,
	 0},
	{"mount.cgroup2", "mount the unified cgroup hierarchy", old_mount, 0, "cgroup2", BLOCK, 0},
	{"mount.securityfs", "mount securityfs", old_mount, 0, "securityfs", BLOCK, 0},
	{"mount.debugfs", "mount debugfs", old_mount, 0, "debugfs", BLOCK, 0},
	{"mount.bpf", "mount a bpf file system", old_mount, 0, "bpf", BLOCK, 0},
	{"mount.binfmt", "mount binfmt_misc", old_mount, 0, "binfmt_misc", BLOCK, 0},
	{"mount.bind", "bind /etc elsewhere", bind_mount, 0, "/proc", BLOCK, 0},
	{"mount.bind-recursive", "bind the whole tree elsewhere", bind_mount, MS_REC, "/proc",
	 BLOCK, 0},
	{"mount.remount-root", "remount / writable", remount, MS_REMOUNT | MS_BIND, "/", BLOCK, 0},
	{"mount.propagation", "make the mounts private", remount, MS_PRIVATE | MS_REC, "/", BLOCK,
	 0},
	{"mount.umount-proc", "unmount /proc", unmount, 0, "/proc", BLOCK, HARMFUL},
	{"mount.umount-dev", "unmount /dev", unmount, 0, "/dev", BLOCK, HARMFUL},
	{"mount.fsopen", "fsopen of a tmpfs", new_filesystem, 0, "tmpfs", BLOCK, 0},
	{"mount.fsmount", "fsopen, fsconfig, fsmount", new_mount, 0, NULL, BLOCK, 0},
	NEW("fsconfig", SYS_fsconfig),
	NEW("move_mount", SYS_move_mount),
	{"mount.open_tree", "open_tree of /", open_tree, 0, NULL, LATENT, 0},
	{"mount.open_tree-clone", "open_tree(OPEN_TREE_CLONE) of /", open_tree,
	 OPEN_TREE_CLONE | AT_RECURSIVE, NULL, BLOCK, 0},
	{"mount.fspick", "fspick of /", pick, 0, NULL, BLOCK, 0},
	{"mount.mount_setattr", "mount_setattr of /", set_attributes, 0, NULL, BLOCK, 0},
	{"mount.pivot_root", "pivot_root", pivot, 0, NULL, BLOCK, 0},
	{"mount.chroot", "chroot out of a chroot", chroot_twice, 0, NULL, BLOCK, NEEDS_USERNS_DENY},
	{"mount.name_to_handle_at", "a file handle", name_to_handle, 0, NULL, LATENT, 0},
	{"mount.open_by_handle_at", "open a file by its handle", open_by_handle, 0, NULL, BLOCK, 0},
	{"node.mem", "mknod of /dev/mem", make_node, 0x101, "c 1 1", BLOCK, 0},
	{"node.port", "mknod of /dev/port", make_node, 0x104, "c 1 4", BLOCK, 0},
	{"node.kmsg", "mknod of /dev/kmsg", make_node, 0x10b, "c 1 11", BLOCK, 0},
	{"node.tty", "mknod of /dev/tty1", make_node, 0x401, "c 4 1", BLOCK, 0},
	{"node.fuse", "mknod of /dev/fuse", make_node, 0xae5, "c 10 229", BLOCK, 0},
	{"node.disk", "mknod of a disk (8:0)", make_node, 0x800, "b 8 0", BLOCK, 0},
	{"node.virtual-disk", "mknod of a disk (254:0)", make_node, 0xfe00, "b 254 0", BLOCK, 0},
	{"node.loop", "mknod of /dev/loop0", make_node, 0x700, "b 7 0", BLOCK, 0},
	{0},
};
