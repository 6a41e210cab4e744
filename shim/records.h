/* SPDX-License-Identifier: Apache-2.0 */
/* records: what stremio-probe has said, checked byte by byte, and what follows from it. */
#ifndef SHIM_RECORDS_H
#define SHIM_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/wire.h"

struct records {
	uint32_t asked; /* groups, one bit each */
	uint32_t ended; /* those that have said that they are done */
	size_t count;
	size_t partial; /* bytes of the record that is being received */
	/* One more is being received; a result of this side's own for each group. */
	struct wire_record record[WIRE_RECORDS_MAX + 1 + CHECKS];
};

/**
 * records_begin() - nothing said yet.
 * @r: out. @asked: the groups that the probe is run for.
 */
void records_begin(struct records *r, uint32_t asked);

/**
 * records_take() - take what came through the pipe.
 * @r: in and out. @bytes, @size: any piece of it.
 *
 * Nothing is believed: magic, ranges, the check's group, termination; a group that was not
 * asked for, has ended already or says too much.
 * Return: 0; -EPROTO, and nothing of @r is to be used any more.
 */
int records_take(struct records *r, const void *bytes, size_t size);

/**
 * records_add() - add a result of this side's own.
 * @r: in and out. @check, @status: what. @summary, @hint: constants or whole lines.
 */
void records_add(struct records *r, enum wire_check check, enum wire_status status,
		 const char *summary, const char *hint);

/**
 * records_settle() - give each group that has not ended, or has said nothing, a result.
 * @r: in and out. @summary, @hint: why; a `fail` of the group's first check without one.
 */
void records_settle(struct records *r, const char *summary, const char *hint);

/**
 * records_skip() - the probe cannot be run: `skip` for every check that was asked for.
 * @r: out. @summary, @hint: why.
 */
void records_skip(struct records *r, const char *summary, const char *hint);

/**
 * records_check_failed() - is this check failed, taken together?
 * One target that is good will do: a second GPU that is nobody's does not count then.
 */
bool records_check_failed(const struct records *r, enum wire_check check);

/** records_group_skipped() - was a group not checked: is all of it `skip`, or nothing there? */
bool records_group_skipped(const struct records *r, enum wire_group group);

/**
 * records_good() - may a launch rely on these groups?
 * @groups: the required ones. @named: they were asked for by name, so that one which cannot be
 * checked is not good either.
 */
bool records_good(const struct records *r, uint32_t groups, bool named);

/** records_equal() - tell whether two results say the same; how long they took is no matter. */
bool records_equal(const struct wire_record *a, const struct wire_record *b);

#endif
