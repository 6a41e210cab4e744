/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "state.h"

/* Read a decimal number and step past it. Return: whether there was one, below 2^64. */
static bool take_number(const char **at, uint64_t *out)
{
	const char *s = *at;
	uint64_t n = 0;

	for (; *s >= '0' && *s <= '9'; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (s == *at)
		return false;
	*at = s;
	*out = n;
	return true;
}

static bool whole_number(const char *s, uint64_t max, uint64_t *out)
{
	return take_number(&s, out) && !*s && *out <= max;
}

static bool spaced_number(const char **at, uint64_t *out)
{
	return *(*at)++ == ' ' && take_number(at, out);
}

/* NAME RDEV FS INO */
static int parse_node(const char *value, bool name_only, struct nodes *out)
{
	struct node *n = &out->node[out->count];
	size_t len = strcspn(value, " ");
	uint64_t rdev, fs, ino;

	if (out->count == NODES_MAX || len >= sizeof(n->name))
		return -EINVAL;
	memset(n, 0, sizeof(*n));
	memcpy(n->name, value, len);
	if (!node_name_ok(n->name) || nodes_find(out, n->name))
		return -EINVAL;
	value += len;
	if (!spaced_number(&value, &rdev) || !spaced_number(&value, &fs) ||
	    !spaced_number(&value, &ino) || *value)
		return -EINVAL;
	n->rdev = rdev;
	n->name_only = name_only;
	n->fs = fs;
	n->ino = ino;
	out->count++;
	return 0;
}

static int take_text(char *dst, size_t size, const char *value)
{
	size_t len = strlen(value);

	if (len >= size)
		return -EINVAL;
	memcpy(dst, value, len + 1);
	return 0;
}

/* Read `KEY VALUE`. Return: VALUE, or NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(line, key, len) && line[len] == ' ' ? line + len + 1 : NULL;
}

static int parse_line(const char *line, struct wired *out)
{
	const char *value;
	uint64_t n;

	if ((value = value_of(line, "node")))
		return parse_node(value, false, &out->nodes);
	if ((value = value_of(line, "name")))
		return parse_node(value, true, &out->nodes);
	if ((value = value_of(line, "devices")))
		return take_text(out->devices, sizeof(out->devices), value);
	if ((value = value_of(line, "log")))
		return take_text(out->log, sizeof(out->log), value);
	if ((value = value_of(line, "pid")) && whole_number(value, INT32_MAX, &n) && n > 1)
		out->pid = (pid_t)n;
	else if ((value = value_of(line, "start")) && whole_number(value, UINT64_MAX, &n))
		out->start = n;
	else if ((value = value_of(line, "gid")) && whole_number(value, UINT32_MAX - 1, &n))
		out->gid = (gid_t)n;
	else
		return -EINVAL;
	return 0;
}

int state_parse(char *text, struct wired *out)
{
	memset(out, 0, sizeof(*out));
	for (char *line = text, *next; *line; line = next) {
		next = strchr(line, '\n');
		if (!next)
			return -EINVAL;
		*next++ = '\0';
		if (parse_line(line, out) < 0)
			return -EINVAL;
	}
	return out->pid && out->start ? 0 : -EINVAL;
}
