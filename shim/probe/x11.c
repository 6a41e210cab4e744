/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The display, first by hand: libX11 says only that a display cannot be opened, where the
 * remedy depends on what went wrong. Then through libX11 (x11_client.c).
 */
#include "x11.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "groups.h"
#include "report.h"
#include "text.h"
#include "unix_socket.h"
#include "xauth.h"
#include "xsetup.h"

#define SOCKETS "/tmp/.X11-unix/X"
#define COOKIES_MAX (256 * 1024) /* bytes of an Xauthority file */

/* Where the display is, and what its server said. */
struct server {
	struct display display;
	char path[sizeof(SOCKETS) + 12];
	char shown[sizeof(SOCKETS) + 12]; /* with @ for an abstract name */
	bool abstract;
	struct xsetup setup;
	char reason[XSETUP_REASON_MAX];
};

/* Connects as libxcb does: the abstract name, then the path unless somebody has that name.
 * Return: descriptor or -errno. */
static int connect_server(struct server *s)
{
	int fd = unix_connect(s->path, true);
	struct text t;

	s->abstract = fd != -ENOENT && fd != -ECONNREFUSED;
	if (!s->abstract)
		fd = unix_connect(s->path, false);
	text_begin(&t, s->shown, sizeof(s->shown));
	text_str(&t, s->abstract ? "@" : "");
	text_str(&t, s->path);
	return fd;
}

/* Return: 0 or -errno of the conversation. */
static int ask(int fd, const uint8_t *cookie, size_t len)
{
	uint8_t request[XSETUP_REQUEST_MAX];
	int r = unix_send(fd, request, xsetup_request(cookie, len, request));

	/* Who refuses may close before all is sent, and has said why. */
	return r < 0 && unix_gone(-r) ? 0 : r;
}

/* Return: 0 with the answer in s->setup, or -errno of the conversation. */
static int hear(struct server *s, int fd)
{
	uint8_t answer[XSETUP_FIXED];
	int r = unix_receive(fd, answer, XSETUP_PREFIX);

	if (r < 0)
		return r;
	xsetup_prefix(answer, &s->setup);
	s->reason[0] = '\0';
	switch (s->setup.answer) {
	case XSETUP_REFUSED:
		r = unix_receive(fd, s->reason, s->setup.wanted);
		s->reason[r < 0 ? 0 : s->setup.wanted] = '\0';
		return r;
	case XSETUP_SUCCESS:
		r = unix_receive(fd, answer, XSETUP_FIXED);
		if (r == 0)
			xsetup_success(answer, &s->setup);
		return r;
	default:
		return 0;
	}
}

/*
 * Does it want a cookie at all? Asked before the answer to the one with a cookie is waited for, which
 * saves a round. Return: the descriptor for let_in(), or -errno.
 */
static int ask_without(struct server *s)
{
	int fd = connect_server(s);
	int r = fd < 0 ? fd : ask(fd, NULL, 0);

	return r < 0 ? r : fd;
}

static bool let_in(struct server *s, int fd)
{
	return fd >= 0 && hear(s, fd) == 0 && s->setup.answer == XSETUP_SUCCESS;
}

static void cannot_connect(int err, bool abstract)
{
	switch (err) {
	case ENOENT:
		report_say("not there");
		report_end(STATUS_FAIL, HINT_X11_NO_SOCKET);
		return;
	case ENOTSOCK:
		report_say("is not a socket");
		report_end(STATUS_FAIL, HINT_X11_NOT_A_SOCKET);
		return;
	case ECONNREFUSED:
		report_say("stale: no server listens any more");
		report_end(STATUS_FAIL, HINT_X11_REFUSED);
		return;
	case EAGAIN:
		report_say("the server takes no connections: its queue is full");
		report_end(STATUS_FAIL, HINT_X11_SILENT);
		return;
	default:
		report_say("cannot be connected to");
		report_error(err);
		/* A socket with a path is never answered so: a scope of Landlock's (landlock(7)). */
		report_end(STATUS_FAIL,
			   err == EPERM && abstract ? HINT_X11_SCOPED : HINT_X11_FORBIDDEN);
	}
}

static void no_answer(int err)
{
	if (err == ETIMEDOUT) {
		report_say("accepts connections and does not answer");
		report_end(STATUS_FAIL, HINT_X11_SILENT);
	} else if (unix_gone(err)) {
		report_say("accepts connections and closes them without an answer");
		report_end(STATUS_FAIL, HINT_X11_RESET);
	} else {
		report_say("does not answer");
		report_error(err);
		report_end(STATUS_FAIL, HINT_X11_RESET);
	}
}

static void garbage(void)
{
	report_say("the answer is not that of an X server");
	report_end(STATUS_FAIL, HINT_X11_GARBAGE);
}

/* What became of the cookie's file; a sentence each for people. */
struct cookie {
	struct xauth xauth;
	enum xauth_outcome outcome;
	int err; /* errno of a file that could not be read */
	char path[4096];
};

/* Where libXau looks (Xau(3)). Return: 0 or -errno. */
static int cookie_path(char *path, size_t size)
{
	const char *file = getenv("XAUTHORITY");
	const char *home = getenv("HOME");
	struct text t;

	text_begin(&t, path, size);
	if (file) {
		text_str(&t, file);
	} else if (home) {
		text_str(&t, home);
		text_str(&t, "/.Xauthority");
	}
	return text_full(&t) ? -ENAMETOOLONG : path[0] ? 0 : -ENOENT;
}

/* Return: how many bytes, or -errno. */
static ssize_t read_file(const char *path, uint8_t *data, size_t size)
{
	/* Whatever it is: a FIFO must not stop this. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EBADF;
	}
	while (len < size && (n = read(fd, data + len, size - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? n : (ssize_t)len;
}

static void find_cookie(struct cookie *c, uint32_t number)
{
	static uint8_t data[COOKIES_MAX];
	struct utsname host;
	ssize_t n = cookie_path(c->path, sizeof(c->path));

	n = n < 0 ? n : read_file(c->path, data, sizeof(data));
	c->err = n < 0 ? (int)-n : 0;
	if (uname(&host) < 0)
		host.nodename[0] = '\0';
	c->outcome =
		n < 0 ? XAUTH_EMPTY : xauth_find(data, (size_t)n, number, host.nodename, &c->xauth);
}

static void say_reason(const char *reason)
{
	size_t len = strlen(reason);
	char line[XSETUP_REASON_MAX];

	/* Servers end theirs with a newline. */
	while (len && (reason[len - 1] == '\n' || reason[len - 1] == ' '))
		len--;
	if (!len)
		return;
	memcpy(line, reason, len);
	line[len] = '\0';
	report_say("; the server says: ");
	report_quote(line);
}

/* Refused: for want of a good cookie, for reasons that its file tells. access(2) knows of modes
 * only, not of Landlock. */
static void refused(const struct server *s, const struct cookie *c)
{
	enum hint hint;

	if (strstr(s->reason, "aximum number of clients")) {
		report_say("no more clients are let in");
		hint = HINT_X11_CLIENT;
	} else if (c->err == ENOENT || c->err == ENOTDIR) {
		report_say("no cookie: there is no such file");
		hint = HINT_X11_NO_COOKIE_FILE;
	} else if (c->err == EBADF) {
		report_say("no cookie: not a regular file");
		hint = HINT_X11_COOKIE_BROKEN;
	} else if (c->err == EACCES && access(c->path, R_OK) == 0) {
		report_say("no cookie: the file cannot be read, though its mode allows it");
		hint = HINT_X11_COOKIE_CONFINED;
	} else if (c->err) {
		report_say("no cookie: the file cannot be read");
		report_error(c->err);
		hint = HINT_X11_COOKIE_UNREADABLE;
	} else if (c->outcome == XAUTH_BROKEN) {
		report_say("no cookie: the file is not an Xauthority file");
		hint = HINT_X11_COOKIE_BROKEN;
	} else if (c->outcome == XAUTH_HOST_KEYED) {
		report_say("no cookie for this host, one keyed to host ");
		report_quote(c->xauth.host);
		hint = HINT_X11_HOST_KEYED;
	} else if (c->outcome == XAUTH_FOUND) {
		report_say("wrong cookie");
		hint = HINT_X11_WRONG_COOKIE;
	} else if (c->outcome == XAUTH_EMPTY) {
		report_say("no cookie: the file is empty");
		hint = HINT_X11_EMPTY;
	} else {
		report_say("no cookie for this display in the file");
		hint = HINT_X11_NO_ENTRY;
	}
	say_reason(s->reason);
	report_end(STATUS_FAIL, hint);
}

static void authorize(struct server *s, const struct cookie *c, struct server *bare, int bare_fd)
{
	report_begin(CHECK_X11_AUTH, c->path);
	if (s->setup.answer != XSETUP_SUCCESS)
		refused(s, c);
	else
		x11_client(&s->display, s->setup.screens,
			   c->outcome != XAUTH_FOUND || let_in(bare, bare_fd));
}

/*
 * No descriptor is closed here: the server would be busy with that, while the launch waits for what
 * there is to tell. The first one has to stay open in any case: most servers begin anew when their
 * last client goes, and throw the next ones out with it (Xserver(1), -noreset).
 */
static void check_display(struct server *s)
{
	static struct server bare;
	static struct cookie c;
	int bare_fd = -1;
	struct text t;
	int fd;
	int r;

	text_begin(&t, s->path, sizeof(s->path));
	text_str(&t, SOCKETS);
	text_num(&t, s->display.number);
	find_cookie(&c, s->display.number);
	report_begin(CHECK_X11_SOCKET, s->path);
	fd = connect_server(s);
	report_begin(CHECK_X11_SOCKET, s->shown);
	if (fd < 0) {
		cannot_connect(-fd, s->abstract);
		return;
	}
	r = ask(fd, c.xauth.cookie, c.xauth.len);
	if (r == 0 && c.outcome == XAUTH_FOUND) {
		bare = *s;
		bare_fd = ask_without(&bare);
	}
	if (r == 0)
		r = hear(s, fd);
	if (r < 0) {
		no_answer(-r);
	} else if (s->setup.answer == XSETUP_GARBAGE) {
		garbage();
	} else {
		report_say("answers");
		report_end(STATUS_OK, HINT_NONE);
		authorize(s, &c, &bare, bare_fd);
	}
}

void x11_check(const struct probe *p)
{
	static struct server s;
	const char *name = getenv("DISPLAY");

	(void)p;
	if (name && name[0])
		display_parse(name, &s.display);
	if (name && name[0] && s.display.kind == DISPLAY_LOCAL) {
		check_display(&s);
		return;
	}
	report_begin(CHECK_X11_SOCKET, name);
	if (!name || !name[0]) {
		report_say("DISPLAY is not set");
		report_end(STATUS_FAIL, HINT_X11_NO_DISPLAY);
	} else if (s.display.kind == DISPLAY_REMOTE) {
		report_say("a display of another machine: not checked");
		report_end(STATUS_SKIP, HINT_X11_REMOTE);
	} else {
		report_say("DISPLAY names no display");
		report_end(STATUS_FAIL, HINT_X11_BAD_DISPLAY);
	}
}
