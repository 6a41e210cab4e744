/* SPDX-License-Identifier: Apache-2.0 */
#include "wayland_message.h"

#include <errno.h>
#include <string.h>

/* Objects: the display is 1, the others are numbered by the client. */
#define DISPLAY 1
#define REGISTRY 2
#define CALLBACK 3
/* Numbers of requests and events: wayland.xml, in its order. */
#define DISPLAY_SYNC 0
#define DISPLAY_GET_REGISTRY 1
#define DISPLAY_ERROR 0
#define REGISTRY_GLOBAL 0
#define CALLBACK_DONE 0

static void put_request(uint8_t *at, uint32_t opcode, uint32_t id)
{
	const uint32_t words[] = {DISPLAY, 12u << 16 | opcode, id};

	memcpy(at, words, sizeof(words));
}

static uint32_t get_u32(const uint8_t *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return n;
}

void wayland_request(uint8_t *buf)
{
	put_request(buf, DISPLAY_GET_REGISTRY, REGISTRY);
	put_request(buf + 12, DISPLAY_SYNC, CALLBACK);
}

int wayland_head(const uint8_t *data, struct wayland_head *h)
{
	uint32_t size = get_u32(data + 4) >> 16;

	h->object = get_u32(data);
	h->opcode = get_u32(data + 4) & 0xffff;
	if (size < WAYLAND_HEAD || size > WAYLAND_EVENT_MAX || size % 4)
		return -EBADMSG;
	h->size = size - WAYLAND_HEAD;
	return 0;
}

/* A string that begins at @skip: its length with the terminator, then its bytes. */
static int keep(const struct wayland_head *h, const uint8_t *data, size_t skip, char *text,
		size_t size)
{
	size_t len;

	if (h->size < skip + 4)
		return -EBADMSG;
	len = get_u32(data + skip);
	if (!len || len > h->size - skip - 4 || data[skip + 4 + len - 1])
		return -EBADMSG;
	if (len > size)
		len = size;
	memcpy(text, data + skip + 4, len);
	text[len - 1] = '\0';
	return 0;
}

enum wayland_event wayland_event(const struct wayland_head *h, const uint8_t *data, char *text,
				 size_t size)
{
	if (h->object == REGISTRY && h->opcode == REGISTRY_GLOBAL)
		return keep(h, data, 4, text, size) < 0 ? WAYLAND_GARBAGE : WAYLAND_GLOBAL;
	if (h->object == CALLBACK && h->opcode == CALLBACK_DONE)
		return h->size == 4 ? WAYLAND_DONE : WAYLAND_GARBAGE;
	if (h->object == DISPLAY && h->opcode == DISPLAY_ERROR)
		return keep(h, data, 8, text, size) < 0 ? WAYLAND_GARBAGE : WAYLAND_ERROR;
	/* delete_id, and what later versions may add for these objects. */
	return h->object >= DISPLAY && h->object <= CALLBACK ? WAYLAND_OTHER : WAYLAND_GARBAGE;
}
