/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <errno.h>

#include "text.h"
#include "unix_socket.h"

int server_connect(const char *path, const struct server_hints *hints, enum wire_status bad)
{
	int fd = unix_connect(path, false);
	enum hint hint;

	switch (fd) {
	case -ENOENT:
		report_say("not there");
		hint = hints->none;
		break;
	case -ENOTSOCK:
		report_say("is not a socket");
		hint = hints->not_a_socket;
		break;
	case -ECONNREFUSED:
		report_say("stale: no server listens any more");
		hint = hints->refused;
		break;
	case -EAGAIN:
		report_say("the server takes no connections: its queue is full");
		hint = hints->silent;
		break;
	case -ENAMETOOLONG:
		report_say("the socket's path is too long");
		hint = hints->none;
		break;
	default:
		if (fd >= 0)
			return fd;
		report_say("cannot be connected to");
		report_error(-fd);
		hint = hints->forbidden;
	}
	report_end(bad, hint);
	return -1;
}

void server_failed(int err, const struct server_hints *hints, enum wire_status bad)
{
	if (err == ETIMEDOUT) {
		report_say("accepts connections and does not answer");
		report_end(bad, hints->silent);
	} else if (err == EBADMSG) {
		report_say("the answer is not of its protocol");
		report_end(bad, hints->garbage);
	} else {
		report_say(unix_gone(err) ? "closes connections without an answer"
					  : "does not answer");
		report_error(err);
		report_end(bad, hints->refused);
	}
}

int server_path(const char *dir, const char *name, char *path, size_t size)
{
	struct text t;

	text_begin(&t, path, size);
	if (name[0] != '/') {
		if (!dir)
			return -ENOENT;
		text_str(&t, dir);
		text_str(&t, "/");
	}
	text_str(&t, name);
	return text_full(&t) ? -ENAMETOOLONG : 0;
}
