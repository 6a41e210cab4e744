/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <unistd.h>

int output_write(const char *s, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, s, len);

		if (n < 0)
			return -errno;
		s += n;
		len -= (size_t)n;
	}
	return 0;
}

static void flush(struct output *o)
{
	if (!o->err)
		o->err = output_write(o->buf, o->text.len);
	text_begin(&o->text, o->buf, sizeof(o->buf));
}

void output_begin(struct output *o)
{
	o->err = 0;
	text_begin(&o->text, o->buf, sizeof(o->buf));
}

static void put(struct output *o, char c)
{
	char one[] = {c, '\0'};

	if (text_full(&o->text))
		flush(o);
	text_str(&o->text, one);
}

void output_str(struct output *o, const char *s)
{
	while (s && *s)
		put(o, *s++);
}

void output_num(struct output *o, uint64_t n)
{
	char digits[24];
	struct text t;

	text_begin(&t, digits, sizeof(digits));
	text_num(&t, n);
	output_str(o, digits);
}

/* How many bytes of well-formed UTF-8 are at @s, 0 when they are none (RFC 3629). */
static unsigned int utf8_length(const unsigned char *s)
{
	unsigned int len = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;

	if (*s > 0xf4)
		return 0;
	for (unsigned int i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what is above U+10FFFF. */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void put_escaped(struct output *o, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char escape[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15], '\0'};

	output_str(o, escape);
}

void output_json(struct output *o, const char *s)
{
	const unsigned char *at = (const unsigned char *)s;

	put(o, '"');
	while (*at) {
		unsigned int len = utf8_length(at);

		if (!len) {
			output_str(o, "\\ufffd");
			at++;
		} else if (*at < 0x20 || *at == 0x7f || *at == '"' || *at == '\\') {
			put_escaped(o, *at++);
		} else {
			while (len--)
				put(o, (char)*at++);
		}
	}
	put(o, '"');
}

int output_end(struct output *o)
{
	flush(o);
	return o->err;
}
