/* SPDX-License-Identifier: Apache-2.0 */
/* display: what DISPLAY names. */
#ifndef SHIM_PROBE_DISPLAY_H
#define SHIM_PROBE_DISPLAY_H

#include <stdint.h>

enum display_kind {
	DISPLAY_LOCAL,	/* :N, unix:N, unix/:N, each with or without a screen */
	DISPLAY_REMOTE, /* host:N, tcp/host:N: somebody would have to look the name up */
	DISPLAY_BAD,
};

struct display {
	enum display_kind kind;
	uint32_t number;
	uint32_t screen;
};

/**
 * display_parse() - take a display's name apart (X(7), "Display names").
 * @name: of DISPLAY. @d: out.
 */
void display_parse(const char *name, struct display *d);

#endif
