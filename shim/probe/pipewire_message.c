/* SPDX-License-Identifier: Apache-2.0 */
#include "pipewire_message.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Types of plain old data: PipeWire's spa/utils/type.h. Values are padded to 8 bytes. */
#define TYPE_INT 4
#define TYPE_STRING 8
#define TYPE_STRUCT 14
#define METHOD_HELLO 1
#define CORE_VERSION 3

struct pod {
	uint32_t type;
	uint32_t size;
	const uint8_t *value;
};

static void put_u32(uint8_t *at, uint32_t n)
{
	memcpy(at, &n, sizeof(n));
}

static uint32_t get_u32(const uint8_t *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return n;
}

void pipewire_hello(uint8_t *buf)
{
	memset(buf, 0, PIPEWIRE_HELLO_SIZE);
	put_u32(buf + 4, METHOD_HELLO << 24 | (PIPEWIRE_HELLO_SIZE - PIPEWIRE_HEAD));
	put_u32(buf + PIPEWIRE_HEAD, 16);
	put_u32(buf + PIPEWIRE_HEAD + 4, TYPE_STRUCT);
	put_u32(buf + PIPEWIRE_HEAD + 8, 4);
	put_u32(buf + PIPEWIRE_HEAD + 12, TYPE_INT);
	put_u32(buf + PIPEWIRE_HEAD + 16, CORE_VERSION);
}

int pipewire_head(const uint8_t *data, struct pipewire_head *h)
{
	h->id = get_u32(data);
	h->opcode = get_u32(data + 4) >> 24;
	h->size = get_u32(data + 4) & 0xffffff;
	return h->size > PIPEWIRE_BODY_MAX || h->size < 8 ? -EBADMSG : 0;
}

/* Step past one value. */
static bool next(const uint8_t **at, size_t *left, struct pod *p)
{
	size_t whole;

	if (*left < 8)
		return false;
	p->size = get_u32(*at);
	p->type = get_u32(*at + 4);
	p->value = *at + 8;
	if (p->size > *left - 8)
		return false;
	/* The last one's padding may be left out. */
	whole = 8 + (((size_t)p->size + 7) & ~(size_t)7);
	if (whole > *left)
		whole = *left;
	*at += whole;
	*left -= whole;
	return true;
}

/* A string, cut to fit; none (another type) is an empty one. */
static void keep(const struct pod *p, char *out, size_t size)
{
	size_t len = p->type == TYPE_STRING ? strnlen((const char *)p->value, p->size) : 0;

	if (len >= size)
		len = size - 1;
	memcpy(out, p->value, len);
	out[len] = '\0';
}

int pipewire_core_info(const uint8_t *data, size_t len, struct pipewire_core *core)
{
	struct pod whole, id, cookie, user, host, version, name;
	const uint8_t *at = data;
	size_t left = len;

	if (!next(&at, &left, &whole) || whole.type != TYPE_STRUCT)
		return -EBADMSG;
	at = whole.value;
	left = whole.size;
	if (!next(&at, &left, &id) || id.type != TYPE_INT || !next(&at, &left, &cookie) ||
	    cookie.type != TYPE_INT || !next(&at, &left, &user) || !next(&at, &left, &host) ||
	    !next(&at, &left, &version) || !next(&at, &left, &name))
		return -EBADMSG;
	keep(&version, core->version, sizeof(core->version));
	keep(&name, core->name, sizeof(core->name));
	return 0;
}
