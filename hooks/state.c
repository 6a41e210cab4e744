/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "text.h"

#define STEP "state"
#define FILE_NAME "wired"
#define FILE_NEW "wired.new"
#define TRIES 100
#define TEXT_MAX (NODES_MAX * 128 + 2 * PATH_MAX) /* bytes of the file */

/* Return: STATE_DIR, made if need be and of nobody else's making, or -errno. */
static int open_top(bool create)
{
	struct stat st;
	int fd;

	if (create && mkdir(STATE_DIR, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(STATE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_uid == 0 && !(st.st_mode & 022))
		return fd;
	close(fd);
	return -EPERM;
}

/* Return: 1 locked, 0 removed while this waited for the lock, -errno. */
static int lock(int dir)
{
	struct stat st;

	if (flock(dir, LOCK_EX) < 0 || fstat(dir, &st) < 0)
		return -errno;
	return st.st_nlink > 0;
}

static int open_unlocked(int top, const char *name)
{
	int dir = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	return dir;
}

static int open_locked(int top, const char *name, bool create)
{
	for (int i = 0; i < TRIES; i++) {
		int dir, r;

		if (create && mkdirat(top, name, 0700) < 0 && errno != EEXIST)
			return -errno;
		dir = open_unlocked(top, name);
		if (dir < 0)
			return dir;
		r = lock(dir);
		if (r > 0)
			return dir;
		close(dir);
		if (r < 0)
			return r;
	}
	return -EBUSY;
}

/* @dir: a descriptor or -errno. */
static int opened(int dir, const char *name, struct state *out, struct finding *f)
{
	out->dir = dir;
	if (out->dir < 0) {
		int r = out->dir;

		out->dir = -1;
		(void)finding_set(f, 0, STEP, -r, "cannot open the instance's directory in",
				  STATE_DIR, "it must be root's, with mode 0700");
		return r;
	}
	memcpy(out->name, name, strlen(name) + 1);
	return 0;
}

int state_open(const char *name, int create, struct state *out, struct finding *f)
{
	int top = open_top(create);
	int dir = top < 0 ? top : open_locked(top, name, create);

	if (top >= 0)
		close(top);
	return opened(dir, name, out, f);
}

int state_look(const char *name, struct state *out, struct finding *f)
{
	int top = open_top(false);
	int dir = top < 0 ? top : open_unlocked(top, name);

	if (top >= 0)
		close(top);
	return opened(dir, name, out, f);
}

void state_close(struct state *s)
{
	if (s->dir >= 0)
		close(s->dir);
	s->dir = -1;
}

int state_read(const struct state *s, struct wired *out)
{
	static char text[TEXT_MAX];
	int fd = openat(s->dir, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (len + 1 < sizeof(text) && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		n = -errno;
	close(fd);
	text[len] = '\0';
	return n < 0 ? (int)n : state_parse(text, out);
}

static void put_field(struct text *t, const char *before, uint64_t n)
{
	text_str(t, before);
	text_num(t, n);
}

/* Without stdio, which costs ten pages. Return: its length, or -EFBIG. */
static ssize_t put_text(const struct wired *w, char *buf, size_t size)
{
	struct text t;

	text_begin(&t, buf, size);
	put_field(&t, "pid ", (uint64_t)w->pid);
	put_field(&t, "\nstart ", w->start);
	put_field(&t, "\ngid ", w->gid);
	text_str(&t, "\ndevices ");
	text_str(&t, w->devices);
	if (w->log[0]) {
		text_str(&t, "\nlog ");
		text_str(&t, w->log);
	}
	for (size_t i = 0; i < w->nodes.count; i++) {
		const struct node *n = &w->nodes.node[i];

		text_str(&t, n->name_only ? "\nname " : "\nnode ");
		text_str(&t, n->name);
		put_field(&t, " ", n->rdev);
		put_field(&t, " ", n->fs);
		put_field(&t, " ", n->ino);
	}
	text_str(&t, "\n");
	return text_full(&t) ? -EFBIG : (ssize_t)t.len;
}

static int write_text(int fd, const struct wired *w)
{
	static char text[TEXT_MAX];
	const ssize_t len = put_text(w, text, sizeof(text));
	ssize_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, text + done, (size_t)(len - done));

		if (n < 0)
			return -errno;
		done += n;
	}
	return len < 0 ? (int)len : 0;
}

int state_write(const struct state *s, const struct wired *w, struct finding *f)
{
	int fd = openat(s->dir, FILE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600);
	int r = fd < 0 ? -errno : write_text(fd, w);

	if (fd >= 0 && close(fd) < 0 && !r)
		r = -errno;
	if (!r && renameat(s->dir, FILE_NEW, s->dir, FILE_NAME) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	(void)unlinkat(s->dir, FILE_NEW, 0);
	(void)finding_set(f, 0, STEP, -r, "cannot write down what is wired below", STATE_DIR,
			  "devices plugged in or out later are not followed");
	return r;
}

int state_remove(struct state *s, struct finding *f)
{
	int top = open_top(false);
	int r = top < 0 ? top : 0;

	if (!r && unlinkat(s->dir, FILE_NAME, 0) < 0 && errno != ENOENT)
		r = -errno;
	if (!r && unlinkat(s->dir, FILE_NEW, 0) < 0 && errno != ENOENT)
		r = -errno;
	if (!r && unlinkat(top, s->name, AT_REMOVEDIR) < 0)
		r = -errno;
	if (top >= 0)
		close(top);
	if (r < 0)
		(void)finding_set(f, 0, STEP, -r, "cannot remove", s->name,
				  "rm -r it in " STATE_DIR);
	return r;
}

int state_each(int (*fn)(const char *name, void *arg), void *arg)
{
	int top = open_top(false);
	struct directory dir;
	const char *name;
	int r;

	if (top < 0)
		return top == -ENOENT ? 0 : top;
	close(top);
	r = directory_open(&dir, STATE_DIR);
	while (r >= 0 && (r = directory_next(&dir, &name)) > 0) {
		if (name_ok(name))
			r = fn(name, arg);
	}
	directory_close(&dir);
	return r < 0 ? r : 0;
}
