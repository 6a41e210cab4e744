/* SPDX-License-Identifier: Apache-2.0 */
#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "account.h"
#include "options.h"
#include "request.h"
#include "text.h"

#define STEP "owner"
#define FILE_MAX (1 << 20)
#define PATH_SIZE 32 /* "/proc/self/fd/" and a number */

/* A file of the container by a path of this process's, which the shim's readers take. */
struct taken {
	int fd; /* a copy in memory: nobody changes it, and it ends */
	char path[PATH_SIZE];
};

static void path_of(int fd, char *out, size_t size)
{
	struct text t;

	text_begin(&t, out, size);
	text_str(&t, "/proc/self/fd/");
	text_num(&t, (uint64_t)(unsigned int)fd);
}

static int open_inside(int root, const char *path)
{
	/* Links are followed as the container's own programs would follow them, but never
	 * out of its root. A path first: opening a device can do something already. */
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	struct stat st;
	char same[PATH_SIZE];
	int found = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	int fd = -EINVAL;

	if (found < 0)
		return -errno;
	if (fstat(found, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX) {
		path_of(found, same, sizeof(same));
		fd = open(same, O_RDONLY | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	}
	close(found);
	return fd;
}

/* What the container's root may not read, say through a link into its /sys, this need not. */
static int open_as_its_root(const struct instance *i, const char *path)
{
	int fd = instance_be_root(i);

	if (fd == 0)
		fd = open_inside(i->root, path);
	instance_be_host();
	return fd;
}

static int copy(int from, int to)
{
	char buf[4096];
	size_t len = 0;
	ssize_t n;

	/* Bounded here, too: what a file says of its size is not what it gives. */
	while ((n = read(from, buf, sizeof(buf))) > 0) {
		len += (size_t)n;
		if (len > FILE_MAX || write(to, buf, (size_t)n) != n)
			return -EFBIG;
	}
	return n < 0 ? -errno : 0;
}

/* What is missing or no such file is an empty one, as it is to the shim. */
static int take(const struct instance *i, const char *path, struct taken *out)
{
	int fd = open_as_its_root(i, path);
	int r = 0;

	out->fd = memfd_create("stremio-hook", MFD_CLOEXEC);
	/* It is made with mode 0777, and the shim takes no arguments that others may write. */
	if (out->fd < 0 || fchmod(out->fd, 0600) < 0)
		r = -errno;
	if (!r && fd >= 0 && copy(fd, out->fd) < 0)
		r = ftruncate(out->fd, 0) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	path_of(out->fd, out->path, sizeof(out->path));
	return r;
}

static void drop(struct taken *t)
{
	if (t->fd >= 0)
		close(t->fd);
}

/* The user that the shim takes from its environment or its args file. */
static const char *user_of(const char *user, const char *args_file)
{
	static char program[] = "stremio-shim";
	static char twin[sizeof("STREMIO_USER=") + USER_SIZE];
	char *argv[] = {program, NULL};
	char *envp[] = {twin, NULL};
	static struct options o;
	struct finding ignored;
	struct text t;

	text_begin(&t, twin, sizeof(twin));
	text_str(&t, "STREMIO_USER=");
	text_str(&t, user);
	if (!*user)
		envp[0] = NULL;
	/* What else is wrong with that file the shim will say itself. */
	if (options_parse(argv, envp, args_file, &o, &ignored) == 0 && o.user)
		return o.user;
	return *user ? user : "auto";
}

int owner_gid(const struct instance *i, const char *user, gid_t *gid, struct finding *f)
{
	struct taken passwd, group, args;
	struct account_files files = {passwd.path, group.path};
	struct account account;
	struct finding why;
	const char *spec = "auto";
	int r = take(i, "etc/passwd", &passwd);

	r |= take(i, "etc/group", &group);
	r |= take(i, OPTIONS_ARGS_FILE, &args);
	if (r == 0) {
		spec = user_of(user, args.path);
		r = account_resolve(spec, &files, &account, &why);
	}
	drop(&passwd);
	drop(&group);
	drop(&args);
	*gid = r == 0 ? account.gid : ACCOUNT_FALLBACK_ID;
	if (r == 0)
		return 0;
	(void)finding_set(f, 0, STEP, 0,
			  "the devices belong to group 65532, no user of this name:", spec,
			  "set environment.STREMIO_USER to a user of the image");
	return -ENOENT;
}
