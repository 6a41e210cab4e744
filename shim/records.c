/* SPDX-License-Identifier: Apache-2.0 */
#include "records.h"

#include <errno.h>
#include <string.h>

#include "text.h"

void records_begin(struct records *r, uint32_t asked)
{
	r->asked = asked;
	r->ended = 0;
	r->count = 0;
	r->partial = 0;
}

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* The record at the end of the list, received whole. Return: 0 or -EPROTO. */
static int judge(struct records *r)
{
	const struct wire_record *w = &r->record[r->count];

	if (w->magic != WIRE_MAGIC || w->group >= GROUPS_OF_CHECKS || w->check > CHECKS ||
	    w->status >= STATUSES || w->zero || w->zero2)
		return -EPROTO;
	if (!(r->asked & ~r->ended & GROUP_BIT(w->group)))
		return -EPROTO;
	if (w->check == CHECKS) {
		r->ended |= GROUP_BIT(w->group);
		return w->target[0] || w->summary[0] || w->hint[0] ? -EPROTO : 0;
	}
	if (wire_group_of[w->check] != w->group || r->count == WIRE_RECORDS_MAX ||
	    !is_terminated(w->target, sizeof(w->target)) ||
	    !is_terminated(w->summary, sizeof(w->summary)) ||
	    !is_terminated(w->hint, sizeof(w->hint)))
		return -EPROTO;
	r->count++;
	return 0;
}

int records_take(struct records *r, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size) {
		size_t left = sizeof(struct wire_record) - r->partial;
		size_t n = size < left ? size : left;

		memcpy((char *)&r->record[r->count] + r->partial, at, n);
		at += n;
		size -= n;
		r->partial += n;
		if (n < left)
			break;
		r->partial = 0;
		if (judge(r) < 0)
			return -EPROTO;
	}
	return 0;
}

void records_add(struct records *r, enum wire_check check, enum wire_status status,
		 const char *summary, const char *hint)
{
	struct wire_record *w = &r->record[r->count++];
	struct text t;

	memset(w, 0, sizeof(*w));
	w->magic = WIRE_MAGIC;
	w->group = wire_group_of[check];
	w->check = (uint8_t)check;
	w->status = (uint8_t)status;
	text_begin(&t, w->summary, sizeof(w->summary));
	text_str(&t, summary);
	text_begin(&t, w->hint, sizeof(w->hint));
	text_str(&t, hint);
}

static bool has(const struct records *r, enum wire_check check)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->record[i].check == check)
			return true;
	return false;
}

static bool has_group(const struct records *r, unsigned int group)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->record[i].group == group)
			return true;
	return false;
}

void records_settle(struct records *r, const char *summary, const char *hint)
{
	uint32_t unanswered = r->asked & ~r->ended;

	/* One that has said nothing at all has not ended either. */
	for (unsigned int group = 0; group < GROUPS_OF_CHECKS; group++)
		if (r->asked & GROUP_BIT(group) && !has_group(r, group))
			unanswered |= GROUP_BIT(group);
	for (unsigned int check = 0; check < CHECKS; check++) {
		uint32_t group = GROUP_BIT(wire_group_of[check]);
		/* Its last check takes it when all have a result and it went on for ever. */
		bool last = check + 1 == CHECKS || wire_group_of[check + 1] != wire_group_of[check];

		if (!(unanswered & group) || (!last && has(r, check)))
			continue;
		unanswered &= ~group;
		records_add(r, check, STATUS_FAIL, summary, hint);
	}
}

void records_skip(struct records *r, const char *summary, const char *hint)
{
	records_begin(r, r->asked);
	for (unsigned int check = 0; check < CHECKS; check++)
		if (r->asked & GROUP_BIT(wire_group_of[check]))
			records_add(r, check, STATUS_SKIP, summary, hint);
	r->ended = r->asked;
}

bool records_check_failed(const struct records *r, enum wire_check check)
{
	bool failed = false;

	for (size_t i = 0; i < r->count; i++) {
		if (r->record[i].check != check)
			continue;
		if (r->record[i].status == STATUS_OK || r->record[i].status == STATUS_WARN)
			return false;
		failed |= r->record[i].status == STATUS_FAIL;
	}
	return failed;
}

bool records_group_skipped(const struct records *r, enum wire_group group)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->record[i].group == group && r->record[i].status != STATUS_SKIP)
			return false;
	return true;
}

bool records_good(const struct records *r, uint32_t groups, bool named)
{
	for (unsigned int check = 0; check < CHECKS; check++) {
		enum wire_group group = wire_group_of[check];

		if (!(groups & GROUP_BIT(group)))
			continue;
		if (records_check_failed(r, check) || (named && records_group_skipped(r, group)))
			return false;
	}
	return true;
}

bool records_equal(const struct wire_record *a, const struct wire_record *b)
{
	return a->check == b->check && a->status == b->status && !strcmp(a->target, b->target) &&
	       !strcmp(a->summary, b->summary) && !strcmp(a->hint, b->hint);
}
