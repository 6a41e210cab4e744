/* SPDX-License-Identifier: Apache-2.0 */
#include "devices.h"

#include <errno.h>
#include <string.h>

#define STEP "devices"

static int refuse(struct finding *f, const char *what, const char *word)
{
	return finding_set(f, EXIT_USAGE, STEP, 0, what, word,
			   "STREMIO_DEVICES: gpu gpu-primary sound sound-playback (each may end in "
			   ":CARD) x11 wayland pulse none, with commas between them");
}

static bool is_card_name(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len < DEVICES_CHOSEN_SIZE &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

/* @card: NULL for all of them, which includes any that were named before. */
static int choose(struct chosen *c, const char *card)
{
	if (!card) {
		c->wanted = true;
		c->count = 0;
		return 0;
	}
	if (!is_card_name(card))
		return -EINVAL;
	if (c->wanted && !c->count)
		return 0;
	if (c->count == DEVICES_CHOSEN_MAX)
		return -EINVAL;
	c->wanted = true;
	memcpy(c->name[c->count++], card, strlen(card) + 1);
	return 0;
}

static bool is_anothers(const char *word)
{
	return !strcmp(word, "x11") || !strcmp(word, "wayland") || !strcmp(word, "pulse");
}

static int take(char *word, struct devices *out, bool *none, bool *capture)
{
	char *card = strchr(word, ':');

	if (card)
		*card++ = '\0';
	if (!strcmp(word, "gpu"))
		return choose(&out->gpu, card);
	if (!strcmp(word, "gpu-primary"))
		return choose(&out->primary, card);
	if (!strcmp(word, "sound") || !strcmp(word, "sound-playback")) {
		*capture |= !word[strlen("sound")];
		return choose(&out->sound, card);
	}
	if (card)
		return -EINVAL;
	if (strcmp(word, "none"))
		return is_anothers(word) ? 0 : -EINVAL;
	*none = true;
	return 0;
}

int devices_parse(const char *list, struct devices *out, struct finding *f)
{
	char buf[DEVICES_LIST_MAX];
	bool none = false;
	bool capture = false;
	size_t words = 0;

	memset(out, 0, sizeof(*out));
	if (!list || !*list)
		list = DEVICES_DEFAULT;
	if (strlen(list) >= sizeof(buf))
		return refuse(f, "the list is too long", NULL);
	memcpy(buf, list, strlen(list) + 1);
	for (char *word = buf, *next; word; word = next, words++) {
		char shown[DEVICES_LIST_MAX];

		next = strchr(word, ',');
		if (next)
			*next++ = '\0';
		memcpy(shown, word, strlen(word) + 1);
		if (take(word, out, &none, &capture) < 0) {
			memset(out, 0, sizeof(*out));
			return refuse(f, "not a device, or too many of them:", shown);
		}
	}
	if (none && words > 1) {
		memset(out, 0, sizeof(*out));
		return refuse(f, "none beside others:", list);
	}
	out->playback_only = out->sound.wanted && !capture;
	return 0;
}

bool chosen_has(const struct chosen *c, const char *name)
{
	if (!c->wanted || !c->count)
		return c->wanted;
	for (size_t i = 0; i < c->count; i++) {
		if (!strcmp(c->name[i], name))
			return true;
	}
	return false;
}
