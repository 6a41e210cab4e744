/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "environment.h"
#include "sys.h"
#include "text.h"

#define EVENTS (IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM)
/* Between two looks at a directory where others make files all the time. */
#define CALM_MS 50

/* What is not there yet is made in a directory that is. */
static const struct {
	const char *dir;    /* one that does not begin with '/': below XDG_RUNTIME_DIR */
	const char *prefix; /* of the names that matter; "": all */
} places[CHANGES_PLACES] = {
	{"/dev", "dri"},
	{"/dev", "snd"},
	{"/dev/dri", ""},
	{"/dev/snd", ""},
	{"/tmp", ".X11-unix"},
	{"/tmp/.X11-unix", ""},
	{".", "wayland"},
	{".", "pipewire"},
	{".", "pulse"},
	{"pulse", ""},
	/* What `stremio-incus attach` brings. */
	{"/var/lib/stremio-shim", ""},
};

void changes_begin(struct changes *c, char **env)
{
	const char *runtime_dir = environment_get(env, "XDG_RUNTIME_DIR");
	char path[PATH_MAX];
	struct text t;

	c->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	for (size_t i = 0; i < CHANGES_PLACES && c->fd >= 0; i++) {
		bool absolute = places[i].dir[0] == '/';

		c->watch[i] = -1;
		if (!absolute && !runtime_dir)
			continue;
		text_begin(&t, path, sizeof(path));
		text_str(&t, absolute ? "" : runtime_dir);
		text_str(&t, absolute ? "" : "/");
		text_str(&t, places[i].dir);
		/* The same directory twice has the same number twice. */
		c->watch[i] = inotify_add_watch(c->fd, path, EVENTS);
	}
}

static bool matters(const struct changes *c, const struct inotify_event *e)
{
	if (e->mask & IN_Q_OVERFLOW)
		return true;
	for (size_t i = 0; i < CHANGES_PLACES; i++)
		if (c->watch[i] == e->wd && e->len &&
		    !strncmp(e->name, places[i].prefix, strlen(places[i].prefix)))
			return true;
	return false;
}

/* Take what has happened. Return: does any of it matter? */
static bool drain(const struct changes *c)
{
	_Alignas(struct inotify_event) char buf[4096];
	bool any = false;
	ssize_t n;

	/* Once: whoever makes files faster than they are read here does not keep us busy. */
	n = read(c->fd, buf, sizeof(buf));
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(buf + at);

		any |= matters(c, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	return any;
}

static void sleep_ms(int64_t ms)
{
	if (ms > 0)
		(void)poll(NULL, 0, (int)(ms < INT_MAX ? ms : INT_MAX));
}

void changes_await(struct changes *c, int64_t settle_ms, int64_t ms)
{
	struct pollfd fds = {.fd = c->fd, .events = POLLIN};
	int64_t end = sys_now_ms() + ms;
	int64_t left;

	sleep_ms(settle_ms < ms ? settle_ms : ms);
	while ((left = end - sys_now_ms()) > 0) {
		if (poll(&fds, 1, (int)(left < INT_MAX ? left : INT_MAX)) != 1 || drain(c))
			break;
		sleep_ms(left < CALM_MS ? left : CALM_MS);
	}
	if (c->fd >= 0)
		close(c->fd);
}
