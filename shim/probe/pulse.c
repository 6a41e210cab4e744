/* SPDX-License-Identifier: Apache-2.0 */
/* Sound servers: PulseAudio's socket (which PipeWire has, too), and PipeWire's own. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "groups.h"
#include "pipewire_message.h"
#include "pulse_message.h"
#include "server.h"
#include "text.h"
#include "unix_socket.h"

#define PATH_ROOM 4096
#define MESSAGES_MAX 16 /* that may come before the one that is waited for */

static const struct server_hints pulse_hints = {
	.none = HINT_PULSE_NONE,
	.refused = HINT_PULSE_REFUSED,
	.forbidden = HINT_PULSE_FORBIDDEN,
	.not_a_socket = HINT_PULSE_NOT_A_SOCKET,
	.silent = HINT_PULSE_SILENT,
	.garbage = HINT_PULSE_GARBAGE,
};

static const struct server_hints pipewire_hints = {
	.none = HINT_PIPEWIRE_NONE,
	.refused = HINT_PIPEWIRE_REFUSED,
	.forbidden = HINT_PIPEWIRE_FORBIDDEN,
	.not_a_socket = HINT_PIPEWIRE_NOT_A_SOCKET,
	.silent = HINT_PIPEWIRE_SILENT,
	.garbage = HINT_PIPEWIRE_GARBAGE,
};

struct cookie {
	uint8_t data[PULSE_COOKIE];
	char path[PATH_ROOM]; /* of the first file that is there and of no use */
	int err;	      /* why; 0: none */
};

/* Return: 0 with all of a cookie, or -errno. */
static int read_cookie(const char *dir, const char *name, struct cookie *c)
{
	char path[PATH_ROOM];
	int fd;
	int r;

	if (!name || server_path(dir, name, path, sizeof(path)) < 0)
		return -ENOENT;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	r = fd < 0 ? -errno : read(fd, c->data, PULSE_COOKIE) == PULSE_COOKIE ? 0 : -EBADMSG;
	if (fd >= 0)
		close(fd);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR && !c->err) {
		c->err = -r;
		memcpy(c->path, path, strlen(path) + 1);
	}
	return r;
}

/* Where libpulse looks, in its order; a server that knows the user by its socket wants none. */
static void find_cookie(struct cookie *c)
{
	const char *home = getenv("HOME");

	c->err = 0;
	if (read_cookie(NULL, getenv("PULSE_COOKIE"), c) < 0 &&
	    read_cookie(getenv("XDG_CONFIG_HOME"), "pulse/cookie", c) < 0 &&
	    read_cookie(home, ".config/pulse/cookie", c) < 0 &&
	    read_cookie(home, ".pulse-cookie", c) < 0)
		memset(c->data, 0, PULSE_COOKIE);
}

/* Return: an answer of the protocol, or -errno. */
static int ask_pulse(int fd, const struct cookie *c, uint32_t *version)
{
	uint8_t message[PULSE_AUTH_SIZE];
	uint8_t body[PULSE_BODY_MAX];
	int len;
	int r;

	pulse_auth(c->data, message);
	r = unix_send(fd, message, sizeof(message));
	r = r < 0 ? r : unix_receive(fd, message, PULSE_HEAD);
	if (r < 0)
		return r;
	len = pulse_head(message);
	r = len < 0 ? len : unix_receive(fd, body, (size_t)len);
	return r < 0 ? r : (int)pulse_body(body, (size_t)len, version);
}

/* access(2) knows of modes only, not of Landlock. */
static void denied(const struct cookie *c)
{
	enum hint hint = HINT_PULSE_DENIED;

	report_say("access denied");
	if (c->err) {
		report_say("; no cookie: ");
		report_quote(c->path);
		report_say(c->err == EBADMSG ? " holds none" : " cannot be read");
	}
	if (c->err && c->err != EBADMSG) {
		report_error(c->err);
		hint = c->err == EACCES && access(c->path, R_OK) == 0
			       ? HINT_PULSE_COOKIE_CONFINED
			       : HINT_PULSE_COOKIE_UNREADABLE;
	}
	report_end(STATUS_FAIL, hint);
}

static bool talk_pulse(int fd)
{
	static struct cookie cookie;
	uint32_t version = 0;
	int r;

	find_cookie(&cookie);
	r = ask_pulse(fd, &cookie, &version);
	switch (r) {
	case PULSE_WELCOME:
		report_say("answers, protocol ");
		report_number(version);
		report_end(STATUS_OK, HINT_NONE);
		return true;
	case PULSE_DENIED:
		denied(&cookie);
		return false;
	case PULSE_ERROR:
		report_say("answers with error ");
		report_number(version);
		report_end(STATUS_FAIL, HINT_PULSE_ERROR);
		return false;
	default:
		server_failed(r < 0 ? -r : EBADMSG, &pulse_hints, STATUS_FAIL);
		return false;
	}
}

/*
 * PULSE_SERVER is a list of servers, each perhaps only for one machine: "{id}unix:/path". The
 * first is looked at. Return: 0; -EREMOTE for one that is reached over a network; -ENOENT.
 */
static int pulse_path(char *path, size_t size)
{
	const char *server = getenv("PULSE_SERVER");
	const char *dir = getenv("PULSE_RUNTIME_PATH");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char first[PATH_ROOM];
	struct text t;

	if (!server || !server[0])
		return dir ? server_path(dir, "native", path, size)
			   : server_path(runtime, "pulse/native", path, size);
	text_begin(&t, first, sizeof(first));
	text_str(&t, server);
	first[strcspn(first, " ")] = '\0';
	server = first;
	if (server[0] == '{' && strchr(server, '}'))
		server = strchr(server, '}') + 1;
	if (!strncmp(server, "unix:", 5))
		server += 5;
	text_begin(&t, path, size);
	text_str(&t, server);
	if (server[0] != '/')
		return -EREMOTE;
	return text_full(&t) ? -ENAMETOOLONG : 0;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && value[0];
}

/* Whoever was given PipeWire's own socket, and no word of this one, has the speakers by that. */
static bool only_pipewire(void)
{
	return is_set("PIPEWIRE_REMOTE") && !is_set("PULSE_SERVER") &&
	       !getenv("PULSE_RUNTIME_PATH");
}

static bool check_pulse(void)
{
	char path[PATH_ROOM] = "";
	bool good = false;
	int r = pulse_path(path, sizeof(path));
	int fd;

	if (r == 0 && only_pipewire() && access(path, F_OK) < 0) {
		report_skip(CHECK_PULSE_SOCKET, path, "not there");
		return false;
	}
	report_begin(CHECK_PULSE_SOCKET, path);
	if (r == -EREMOTE) {
		report_say("a server that is not a socket of this machine: not checked");
		report_end(STATUS_SKIP, HINT_PULSE_REMOTE);
		return false;
	}
	if (r < 0) {
		report_say(r == -ENOENT ? "no socket is named: PULSE_SERVER and "
					  "XDG_RUNTIME_DIR are not set"
					: "the socket's path is too long");
		report_end(STATUS_FAIL, HINT_PULSE_NONE);
		return false;
	}
	fd = server_connect(path, &pulse_hints, STATUS_FAIL);
	if (fd >= 0) {
		good = talk_pulse(fd);
		close(fd);
	}
	return good;
}

/* Return: 0 with the server's description, or -errno. */
static int ask_pipewire(int fd, struct pipewire_core *core)
{
	static uint8_t body[PIPEWIRE_BODY_MAX];
	uint8_t message[PIPEWIRE_HELLO_SIZE];
	int r;

	pipewire_hello(message);
	r = unix_send(fd, message, sizeof(message));
	for (int i = 0; i < MESSAGES_MAX && r == 0; i++) {
		struct pipewire_head h;

		r = unix_receive(fd, message, PIPEWIRE_HEAD);
		r = r < 0 ? r : pipewire_head(message, &h);
		r = r < 0 ? r : unix_receive(fd, body, h.size);
		/* The core is object 0, its description event 0. */
		if (r == 0 && h.id == 0 && h.opcode == 0)
			return pipewire_core_info(body, h.size, core);
	}
	return r < 0 ? r : -EBADMSG;
}

static void talk_pipewire(int fd, enum wire_status bad)
{
	struct pipewire_core core;
	int r = ask_pipewire(fd, &core);

	if (r < 0) {
		server_failed(-r, &pipewire_hints, bad);
		return;
	}
	report_say("answers, PipeWire ");
	report_quote(core.version);
	if (core.name[0]) {
		report_say(" (");
		report_quote(core.name);
		report_say(")");
	}
	report_end(STATUS_OK, HINT_NONE);
}

/* PipeWire is one of two ways to the same speakers: that there is none is no fault, and a fault
 * of it is none of the sound's as long as PulseAudio's protocol is answered. */
static void check_pipewire(bool pulse_is_good)
{
	const char *remote = getenv("PIPEWIRE_REMOTE");
	const char *dir = getenv("PIPEWIRE_RUNTIME_DIR");
	enum wire_status bad = pulse_is_good ? STATUS_WARN : STATUS_FAIL;
	char path[PATH_ROOM] = "";
	int r = server_path(dir ? dir : getenv("XDG_RUNTIME_DIR"),
			    remote && remote[0] ? remote : "pipewire-0", path, sizeof(path));
	int fd;

	if (!(remote && remote[0]) && (r < 0 || access(path, F_OK) < 0)) {
		report_skip(CHECK_PIPEWIRE_SOCKET, path, "not there");
		return;
	}
	report_begin(CHECK_PIPEWIRE_SOCKET, path);
	if (r < 0) {
		report_say(r == -ENOENT ? "no socket is named: XDG_RUNTIME_DIR is not set"
					: "the socket's path is too long");
		report_end(bad, HINT_PIPEWIRE_NONE);
		return;
	}
	fd = server_connect(path, &pipewire_hints, bad);
	if (fd >= 0) {
		talk_pipewire(fd, bad);
		close(fd);
	}
}

void pulse_check(const struct probe *p)
{
	(void)p;
	check_pipewire(check_pulse());
}
