/* SPDX-License-Identifier: Apache-2.0 */
#include "xauth.h"

#include <stdbool.h>
#include <string.h>

#include "text.h"

#define FAMILY_LOCAL 256  /* a host's name */
#define FAMILY_WILD 65535 /* any display with this number */
#define COOKIE "MIT-MAGIC-COOKIE-1"

/* Bytes of the file, not terminated. */
struct field {
	const uint8_t *at;
	size_t len;
};

struct entry {
	unsigned int family;
	struct field address, number, name, data;
};

struct reader {
	const uint8_t *at;
	size_t left;
};

static bool read_u16(struct reader *r, unsigned int *out)
{
	if (r->left < 2)
		return false;
	*out = (unsigned int)r->at[0] << 8 | r->at[1];
	r->at += 2;
	r->left -= 2;
	return true;
}

static bool read_field(struct reader *r, struct field *f)
{
	unsigned int len;

	if (!read_u16(r, &len) || r->left < len)
		return false;
	f->at = r->at;
	f->len = len;
	r->at += len;
	r->left -= len;
	return true;
}

static bool read_entry(struct reader *r, struct entry *e)
{
	return read_u16(r, &e->family) && read_field(r, &e->address) && read_field(r, &e->number) &&
	       read_field(r, &e->name) && read_field(r, &e->data);
}

static bool is(const struct field *f, const char *s)
{
	return f->len == strlen(s) && !memcmp(f->at, s, f->len);
}

static void keep_host(struct xauth *found, const struct field *f)
{
	size_t len = f->len < sizeof(found->host) ? f->len : sizeof(found->host) - 1;

	memcpy(found->host, f->at, len);
	found->host[len] = '\0';
}

static void keep_cookie(struct xauth *found, const struct field *f)
{
	found->len = f->len < sizeof(found->cookie) ? f->len : sizeof(found->cookie);
	memcpy(found->cookie, f->at, found->len);
}

enum xauth_outcome xauth_find(const uint8_t *data, size_t len, uint32_t number,
			      const char *hostname, struct xauth *found)
{
	enum xauth_outcome outcome = XAUTH_EMPTY;
	struct reader r = {data, len};
	struct entry e;
	char digits[12];
	struct text t;

	text_begin(&t, digits, sizeof(digits));
	text_num(&t, number);
	memset(found, 0, sizeof(*found));
	while (r.left) {
		if (!read_entry(&r, &e))
			return outcome == XAUTH_EMPTY ? XAUTH_BROKEN : outcome;
		if (outcome == XAUTH_EMPTY)
			outcome = XAUTH_NO_ENTRY;
		/* No number stands for every one. */
		if (!is(&e.name, COOKIE) || (e.number.len && !is(&e.number, digits)))
			continue;
		if (e.family == FAMILY_WILD ||
		    (e.family == FAMILY_LOCAL && is(&e.address, hostname))) {
			keep_cookie(found, &e.data);
			return XAUTH_FOUND;
		}
		if (e.family == FAMILY_LOCAL && outcome != XAUTH_HOST_KEYED) {
			keep_host(found, &e.address);
			outcome = XAUTH_HOST_KEYED;
		}
	}
	return outcome;
}
