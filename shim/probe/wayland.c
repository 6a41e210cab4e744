/* SPDX-License-Identifier: Apache-2.0 */
/* The Wayland compositor: its registry, read to the end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "groups.h"
#include "server.h"
#include "unix_socket.h"
#include "wayland_message.h"

#define EVENTS_MAX 1024 /* compositors have some dozen globals */

static const struct server_hints hints = {
	.none = HINT_WAYLAND_NONE,
	.refused = HINT_WAYLAND_REFUSED,
	.forbidden = HINT_WAYLAND_FORBIDDEN,
	.not_a_socket = HINT_WAYLAND_NOT_A_SOCKET,
	.silent = HINT_WAYLAND_SILENT,
	.garbage = HINT_WAYLAND_GARBAGE,
};

/* What a player has use for; there is no window without the first ones. */
static const char *const wanted[] = {"wl_compositor", "xdg_wm_base", "wl_seat",
				     "zwp_linux_dmabuf_v1"};
#define WANTED (sizeof(wanted) / sizeof(wanted[0]))
#define NEEDED 2

struct registry {
	unsigned int globals;
	bool seen[WANTED];
	char text[64]; /* of the latest global or error */
};

static void note_global(struct registry *r)
{
	r->globals++;
	for (size_t i = 0; i < WANTED; i++)
		r->seen[i] = r->seen[i] || !strcmp(wanted[i], r->text);
}

/* Return: 0 when all was told, -EPROTO with the compositor's words, other -errno. */
static int round_trip(int fd, struct registry *reg)
{
	uint8_t data[WAYLAND_EVENT_MAX];
	int r;

	wayland_request(data);
	r = unix_send(fd, data, WAYLAND_REQUEST_SIZE);
	for (int i = 0; i < EVENTS_MAX && r == 0; i++) {
		struct wayland_head h;

		r = unix_receive(fd, data, WAYLAND_HEAD);
		r = r < 0 ? r : wayland_head(data, &h);
		r = r < 0 ? r : unix_receive(fd, data, h.size);
		if (r < 0)
			return r;
		switch (wayland_event(&h, data, reg->text, sizeof(reg->text))) {
		case WAYLAND_GLOBAL:
			note_global(reg);
			break;
		case WAYLAND_DONE:
			return 0;
		case WAYLAND_ERROR:
			return -EPROTO;
		case WAYLAND_OTHER:
			break;
		default:
			return -EBADMSG;
		}
	}
	return r < 0 ? r : -EBADMSG;
}

static void end_registry(const struct registry *reg)
{
	bool poor = false;
	const char *separator = "; missing: ";

	report_number(reg->globals);
	report_say(" globals");
	for (size_t i = 0; i < WANTED; i++) {
		if (reg->seen[i])
			continue;
		report_say(separator);
		report_say(wanted[i]);
		separator = " ";
		poor = poor || i < NEEDED;
	}
	report_end(poor ? STATUS_WARN : STATUS_OK, poor ? HINT_WAYLAND_POOR : HINT_NONE);
}

static void talk(int fd)
{
	struct registry reg = {.globals = 0};
	int r = round_trip(fd, &reg);

	if (r == 0) {
		end_registry(&reg);
	} else if (r == -EPROTO) {
		report_say("the compositor says: ");
		report_quote(reg.text);
		report_end(STATUS_FAIL, HINT_WAYLAND_GARBAGE);
	} else {
		server_failed(-r, &hints, STATUS_FAIL);
	}
}

/* Return: 0 with the socket's path, or -errno: -ENODEV when none is named. */
static int socket_path(const char **name, char *path, size_t size)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	int r;

	*name = getenv("WAYLAND_DISPLAY");
	if (*name && (*name)[0])
		return server_path(dir, *name, path, size);
	/* What libwayland looks for then (wl_display_connect()). */
	*name = NULL;
	r = server_path(dir, "wayland-0", path, size);
	return r < 0 || access(path, F_OK) < 0 ? -ENODEV : 0;
}

void wayland_check(const struct probe *p)
{
	const char *name;
	char path[4096] = "";
	int fd;
	int r = socket_path(&name, path, sizeof(path));

	(void)p;
	if (r == -ENODEV) {
		report_begin(CHECK_WAYLAND_SOCKET, NULL);
		report_say("WAYLAND_DISPLAY is not set");
		report_end(STATUS_FAIL, HINT_WAYLAND_NO_DISPLAY);
		return;
	}
	report_begin(CHECK_WAYLAND_SOCKET, r < 0 ? name : path);
	if (r < 0) {
		report_say(r == -ENOENT ? "cannot be found: XDG_RUNTIME_DIR is not set"
					: "the socket's path is too long");
		report_end(STATUS_FAIL, HINT_WAYLAND_NONE);
		return;
	}
	fd = server_connect(path, &hints, STATUS_FAIL);
	if (fd >= 0) {
		talk(fd);
		close(fd);
	}
}
