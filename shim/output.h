/* SPDX-License-Identifier: Apache-2.0 */
/* output: longer texts for stdout, written piece by piece, without stdio. */
#ifndef SHIM_OUTPUT_H
#define SHIM_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct output {
	struct text text;
	int err; /* the first failure, negative */
	char buf[1024];
};

/** output_write() - write all of a buffer to stdout. Return: 0 or -errno. */
int output_write(const char *s, size_t len);

/* Room for any text of a record of the probe's (wire.h), all of it escaped. */
#define OUTPUT_SHOWN 2048

/** output_begin() - start with nothing buffered. @o: out. */
void output_begin(struct output *o);

/** output_str() - add a string of this program's own. */
void output_str(struct output *o, const char *s);

/** output_unput() - take the last byte back if it is @c, the comma behind a list's last item. */
void output_unput(struct output *o, char c);

/** output_num() - add a number in decimal. */
void output_num(struct output *o, uint64_t n);

/**
 * output_json() - add a string from outside as a JSON string, with its quotes.
 * Control characters, quotes and backslashes are escaped, bytes of 0x80 and above that are
 * no UTF-8 become U+FFFD (RFC 8259).
 */
void output_json(struct output *o, const char *s);

/**
 * output_shown() - add a string from outside, as text_shown() has it.
 * @quoted: within double quotes, with the escapes of OpenMetrics for a quote and a backslash.
 */
void output_shown(struct output *o, const char *s, bool quoted);

/** output_end() - write what is left. Return: 0, or the first failure as -errno. */
int output_end(struct output *o);

#endif
