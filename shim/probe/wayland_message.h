/* SPDX-License-Identifier: Apache-2.0 */
/* wayland_message: a round trip to a Wayland compositor's registry. */
#ifndef SHIM_PROBE_WAYLAND_MESSAGE_H
#define SHIM_PROBE_WAYLAND_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define WAYLAND_REQUEST_SIZE 24
#define WAYLAND_HEAD 8	       /* bytes before each event */
#define WAYLAND_EVENT_MAX 4096 /* libwayland's buffers hold no more */

struct wayland_head {
	uint32_t object;
	unsigned int opcode;
	size_t size; /* of the event behind it */
};

enum wayland_event {
	WAYLAND_GLOBAL, /* with the name of an interface */
	WAYLAND_DONE,	/* the answer to sync: all globals have been told */
	WAYLAND_ERROR,	/* with a text */
	WAYLAND_OTHER,
	WAYLAND_GARBAGE,
};

/** wayland_request() - build get_registry and sync. @buf: out, WAYLAND_REQUEST_SIZE bytes. */
void wayland_request(uint8_t *buf);

/**
 * wayland_head() - take apart what comes before an event.
 * @data: WAYLAND_HEAD bytes. @h: out. Return: 0, or -EBADMSG.
 */
int wayland_head(const uint8_t *data, struct wayland_head *h);

/**
 * wayland_event() - judge an event.
 * @h: its head. @data: h->size bytes. @text: out, the interface or the error, cut to fit.
 * @size: room for it.
 */
enum wayland_event wayland_event(const struct wayland_head *h, const uint8_t *data, char *text,
				 size_t size);

#endif
