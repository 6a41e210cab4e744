/* SPDX-License-Identifier: Apache-2.0 */
#include "sound.h"

#include <errno.h>
#include <string.h>

/* Step past a decimal number below @limit, as the kernel prints one. Return: 0 or -EINVAL. */
static int number(const char **at, unsigned int limit, unsigned int *out)
{
	const char *s = *at;
	unsigned int n = 0;

	if (*s < '0' || *s > '9' || (s[0] == '0' && s[1] >= '0' && s[1] <= '9'))
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (unsigned int)(*s - '0');
		if (n >= limit)
			return -EINVAL;
	}
	*at = s;
	*out = n;
	return 0;
}

enum sound_kind sound_node(const char *name, struct sound_node *node)
{
	const char *at = name;

	*node = (struct sound_node){0};
	if (!strncmp(at, "controlC", 8)) {
		at += 8;
		return number(&at, SOUND_CARDS, &node->card) < 0 || *at ? SOUND_MISNAMED
									: SOUND_CONTROL;
	}
	if (strncmp(at, "pcmC", 4) != 0)
		return SOUND_MISNAMED;
	at += 4;
	if (number(&at, SOUND_CARDS, &node->card) < 0 || *at++ != 'D' ||
	    number(&at, 1024, &node->device) < 0)
		return SOUND_MISNAMED;
	if (!strcmp(at, "p"))
		return SOUND_PLAYBACK;
	return strcmp(at, "c") ? SOUND_MISNAMED : SOUND_CAPTURE;
}
