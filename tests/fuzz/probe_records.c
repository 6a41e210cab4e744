// SPDX-License-Identifier: Apache-2.0
/*
 * What comes through the probe's pipe: the first byte chooses the groups that were asked for, the
 * second the size of the pieces, the rest is the stream. Whatever it is, each group that was asked
 * for has a result in the end, and what is shown of it steers no terminal.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "records.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct records r;

static void is_a_text(const char *field, size_t size)
{
	char shown[2048];
	struct text t;

	assert(memchr(field, '\0', size));
	text_begin(&t, shown, sizeof(shown));
	text_shown(&t, field);
	/* All of it has room, as valid UTF-8 without controls. */
	assert(!text_full(&t));
	for (const char *at = shown; *at; at += text_utf8_length(at)) {
		assert(text_utf8_length(at));
		assert((unsigned char)*at >= 0x20 && *at != 0x7f);
	}
}

static void is_believable(uint32_t asked)
{
	uint32_t seen = 0;

	assert(r.count <= sizeof(r.record) / sizeof(r.record[0]));
	for (size_t i = 0; i < r.count; i++) {
		const struct wire_record *w = &r.record[i];

		assert(w->check < CHECKS && w->status < STATUSES);
		assert(wire_group_of[w->check] == w->group && asked & GROUP_BIT(w->group));
		is_a_text(w->target, sizeof(w->target));
		is_a_text(w->summary, sizeof(w->summary));
		is_a_text(w->hint, sizeof(w->hint));
		seen |= GROUP_BIT(w->group);
	}
	assert(seen == asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t asked;
	size_t piece;
	int result = 0;

	if (size < 2)
		return 0;
	asked = data[0] & (GROUP_BIT(GROUPS_OF_CHECKS) - 1);
	piece = data[1] ? data[1] * 16u : 4096;
	records_begin(&r, asked);
	for (size_t at = 2; at < size && result == 0; at += piece)
		result = records_take(&r, data + at, size - at < piece ? size - at : piece);
	if (result < 0)
		records_begin(&r, asked);
	records_settle(&r, "why", "what to do");
	is_believable(asked);
	(void)records_good(&r, asked, true);
	for (int check = 0; check < CHECKS; check++)
		(void)records_check_failed(&r, (enum wire_check)check);
	return 0;
}
