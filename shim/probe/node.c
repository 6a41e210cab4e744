/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "text.h"

#define NOBODY 65534u /* who has no id in this user namespace shows as (user_namespaces(7)) */

static int compare(const void *a, const void *b)
{
	size_t la = strlen(a);
	size_t lb = strlen(b);

	return la != lb ? (la < lb ? -1 : 1) : strcmp(a, b);
}

static bool wanted(const char *name, const char *const words[2])
{
	return !strncmp(name, words[0], strlen(words[0])) ||
	       !strncmp(name, words[1], strlen(words[1]));
}

int node_list(int dir, const char *const words[2], struct node_names *names)
{
	/* The stream takes the descriptor it is given. */
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = stream ? 0 : -errno;

	names->count = names->left_out = 0;
	if (!stream)
		return r;
	/* cppcheck-suppress readdirCalled */
	for (errno = 0; (entry = readdir(stream)) != NULL; errno = 0) {
		if (!wanted(entry->d_name, words))
			continue;
		if (names->count == NODE_NAMES)
			names->left_out++;
		else
			memccpy(names->at[names->count++], entry->d_name, '\0', NODE_NAME);
	}
	r = -errno;
	closedir(stream);
	qsort(names->at, names->count, NODE_NAME, compare);
	return r;
}

void node_path(const char *dir, const char *name, char path[NODE_PATH])
{
	struct text t;

	text_begin(&t, path, NODE_PATH);
	text_str(&t, dir);
	text_str(&t, "/");
	text_str(&t, name);
}

void node_no_directory(int err, const char *missing, enum hint hint)
{
	if (err == ENOTDIR) {
		report_say("is no directory");
		hint = HINT_NODE_NO_DIRECTORY;
	} else if (err == EACCES || err == EPERM) {
		report_say("is closed to the application");
		hint = HINT_NODE_CLOSED;
	} else {
		report_say(err == ENOENT ? missing : "cannot be read");
	}
	report_error(err);
	report_end(STATUS_FAIL, hint);
}

void node_left_out(enum wire_check check, const char *dir, const struct node_names *names)
{
	if (!names->left_out)
		return;
	report_begin(check, dir);
	report_number(names->left_out);
	report_say(" more nodes were not looked at");
	/* No warning: that would be a good one beside those that failed (records_check_failed()). */
	report_end(STATUS_FAIL, HINT_NODE_MANY);
}

static const char *kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFLNK:
		return "a symbolic link";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	case S_IFDIR:
		return "a directory";
	case S_IFBLK:
		return "a block device";
	default:
		return "a regular file";
	}
}

bool node_is_device(int dir, const char *name, unsigned int major, struct stat *st)
{
	if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) < 0) {
		int err = errno;

		report_say(err == ENOENT ? "removed while it was looked at"
					 : "cannot be looked at");
		report_error(err);
		report_end(STATUS_FAIL, err == ENOENT ? HINT_NODE_VANISHED : HINT_NODE_CLOSED);
		return false;
	}
	if (!S_ISCHR(st->st_mode)) {
		report_say("is ");
		report_say(kind(st->st_mode));
		report_say(" and no device");
		report_end(STATUS_FAIL, HINT_NODE_NOT_A_DEVICE);
		return false;
	}
	if (major(st->st_rdev) != major) {
		report_say("is device ");
		report_number(major(st->st_rdev));
		report_say(":");
		report_number(minor(st->st_rdev));
		report_say(", not one of major ");
		report_number(major);
		report_end(STATUS_FAIL, HINT_NODE_WRONG_DEVICE);
		return false;
	}
	return true;
}

int node_open(int dir, const char *name, unsigned int major, struct stat *st)
{
	struct stat opened;
	int fd;

	if (!node_is_device(dir, name, major, st))
		return -ENOMSG;
	fd = openat(dir, name, O_RDWR | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		node_forbidden(dir, name, st, errno);
		return -ENOMSG;
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &opened) == 0 && S_ISCHR(opened.st_mode) && opened.st_rdev == st->st_rdev)
		return fd;
	close(fd);
	report_say("was replaced while it was looked at");
	report_end(STATUS_FAIL, HINT_NODE_WRONG_DEVICE);
	return -ENOMSG;
}

static bool in_group(gid_t gid)
{
	gid_t groups[64];
	int count = getgroups(64, groups);

	for (int i = 0; i < count; i++)
		if (groups[i] == gid)
			return true;
	return gid == getegid();
}

/* What of rwx the mode gives this process, as the kernel decides it without ACLs. */
static unsigned int allowed(const struct stat *st)
{
	unsigned int shift = st->st_uid == geteuid() ? 6 : in_group(st->st_gid) ? 3 : 0;

	return st->st_mode >> shift & 7;
}

static bool is_nodev(int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct statvfs fs;
	bool nodev = fd >= 0 && fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_NODEV);

	if (fd >= 0)
		close(fd);
	return nodev;
}

static void say_owner(const struct stat *st)
{
	report_say(" (");
	report_number(st->st_uid);
	report_say(":");
	report_number(st->st_gid);
	report_say(" ");
	report_octal(st->st_mode);
	report_say(", the application is ");
	report_number(geteuid());
	report_say(":");
	report_number(getegid());
	report_say(")");
}

void node_forbidden(int dir, const char *name, const struct stat *st, int err)
{
	unsigned int rwx = allowed(st);
	enum hint hint;

	report_owner_gid(st->st_gid);
	if (err == EPERM) {
		report_say("the device cgroup does not let it be opened");
		hint = HINT_NODE_CGROUP;
	} else if (is_nodev(dir, name)) {
		report_say("lies on a file system mounted nodev");
		hint = HINT_NODE_NODEV;
	} else if ((rwx & 6) == 6) {
		report_say("forbidden, though its mode allows it");
		hint = HINT_NODE_CONFINED;
	} else if (st->st_uid == NOBODY && st->st_gid == NOBODY) {
		report_say("forbidden: it belongs to nobody here");
		hint = HINT_NODE_UNSHIFTED;
	} else if (rwx & 4) {
		report_say("may be read only");
		hint = HINT_NODE_READ_ONLY;
	} else if (st->st_gid == 0 || in_group(st->st_gid)) {
		report_say("forbidden by its owner and mode");
		hint = HINT_NODE_ROOTS;
	} else if ((st->st_mode >> 3 & 6) != 6) {
		/* The shim adds no group that this would not help. */
		report_say("forbidden by its mode to its group and others");
		hint = HINT_NODE_MODE;
	} else {
		report_say("forbidden: the application is not in its group");
		hint = HINT_NODE_GROUP;
	}
	say_owner(st);
	report_end(STATUS_FAIL, hint);
}
