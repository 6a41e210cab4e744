/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <errno.h>
#include <string.h>

void text_begin(struct text *t, char *buf, size_t size)
{
	t->start = buf;
	t->size = size;
	t->len = 0;
	buf[0] = '\0';
}

static void put(struct text *t, char c)
{
	if (t->len + 1 >= t->size)
		return;
	t->start[t->len++] = c;
	t->start[t->len] = '\0';
}

void text_str(struct text *t, const char *s)
{
	while (s && *s)
		put(t, *s++);
}

void text_safe(struct text *t, const char *s)
{
	for (; s && *s; s++)
		put(t, (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}

unsigned int text_utf8_length(const char *string)
{
	const unsigned char *s = (const unsigned char *)string;
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

/* What moves a terminal's cursor or turns its writing direction, beyond ASCII's controls: C1,
 * and the marks, separators and overrides of U+200E to U+202E and U+2066 to U+2069. */
static int steers(const unsigned char *s)
{
	if (s[0] == 0xc2)
		return s[1] < 0xa0;
	if (s[0] != 0xe2)
		return 0;
	return (s[1] == 0x80 && ((s[2] & 0xfe) == 0x8e || (s[2] >= 0xa8 && s[2] <= 0xae))) ||
	       (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9);
}

void text_escaped(struct text *t, const char *s)
{
	while (s && *s) {
		const unsigned char *at = (const unsigned char *)s;
		unsigned int len = text_utf8_length(s);
		int plain = len && *at >= 0x20 && *at != 0x7f && *at != '\\' && !steers(at);
		char escape[] = {'\\', 'x', "0123456789abcdef"[*at >> 4],
				 "0123456789abcdef"[*at & 15], '\0'};

		/* All of a character or nothing. */
		if (t->len + (plain ? len : 4) >= t->size)
			return;
		if (!plain)
			text_str(t, escape);
		for (unsigned int i = 0; plain && i < len; i++)
			put(t, s[i]);
		s += plain ? len : 1;
	}
}

static void put_based(struct text *t, uint64_t n, unsigned int base)
{
	char digits[24];
	unsigned int i = 0;

	do {
		digits[i++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	while (i)
		put(t, digits[--i]);
}

void text_num(struct text *t, uint64_t n)
{
	put_based(t, n, 10);
}

void text_hex(struct text *t, uint64_t n)
{
	text_str(t, "0x");
	put_based(t, n, 16);
}

int text_full(const struct text *t)
{
	return t->len + 1 >= t->size;
}

int parse_u32(const char *s, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > max)
			return -ERANGE;
	}
	*out = (uint32_t)n;
	return 0;
}

int parse_seconds(const char *s, uint32_t max_s, uint32_t *ms)
{
	uint64_t n = 0;
	uint32_t unit = 1000;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > max_s)
			return -ERANGE;
	}
	n *= 1000;
	if (*s == '.' && s[1]) {
		for (s++; *s >= '0' && *s <= '9' && unit > 1; s++) {
			unit /= 10;
			n += (uint64_t)(*s - '0') * unit;
		}
	}
	if (*s)
		return -EINVAL;
	if (n > (uint64_t)max_s * 1000)
		return -ERANGE;
	*ms = (uint32_t)n;
	return 0;
}

static const char *skip_blanks(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

const char *field_start(const char *status, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = status; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (!strncmp(line, name, len))
			return skip_blanks(line + len);
	}
	return NULL;
}

int field_hex64(const char *status, const char *name, uint64_t *out)
{
	const char *s = field_start(status, name);
	uint64_t n = 0;
	int digits = 0;

	if (!s)
		return -ENOENT;
	for (; *s && *s != '\n'; s++, digits++) {
		if (*s >= '0' && *s <= '9')
			n = n << 4 | (uint64_t)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			n = n << 4 | (uint64_t)(*s - 'a' + 10);
		else
			return -EINVAL;
	}
	if (digits < 1 || digits > 16)
		return -EINVAL;
	*out = n;
	return 0;
}

int field_u32(const char **at, uint32_t *out)
{
	const char *s = *at;
	uint64_t n = 0;

	if (!*s || *s == '\n')
		return -ENOENT;
	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > UINT32_MAX)
			return -EINVAL;
	}
	*out = (uint32_t)n;
	*at = skip_blanks(s);
	return 0;
}

void text_shown(struct text *t, const char *s)
{
	while (*s) {
		unsigned int len = text_utf8_length(s);
		char one[5] = {0};

		memcpy(one, s, len ? len : 1);
		if (*s == '\\')
			put(t, *s);
		else
			text_escaped(t, one);
		s += len ? len : 1;
	}
}
