/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

#define STEP "instance"

static int read_at(int dir, const char *name, char *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (len + 1 < size && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		n = -errno;
	close(fd);
	buf[len] = '\0';
	return n < 0 ? (int)n : 0;
}

/* Fields 4 and 22. The second is the program's name in brackets and may hold anything. */
static int read_stat(struct instance *out)
{
	char buf[1024];
	const char *at;
	uint64_t n = 0;
	int r = read_at(out->proc, "stat", buf, sizeof(buf));

	if (r < 0)
		return r;
	at = strrchr(buf, ')');
	for (int field = 2; at && field < 22; field++) {
		at = strchr(at + 1, ' ');
		if (at && field == 3)
			out->parent = (pid_t)strtol(at + 1, NULL, 10);
	}
	if (!at)
		return -EINVAL;
	for (at++; *at >= '0' && *at <= '9'; at++)
		n = n * 10 + (uint64_t)(*at - '0');
	out->start = n;
	return n ? 0 : -EINVAL;
}

static int read_map(int proc, const char *name, struct idmap *out)
{
	char text[IDMAP_TEXT_MAX];
	int r = read_at(proc, name, text, sizeof(text));

	return r < 0 ? r : idmap_parse(text, out);
}

/* Return: 1 the same namespace as this process's, 0 another, -errno. */
static int is_ours(int ns, const char *path)
{
	struct stat theirs, ours;

	if (fstat(ns, &theirs) < 0 || stat(path, &ours) < 0)
		return -errno;
	return theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

static int judge_namespaces(struct instance *out, struct finding *f)
{
	int users = openat(out->proc, "ns/user", O_RDONLY | O_CLOEXEC);
	int mounts_ours = is_ours(out->mnt, "/proc/self/ns/mnt");
	int users_ours = users < 0 ? -errno : is_ours(users, "/proc/self/ns/user");

	if (users >= 0)
		close(users);
	if (mounts_ours < 0 || users_ours < 0)
		return finding_set(f, 0, STEP, mounts_ours < 0 ? -mounts_ours : -users_ours,
				   "cannot compare namespaces", NULL, NULL);
	if (mounts_ours)
		return finding_set(f, 0, STEP, 0,
				   "LXC_PID is in the host's own mount namespace, nothing is wired",
				   NULL, "only liblxc is to call this");
	out->own_users = !users_ours;
	return 0;
}

static int judge_maps(struct instance *out, struct finding *f)
{
	int r = read_map(out->proc, "uid_map", &out->uids);

	if (!r)
		r = read_map(out->proc, "gid_map", &out->gids);
	if (r < 0)
		return finding_set(f, 0, STEP, -r, "cannot read the id map", NULL, NULL);
	if (idmap_shift(&out->uids, 0, &out->root_uid) < 0 ||
	    idmap_shift(&out->gids, 0, &out->root_gid) < 0)
		return finding_set(f, 0, STEP, 0, "its root is not in its id map", NULL,
				   "see raw.idmap and security.idmap.* of the instance");
	/* A map of its own onto the host's root is no container to be trusted with either. */
	if (out->own_users && (!out->root_uid || !out->root_gid))
		return finding_set(f, 0, STEP, 0, "its root is the host's root", NULL,
				   "see raw.idmap of the instance");
	return 0;
}

int instance_open(pid_t pid, struct instance *out, struct finding *f)
{
	char path[32];
	struct text t;
	int r;

	out->pid = pid;
	out->start = 0;
	out->parent = 0;
	out->root = out->mnt = -1;
	out->own_users = false;
	/* Without the ranges, 8 KiB of them. */
	out->uids.count = out->gids.count = 0;
	out->root_uid = out->root_gid = 0;
	text_begin(&t, path, sizeof(path));
	text_str(&t, "/proc/");
	text_num(&t, (uint64_t)pid);
	out->proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = out->proc < 0 ? -errno : read_stat(out);
	if (r == 0) {
		out->root = openat(out->proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
		out->mnt = openat(out->proc, "ns/mnt", O_RDONLY | O_CLOEXEC);
		if (out->root < 0 || out->mnt < 0)
			r = -errno;
	}
	if (r < 0)
		return finding_set(f, 0, STEP, r == -ENOENT ? ESRCH : -r,
				   "cannot look at its first process,", path, NULL);
	r = judge_namespaces(out, f);
	return r < 0 ? r : judge_maps(out, f);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void instance_close(struct instance *i)
{
	close_one(&i->proc);
	close_one(&i->root);
	close_one(&i->mnt);
}

int instance_be_root(const struct instance *i)
{
	/* They return the former id, whatever happens; only a second call tells. */
	(void)setfsgid(i->root_gid);
	(void)setfsuid(i->root_uid);
	if ((gid_t)setfsgid((gid_t)-1) != i->root_gid || (uid_t)setfsuid((uid_t)-1) != i->root_uid)
		return -EPERM;
	return 0;
}

int instance_enter(const struct instance *i, struct finding *f)
{
	if (setns(i->mnt, CLONE_NEWNS) < 0)
		return finding_set(f, 0, STEP, errno, "cannot enter its mount namespace", NULL,
				   NULL);
	if (instance_be_root(i) < 0)
		return finding_set(f, 0, STEP, EPERM, "cannot take the ids of its root", NULL,
				   NULL);
	return 0;
}

void instance_be_host(void)
{
	(void)setfsuid(0);
	(void)setfsgid(0);
}
