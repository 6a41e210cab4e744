/* SPDX-License-Identifier: Apache-2.0 */
#include "idmap.h"

#include <errno.h>
#include <string.h>

#include "text.h"

static bool overlaps(const struct id_range *a, const struct id_range *b)
{
	return a->inside < (uint64_t)b->inside + b->count &&
	       b->inside < (uint64_t)a->inside + a->count;
}

static bool is_sound(const struct id_range *r)
{
	/* The last number is no id: to chown(2) and setfsuid(2) it means "leave it". */
	const uint64_t end = UINT32_MAX;

	return r->count > 0 && (uint64_t)r->inside + r->count <= end &&
	       (uint64_t)r->outside + r->count <= end;
}

int idmap_parse(const char *text, struct idmap *out)
{
	const char *at = text;

	out->count = 0;
	while (*at) {
		struct id_range r;

		at += strspn(at, " \t");
		if (field_u32(&at, &r.inside) < 0 || field_u32(&at, &r.outside) < 0 ||
		    field_u32(&at, &r.count) < 0 || (*at && *at != '\n') || !is_sound(&r))
			return -EINVAL;
		for (size_t i = 0; i < out->count; i++) {
			if (overlaps(&r, &out->range[i]))
				return -EINVAL;
		}
		if (out->count == IDMAP_RANGES_MAX)
			return -E2BIG;
		out->range[out->count++] = r;
		if (*at)
			at++;
	}
	return 0;
}

int idmap_shift(const struct idmap *m, uint32_t inside, uint32_t *outside)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct id_range *r = &m->range[i];

		if (inside >= r->inside && inside - r->inside < r->count) {
			*outside = r->outside + (inside - r->inside);
			return 0;
		}
	}
	return -ENOENT;
}

bool idmap_reaches(const struct idmap *m, uint32_t outside)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct id_range *r = &m->range[i];

		if (outside >= r->outside && outside - r->outside < r->count)
			return true;
	}
	return false;
}
