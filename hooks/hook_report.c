/* SPDX-License-Identifier: Apache-2.0 */
#include "hook_report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "calendar.h"
#include "text.h"

#define LINES_MAX 24

static bool is_roots(int fd, mode_t type, mode_t unwanted)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || (st.st_mode & S_IFMT) != type || st.st_uid != 0)
		return false;
	return !(st.st_mode & unwanted) || (type == S_IFDIR && (st.st_mode & S_ISVTX));
}

/*
 * From the root down, so that each step is judged before the next is taken. On the way a group
 * may write: /var/log is 0775 root:syslog on some systems. It could put one directory of root's
 * in place of another, and the last of them and the file in it must be root's alone.
 */
static int open_roots_file(const char *path)
{
	const int flags = O_NOFOLLOW | O_CLOEXEC;
	int dir = open("/", O_PATH | O_DIRECTORY | flags);
	char name[NAME_MAX + 1];
	int fd = -1;

	while (dir >= 0) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (!len || len > NAME_MAX || !is_roots(dir, S_IFDIR, path[len] ? 02 : 022))
			break;
		memcpy(name, path, len);
		name[len] = '\0';
		path += len;
		fd = openat(dir, name,
			    flags | (*path ? O_PATH | O_DIRECTORY
					   : O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY));
		close(dir);
		if (!*path)
			return fd;
		dir = fd;
	}
	if (dir >= 0)
		close(dir);
	return -1;
}

void report_open(struct report *rep, const char *name, const char *log)
{
	rep->name = name[0] ? name : "-";
	rep->lines = 0;
	rep->log = log[0] ? open_roots_file(log) : -1;
	if (rep->log >= 0 && !is_roots(rep->log, S_IFREG, 022))
		report_close(rep);
}

void report_close(struct report *rep)
{
	if (rep->log >= 0)
		close(rep->log);
	rep->log = -1;
}

static void put_finding(struct text *t, const struct finding *f)
{
	text_safe(t, f->step);
	text_str(t, ": ");
	text_safe(t, f->what);
	if (f->err) {
		text_str(t, ": ");
		text_safe(t, strerror(f->err));
	}
	if (f->hint[0]) {
		text_str(t, " (");
		text_safe(t, f->hint);
		text_str(t, ")");
	}
}

/* One write, so that lines of several processes do not mix; a full disk is not our failure. */
static void write_line(int fd, struct text *t)
{
	ssize_t r;

	t->start[t->len] = '\n';
	r = write(fd, t->start, t->len + 1);
	(void)r;
}

/* liblxc: "lxc NAME 20240102030405.678 LEVEL    place - text", in UTC. */
static void write_log(const struct report *rep, enum level level, const struct finding *f)
{
	static const char *const levels[] = {"INFO     ", "WARN     ", "ERROR    "};
	char line[1024];
	char date[CALENDAR_SIZE];
	struct timespec now;
	struct text t;

	clock_gettime(CLOCK_REALTIME, &now);
	calendar_utc((uint64_t)now.tv_sec, (uint32_t)(now.tv_nsec / 1000000), date);
	text_begin(&t, line, sizeof(line) - 1);
	text_str(&t, "lxc ");
	text_safe(&t, rep->name);
	text_str(&t, " ");
	text_str(&t, date);
	text_str(&t, " ");
	text_str(&t, levels[level]);
	text_str(&t, "stremio-hook - ");
	put_finding(&t, f);
	write_line(rep->log, &t);
}

void report(struct report *rep, enum level level, const struct finding *f)
{
	char line[1024];
	struct finding more;
	struct text t;

	if (++rep->lines > LINES_MAX)
		return;
	if (rep->lines == LINES_MAX) {
		(void)finding_set(&more, 0, "report", 0, "more is to be said than fits here", NULL,
				  "the rest is left out");
		f = &more;
	}
	if (rep->log >= 0)
		write_log(rep, level, f);
	if (level == REPORT_INFO)
		return;
	text_begin(&t, line, sizeof(line) - 1);
	text_str(&t, "stremio-hook: ");
	put_finding(&t, f);
	/* 24 lines of this stay below 4 KB but for unusual lengths. */
	write_line(STDERR_FILENO, &t);
}
