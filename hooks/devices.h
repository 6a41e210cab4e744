/* SPDX-License-Identifier: Apache-2.0 */
/* devices: which devices an instance is to get, from its STREMIO_DEVICES. */
#ifndef HOOK_DEVICES_H
#define HOOK_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "finding.h"

#define DEVICES_LIST_MAX 256   /* bytes, with the terminating zero */
#define DEVICES_CHOSEN_MAX 8   /* cards named for one kind */
#define DEVICES_CHOSEN_SIZE 32 /* bytes of a card's name, with the terminating zero */
#define DEVICES_DEFAULT "gpu,sound,x11"

/* One kind: not asked for, all there are, or those that are named. */
struct chosen {
	bool wanted;
	size_t count; /* of names; 0 is all */
	char name[DEVICES_CHOSEN_MAX][DEVICES_CHOSEN_SIZE];
};

struct devices {
	struct chosen gpu;     /* render nodes and what belongs to them */
	struct chosen primary; /* the nodes that can change a screen's mode */
	struct chosen sound;
	bool playback_only; /* no capture: every card asked for was `sound-playback` */
};

/**
 * devices_parse() - read a list of devices.
 * @list: words separated by commas: gpu, gpu-primary, sound, sound-playback, each with an
 *	optional `:CARD`; x11, wayland, pulse and none, which are for others to act on. Comes from
 *	an instance's configuration: anything may be in it. NULL or empty is DEVICES_DEFAULT.
 * @out: what to wire. @f: out, on failure, step "devices".
 *
 * CARD is a node's name without its directory (renderD129, card1, nvidia0) or a sound card's
 * number or ALSA id (1, PCH). A list with an error in it wires nothing: a guess could
 * hand over more than was meant.
 * Return: 0 or -EINVAL.
 */
int devices_parse(const char *list, struct devices *out, struct finding *f);

/** chosen_has() - does a kind include a card? @name: the card's. Return: true or false. */
bool chosen_has(const struct chosen *c, const char *name);

#endif
