/* SPDX-License-Identifier: Apache-2.0 */
#include "display.h"

#include <string.h>

#include "text.h"

#define NUMBER_MAX 65535 /* what Xorg takes as a display's number */

/* "N" or "N.S" */
static int numbers(const char *s, struct display *d)
{
	const char *dot = strchr(s, '.');
	char number[8];
	size_t len = dot ? (size_t)(dot - s) : strlen(s);

	if (len >= sizeof(number))
		return -1;
	memcpy(number, s, len);
	number[len] = '\0';
	if (parse_u32(number, NUMBER_MAX, &d->number) < 0)
		return -1;
	d->screen = 0;
	return dot ? parse_u32(dot + 1, 255, &d->screen) : 0;
}

void display_parse(const char *name, struct display *d)
{
	const char *colon = strrchr(name, ':');
	size_t host;

	*d = (struct display){.kind = DISPLAY_BAD};
	if (!colon || numbers(colon + 1, d) < 0)
		return;
	host = (size_t)(colon - name);
	if (host == 0 || (host == 4 && !strncmp(name, "unix", 4)) ||
	    (host == 5 && !strncmp(name, "unix/", 5)))
		d->kind = DISPLAY_LOCAL;
	/* A path is another system's way; two colons were DECnet's. */
	else if (name[0] != '/' && strncmp(name, "unix/", 5) != 0 && name[host - 1] != '/')
		d->kind = name[host - 1] == ':' && host == strcspn(name, ":") + 1 ? DISPLAY_BAD
										  : DISPLAY_REMOTE;
}
