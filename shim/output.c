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

void output_unput(struct output *o, char c)
{
	if (o->text.len && o->buf[o->text.len - 1] == c)
		o->text.len--;
}

void output_num(struct output *o, uint64_t n)
{
	char digits[24];
	struct text t;

	text_begin(&t, digits, sizeof(digits));
	text_num(&t, n);
	output_str(o, digits);
}

void output_shown(struct output *o, const char *s, bool quoted)
{
	char safe[OUTPUT_SHOWN];
	struct text t;

	text_begin(&t, safe, sizeof(safe));
	text_shown(&t, s);
	for (const char *at = safe; *at; at++) {
		if (quoted && (*at == '"' || *at == '\\'))
			put(o, '\\');
		put(o, *at);
	}
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
		unsigned int len = text_utf8_length((const char *)at);

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
