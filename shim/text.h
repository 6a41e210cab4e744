/* SPDX-License-Identifier: Apache-2.0 */
/* text: building and reading short strings without stdio and without a heap. */
#ifndef SHIM_TEXT_H
#define SHIM_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A string being built in a caller's buffer. Always terminated; cut when full. */
struct text {
	char *start;
	size_t size;
	size_t len;
};

/**
 * text_begin() - start building into a buffer.
 * @t: out. @buf: the buffer. @size: its size in bytes, at least 1.
 */
void text_begin(struct text *t, char *buf, size_t size);

/** text_str() - append @s as it is. @s: a string, NULL counts as empty. */
void text_str(struct text *t, const char *s);

/**
 * text_safe() - append text that came from outside on one line: bytes below 0x20
 * and 0x7f become '?', so that nobody can forge a second line or drive a terminal.
 */
void text_safe(struct text *t, const char *s);

/**
 * text_utf8_length() - how many bytes of well-formed UTF-8 a character has.
 * @s: a string, not at its end.
 * Return: 1 to 4, or 0 when the bytes there are no UTF-8 (RFC 3629).
 */
unsigned int text_utf8_length(const char *s);

/**
 * text_escaped() - append text from outside so that it can be read back: valid UTF-8 as it is;
 * control characters (C1 and those that turn the writing direction too), backslashes and bytes
 * that are no UTF-8 as \\xNN. Cut between characters when full.
 */
void text_escaped(struct text *t, const char *s);

/** text_num() - append @n in decimal. */
void text_num(struct text *t, uint64_t n);

/** text_hex() - append @n as 0x and lower-case hexadecimal digits. */
void text_hex(struct text *t, uint64_t n);

/**
 * text_full() - tell whether something was cut.
 * Return: 1 when the buffer has no byte left, else 0.
 */
int text_full(const struct text *t);

/**
 * parse_u32() - read a whole string as a decimal number.
 * @s: digits only; no sign, no space, no other base.
 * @max: largest value to accept.
 * @out: the value.
 * Return: 0, -EINVAL (not a number), -ERANGE (above @max).
 */
int parse_u32(const char *s, uint32_t max, uint32_t *out);

/**
 * parse_seconds() - read a duration.
 * @s: seconds in decimal, with at most three digits after a point ("10", "0.5").
 * @max_s: largest number of whole seconds.
 * @ms: out, milliseconds.
 * Return: 0, -EINVAL, -ERANGE.
 */
int parse_seconds(const char *s, uint32_t max_s, uint32_t *ms);

/**
 * field_hex64() - find a line of a /proc/PID/status text and read its hexadecimal value.
 * @status: the text, terminated.
 * @name: the field with its colon, "CapEff:".
 * @out: the value.
 * Return: 0, -ENOENT (no such line), -EINVAL (not a number). Source: proc(5).
 */
int field_hex64(const char *status, const char *name, uint64_t *out);

/**
 * field_start() - find a line of a /proc/PID/status text.
 * @status: the text, terminated. @name: the field with its colon.
 * Return: the first byte after the colon and the blanks behind it, or NULL.
 */
const char *field_start(const char *status, const char *name);

/**
 * field_u32() - read the next decimal number of a field and step past it.
 * @at: in, where to read; out, the byte after the number and the blanks behind it.
 * @out: the value.
 * Return: 0, -ENOENT (end of line), -EINVAL (not a number or above 2^32-1).
 */
int field_u32(const char **at, uint32_t *out);

/**
 * text_shown() - append text from outside that may have been escaped already: as
 * text_escaped(), with backslashes as they are.
 */
void text_shown(struct text *t, const char *s);

#endif
