/* SPDX-License-Identifier: Apache-2.0 */
#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "text.h"

#define STEP "attach"
#define BENEATH (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

static int open_at(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int place_open(const struct instance *i, struct place *out, struct finding *f)
{
	struct statfs fs;
	struct stat theirs, ours;

	out->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	out->dev = open_at(i->root, "dev", O_PATH | O_DIRECTORY, 0,
			   RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (out->proc < 0 || out->dev < 0)
		return finding_set(f, 0, STEP, out->dev < 0 ? -out->dev : errno,
				   "cannot open the instance's /dev", NULL, NULL);
	if (fstatfs(out->dev, &fs) < 0 || fstat(out->dev, &theirs) < 0 || stat("/dev", &ours) < 0)
		return finding_set(f, 0, STEP, errno, "cannot look at the instance's /dev", NULL,
				   NULL);
	/* Elsewhere the files to mount on would outlive the instance. */
	if (fs.f_type != TMPFS_MAGIC || theirs.st_dev == ours.st_dev)
		return finding_set(f, 0, STEP, 0, "the instance's /dev is not a tmpfs of its own",
				   NULL, "leave lxc.autodev at 1");
	return 0;
}

void place_close(struct place *p)
{
	if (p->proc >= 0)
		close(p->proc);
	if (p->dev >= 0)
		close(p->dev);
}

int place_directory(const struct place *p, const char *name)
{
	return mkdirat(p->dev, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int fails(struct finding *f, int r, const char *what, const struct node *n, const char *hint)
{
	return finding_set(f, 0, STEP, -r, what, n->name, hint);
}

static const char *base_name(const struct node *n)
{
	const char *slash = strrchr(n->name, '/');

	return slash ? slash + 1 : n->name;
}

/* The directory of a node below /dev. Return: a descriptor of the caller's, or -errno. */
static int open_parent(const struct place *p, const struct node *n, bool create)
{
	char dir[NODE_NAME_SIZE];
	const char *slash = strchr(n->name, '/');
	int fd;

	if (!slash)
		return open_at(p->dev, ".", O_PATH | O_DIRECTORY, 0, BENEATH);
	memcpy(dir, n->name, (size_t)(slash - n->name));
	dir[slash - n->name] = '\0';
	fd = open_at(p->dev, dir, O_PATH | O_DIRECTORY, 0, BENEATH | RESOLVE_NO_XDEV);
	if (fd != -ENOENT || !create)
		return fd;
	if (mkdirat(p->dev, dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	return open_at(p->dev, dir, O_PATH | O_DIRECTORY, 0, BENEATH | RESOLVE_NO_XDEV);
}

static bool is_node(int fd, dev_t rdev)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == rdev;
}

/* What stands at a node's place? Return: 1 such a node, 0 nothing, -errno. */
static int look(int dir, const struct node *n)
{
	int fd = open_at(dir, base_name(n), O_PATH | O_NOFOLLOW, 0, BENEATH);
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = is_node(fd, n->rdev) ? 1 : -EEXIST;
	close(fd);
	return r;
}

/* A file to mount on: a new one, or an empty one that a former device has left. */
static int open_target(int dir, const struct node *n)
{
	const uint64_t resolve = BENEATH | RESOLVE_NO_XDEV;
	int fd =
		open_at(dir, base_name(n), O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, resolve);
	struct stat st;

	if (fd != -EEXIST)
		return fd;
	fd = open_at(dir, base_name(n), O_PATH | O_NOFOLLOW, 0, resolve);
	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size))
		return fd;
	close(fd);
	return -EEXIST;
}

int attach(const struct place *p, const struct node *n, int tree, struct finding *f)
{
	int dir = open_parent(p, n, true);
	int target;
	int r;

	if (dir < 0)
		return fails(f, dir, "cannot make or open the directory of", n,
			     "something else is at that place in the instance");
	target = open_target(dir, n);
	if (target < 0) {
		r = look(dir, n);
		close(dir);
		if (r == 1)
			return 1;
		return fails(f, target, "cannot create", n,
			     "something else is at that place in the instance");
	}
	r = (int)syscall(SYS_move_mount, tree, "", target, "",
			 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	if (r < 0)
		r = -errno;
	close(target);
	if (r < 0)
		(void)unlinkat(dir, base_name(n), 0);
	close(dir);
	return r < 0 ? fails(f, r, "cannot mount", n, NULL) : 0;
}

/* For calls that take a path only: by the host's /proc, for the container's may be anything. */
static void name_fd(int fd, char path[32])
{
	struct text t;

	text_begin(&t, path, 32);
	text_str(&t, "self/fd/");
	text_num(&t, (uint64_t)(unsigned int)fd);
}

/* MNT_DETACH because the descriptor keeps it busy. */
static int umount_fd(const struct place *p, int fd)
{
	char path[32];

	name_fd(fd, path);
	if (fchdir(p->proc) < 0 || umount2(path, MNT_DETACH) < 0)
		return -errno;
	return 0;
}

/* Else it is gone, or put somewhere else by the container: what is there is the container's. */
static bool is_given(int fd, const struct node *n)
{
	struct stat st;

	return is_node(fd, n->rdev) && fstat(fd, &st) == 0 && st.st_dev == n->fs &&
	       st.st_ino == n->ino;
}

/* Root inside owns it, and could undo the mode alone. */
static int close_inode(const struct place *p, int fd)
{
	char path[32];

	name_fd(fd, path);
	if (fchownat(fd, "", 0, 0, AT_EMPTY_PATH) < 0 || fchmodat(p->proc, path, 0, 0) < 0)
		return -errno;
	return 0;
}

int withdraw(const struct place *p, const struct node *n, struct finding *f)
{
	int dir = open_parent(p, n, false);
	int fd = dir < 0 ? dir : open_at(dir, base_name(n), O_PATH | O_NOFOLLOW, 0, BENEATH);
	int r = 0;

	if (fd >= 0) {
		r = is_given(fd, n) ? close_inode(p, fd) : 0;
		close(fd);
	}
	if (dir >= 0)
		close(dir);
	if (r < 0)
		return finding_set(f, 0, "withdraw", -r, "cannot close", n->name,
				   "copies of it are closed by a restart of the instance");
	return 0;
}

/* Not its directory: the application's Landlock rule is of that one, and of none made anew. */
static void remove_target(int dir, const struct node *n)
{
	struct stat st;

	if (fstatat(dir, base_name(n), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    !st.st_size)
		(void)unlinkat(dir, base_name(n), 0);
}

int detach(const struct place *p, const struct node *n, struct finding *f)
{
	int dir = open_parent(p, n, false);
	int fd = dir < 0 ? dir : open_at(dir, base_name(n), O_PATH | O_NOFOLLOW, 0, BENEATH);
	int r = 0;

	if (fd >= 0 && is_given(fd, n))
		r = umount_fd(p, fd);
	if (fd >= 0)
		close(fd);
	if (dir >= 0 && r == 0)
		remove_target(dir, n);
	if (dir >= 0)
		close(dir);
	if (r < 0)
		return finding_set(f, 0, "detach", -r, "cannot unmount", n->name, NULL);
	return 0;
}
