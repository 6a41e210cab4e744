// SPDX-License-Identifier: Apache-2.0
/*
 * What stremio-probe reads from strangers: an Xauthority file, and the first messages of X
 * servers, sound servers and compositors. The first byte chooses; what follows is what came.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probe/display.h"
#include "probe/pipewire_message.h"
#include "probe/pulse_message.h"
#include "probe/sound.h"
#include "probe/wayland_message.h"
#include "probe/xauth.h"
#include "probe/xsetup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like a socket: what is asked for, in a block of just that size, or nothing. */
struct stream {
	const uint8_t *at;
	size_t left;
};

static uint8_t *receive(struct stream *s, size_t size)
{
	uint8_t *block;

	if (size > s->left)
		return NULL;
	block = malloc(size ? size : 1);
	assert(block);
	memcpy(block, s->at, size);
	s->at += size;
	s->left -= size;
	return block;
}

static void xauth(struct stream *s)
{
	size_t size = s->left;
	uint8_t *file = receive(s, size);
	struct xauth found;
	enum xauth_outcome outcome = xauth_find(file, size, 7, "here", &found);

	assert(memchr(found.host, '\0', sizeof(found.host)));
	assert(found.len <= sizeof(found.cookie));
	assert(outcome == XAUTH_FOUND || found.len == 0);
	assert(outcome == XAUTH_HOST_KEYED || outcome == XAUTH_FOUND || !found.host[0]);
	assert((outcome == XAUTH_EMPTY) == (size == 0));
	free(file);
}

static void xsetup(struct stream *s)
{
	uint8_t *prefix = receive(s, XSETUP_PREFIX);
	struct xsetup setup;
	uint8_t *rest;

	if (!prefix)
		return;
	xsetup_prefix(prefix, &setup);
	free(prefix);
	assert(setup.wanted < XSETUP_REASON_MAX && setup.wanted <= setup.total);
	rest = receive(s, setup.wanted);
	if (rest && setup.answer == XSETUP_SUCCESS) {
		xsetup_success(rest, &setup);
		assert(setup.answer == XSETUP_GARBAGE || setup.screens > 0);
	}
	free(rest);
}

static void pulse(struct stream *s)
{
	uint8_t *head = receive(s, PULSE_HEAD);
	uint32_t version = 0;
	uint8_t *body;
	int len;

	if (!head)
		return;
	len = pulse_head(head);
	free(head);
	if (len < 0)
		return;
	assert(len <= PULSE_BODY_MAX);
	body = receive(s, (size_t)len);
	if (body && pulse_body(body, (size_t)len, &version) == PULSE_WELCOME)
		assert(version <= 0xffff);
	free(body);
}

static void pipewire(struct stream *s)
{
	uint8_t *data;

	while ((data = receive(s, PIPEWIRE_HEAD)) != NULL) {
		struct pipewire_core core;
		struct pipewire_head h;
		int r = pipewire_head(data, &h);

		free(data);
		if (r < 0)
			return;
		assert(h.size <= PIPEWIRE_BODY_MAX);
		data = receive(s, h.size);
		if (!data)
			return;
		if (pipewire_core_info(data, h.size, &core) == 0)
			assert(memchr(core.version, '\0', sizeof(core.version)) &&
			       memchr(core.name, '\0', sizeof(core.name)));
		free(data);
	}
}

static void wayland(struct stream *s)
{
	uint8_t *data;

	while ((data = receive(s, WAYLAND_HEAD)) != NULL) {
		char text[64] = "";
		struct wayland_head h;
		int r = wayland_head(data, &h);

		free(data);
		if (r < 0)
			return;
		assert(h.size <= WAYLAND_EVENT_MAX - WAYLAND_HEAD);
		data = receive(s, h.size);
		if (!data)
			return;
		(void)wayland_event(&h, data, text, sizeof(text));
		assert(memchr(text, '\0', sizeof(text)));
		free(data);
	}
}

static void names(struct stream *s)
{
	char *name = malloc(s->left + 1);
	struct sound_node node;
	struct display d;

	assert(name);
	memcpy(name, s->at, s->left);
	name[s->left] = '\0';
	display_parse(name, &d);
	assert(d.kind == DISPLAY_BAD || (d.number <= 65535 && d.screen <= 255));
	if (sound_node(name, &node) != SOUND_MISNAMED)
		assert(node.card < SOUND_CARDS && node.device < 1024);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct stream * s) = {xauth,    xsetup,	pulse,
							     pipewire, wayland, names};
	struct stream s = {data + 1, size - 1};

	if (size)
		readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](&s);
	return 0;
}
