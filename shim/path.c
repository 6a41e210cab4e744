/* SPDX-License-Identifier: Apache-2.0 */
#include "path.h"

#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

#include "sys.h"
#include "text.h"

#define LINKS_MAX 16

/* A path being walked name by name. */
struct walk {
	int dir; /* where it has got to, O_PATH */
	int links;
	char rest[PATH_MAX]; /* what is left of the path */
};

/* The next place, which takes the place of the former. */
static void walk_to(struct walk *w, int fd)
{
	close(w->dir);
	w->dir = fd;
}

static int walk_begin(struct walk *w, const char *path)
{
	struct text t;

	text_begin(&t, w->rest, sizeof(w->rest));
	text_str(&t, path);
	if (text_full(&t))
		return -ENAMETOOLONG;
	w->links = 0;
	w->dir = sys_open(path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY);
	return w->dir < 0 ? w->dir : 0;
}

/* Cut off the next name. Return: false when there is none. */
static bool walk_name(struct walk *w, char *name)
{
	size_t start = strspn(w->rest, "/");
	size_t len = strcspn(w->rest + start, "/");

	memcpy(name, w->rest + start, len);
	name[len] = '\0';
	memmove(w->rest, w->rest + start + len, strlen(w->rest + start + len) + 1);
	return len > 0;
}

static bool walk_at_last(const struct walk *w)
{
	return !w->rest[strspn(w->rest, "/")];
}

/* Put the target of a link, given by an O_PATH descriptor, in front of the rest. */
static int walk_link(struct walk *w, int link, const struct stat *st)
{
	char target[PATH_MAX];
	char rest[PATH_MAX];
	struct text t;
	ssize_t n;

	if (st->st_uid != 0 || ++w->links > LINKS_MAX)
		return -ELOOP;
	n = readlinkat(link, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	text_begin(&t, rest, sizeof(rest));
	text_str(&t, target);
	text_str(&t, "/");
	text_str(&t, w->rest);
	if (text_full(&t))
		return -ENAMETOOLONG;
	memcpy(w->rest, rest, t.len + 1);
	if (target[0] == '/') {
		int root = sys_open("/", O_PATH | O_DIRECTORY);

		if (root < 0)
			return root;
		walk_to(w, root);
	}
	return 0;
}

/* Go to @name, or, when it is a link, before its target. */
static int walk_into(struct walk *w, const char *name)
{
	int fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return -errno;
	if (sys_fstat(fd, &st) < 0) {
		r = -errno;
	} else if (S_ISLNK(st.st_mode)) {
		r = walk_link(w, fd, &st);
	} else {
		walk_to(w, fd);
		return 0;
	}
	close(fd);
	return r;
}

/* The whole way in one call, where no link is on it. */
static int open_without_links(const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* Apart, because hardly any path takes it, and the two buffers are three pages of stack. */
__attribute__((noinline)) static int open_name_by_name(const char *path)
{
	char name[PATH_MAX];
	struct walk w;
	int r = walk_begin(&w, path);

	if (r < 0)
		return r;
	while (r == 0 && walk_name(&w, name))
		r = walk_into(&w, name);
	if (r == 0)
		return w.dir;
	close(w.dir);
	return r;
}

int path_open(const char *path)
{
	int r = open_without_links(path);

	/* A link, or a kernel before 5.6 (or one that does not know the flags). */
	return r == -ELOOP || r == -ENOSYS || r == -EINVAL ? open_name_by_name(path) : r;
}

/* An O_PATH descriptor has no fchmod(2) and fchown(2) of its own. */
static int give(int fd, unsigned int uid, unsigned int gid, unsigned int mode)
{
	int dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (dir < 0)
		return -errno;
	if (fchown(dir, uid, gid) < 0 || fchmod(dir, mode) < 0)
		r = -errno;
	close(dir);
	return r;
}

/* The last name, in the directory that has been walked to. */
static int make_last(struct walk *w, const char *name, unsigned int uid, unsigned int gid,
		     unsigned int mode, bool *created)
{
	int fd;
	int r = 0;

	*created = mkdirat(w->dir, name, 0700) == 0;
	if (!*created && errno != EEXIST)
		return -errno;
	fd = openat(w->dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (*created)
		r = give(fd, uid, gid, mode);
	close(fd);
	/* Left as root's, it would stand in the way of the next start. */
	if (r < 0)
		(void)unlinkat(w->dir, name, AT_REMOVEDIR);
	return r;
}

int path_make_directory(const char *path, unsigned int uid, unsigned int gid, unsigned int mode,
			bool *created)
{
	char name[PATH_MAX];
	struct walk w;
	int r = walk_begin(&w, path);

	*created = false;
	if (r < 0)
		return r;
	while (r == 0 && walk_name(&w, name)) {
		if (walk_at_last(&w)) {
			r = make_last(&w, name, uid, gid, mode, created);
			break;
		}
		if (mkdirat(w.dir, name, 0755) < 0 && errno != EEXIST)
			r = -errno;
		else
			r = walk_into(&w, name);
	}
	close(w.dir);
	return r;
}

bool path_is_at_or_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return len > 1 && !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

/* mountinfo writes blanks, tabs, newlines and backslashes as \ooo, proc(5). */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

/* Is the mount point of this mountinfo line (its fifth field) strictly below @path? */
static bool line_is_below(char *line, const char *path)
{
	size_t len = strlen(path);
	char *end;

	for (int i = 0; i < 4; i++) {
		line = strchr(line, ' ');
		if (!line)
			return false;
		line++;
	}
	end = strchr(line, ' ');
	if (end)
		*end = '\0';
	unescape(line);
	return !strncmp(line, path, len) && (path[len - 1] == '/' || line[len] == '/');
}

static int search_mounts(int mountinfo, const char *path)
{
	char line[PATH_MAX];
	char chunk[1024];
	size_t len = 0;
	ssize_t n;

	while ((n = read(mountinfo, chunk, sizeof(chunk))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (chunk[i] != '\n') {
				/* The mount point stands early, a long tail may be cut. */
				if (len + 1 < sizeof(line))
					line[len++] = chunk[i];
				continue;
			}
			line[len] = '\0';
			len = 0;
			if (line_is_below(line, path))
				return 1;
		}
	}
	return n < 0 ? -errno : 0;
}

int path_mounts_below(int fd)
{
	char link[32];
	char path[PATH_MAX];
	struct text t;
	ssize_t n;
	int mountinfo;
	int r;

	text_begin(&t, link, sizeof(link));
	text_str(&t, "/proc/self/fd/");
	text_num(&t, (uint64_t)fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return -errno;
	path[n] = '\0';
	mountinfo = sys_open("/proc/self/mountinfo", O_RDONLY);
	if (mountinfo < 0)
		return mountinfo;
	r = search_mounts(mountinfo, path);
	close(mountinfo);
	return r;
}
