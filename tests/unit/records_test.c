/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "records.h"

#define X11 GROUP_BIT(GROUP_X11)
#define GPU GROUP_BIT(GROUP_GPU)
#define EVERYTHING (GROUP_BIT(GROUPS_OF_CHECKS) - 1)

static struct records r;

static struct wire_record result(enum wire_check check, enum wire_status status)
{
	struct wire_record w = {
		.magic = WIRE_MAGIC,
		.group = wire_group_of[check],
		.check = (uint8_t)check,
		.status = (uint8_t)status,
		.us = 12,
		.target = "/dev/x",
		.summary = "said",
		.hint = "do",
	};

	return w;
}

static struct wire_record end_of(enum wire_group group)
{
	struct wire_record w = {.magic = WIRE_MAGIC, .group = (uint8_t)group, .check = CHECKS};

	return w;
}

static int take(struct wire_record w)
{
	return records_take(&r, &w, sizeof(w));
}

static void every_table_of_the_wire_is_filled(void **state)
{
	(void)state;
	for (int check = 0; check < CHECKS; check++) {
		assert_non_null(wire_names[check]);
		assert_true(wire_group_of[check] < GROUPS_OF_CHECKS);
		/* records_settle() finds the last check of a group by its neighbour. */
		assert_true(check == 0 || wire_group_of[check] >= wire_group_of[check - 1]);
		for (int other = 0; other < check; other++)
			assert_string_not_equal(wire_names[check], wire_names[other]);
	}
	for (int group = 0; group < GROUPS_OF_CHECKS; group++)
		assert_non_null(wire_group_names[group]);
	for (int status = 0; status < STATUSES; status++)
		assert_non_null(wire_status_names[status]);
}

static void records_arrive_in_pieces_of_any_size(void **state)
{
	struct wire_record sent[3] = {result(CHECK_X11_SOCKET, STATUS_OK),
				      result(CHECK_X11_AUTH, STATUS_WARN), end_of(GROUP_X11)};

	(void)state;
	for (size_t piece = 1; piece <= sizeof(sent); piece += piece < 8 ? 1 : 509) {
		records_begin(&r, X11);
		for (size_t at = 0; at < sizeof(sent); at += piece) {
			size_t n = sizeof(sent) - at < piece ? sizeof(sent) - at : piece;

			assert_int_equal(records_take(&r, (const char *)sent + at, n), 0);
		}
		assert_int_equal(r.count, 2);
		assert_int_equal(r.partial, 0);
		assert_int_equal(r.ended, X11);
		assert_memory_equal(r.record, sent, 2 * sizeof(sent[0]));
	}
}

/* Each field in turn holds what it must not. */
static void what_breaks_the_format_is_refused(void **state)
{
	const struct wire_record good = result(CHECK_X11_SOCKET, STATUS_OK);
	const struct wire_record end = end_of(GROUP_X11);
	struct wire_record bad[16];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		bad[i] = i < 12 ? good : end;
	bad[n++].magic ^= 1;
	bad[n++].group = GROUP_GPU;	   /* not asked for */
	bad[n++].group = GROUPS_OF_CHECKS; /* nor is there such a one */
	bad[n++].group = 255;
	bad[n++].check = CHECKS + 1;
	bad[n++].check = 255;
	bad[n++].check = CHECK_HOME; /* another group's */
	bad[n++].status = STATUSES;
	bad[n++].zero = 1;
	memset(bad[n].target, 'x', sizeof(bad[n].target));
	memset(bad[++n].summary, 'x', sizeof(bad[n].summary));
	memset(bad[++n].hint, 'x', sizeof(bad[n].hint));
	n++;
	bad[n++].target[0] = 'x';
	bad[n++].summary[0] = 'x';
	bad[n++].hint[0] = 'x';
	bad[n++].zero2 = 1;
	assert_int_equal(n, sizeof(bad) / sizeof(bad[0]));
	for (size_t i = 0; i < n; i++) {
		records_begin(&r, X11);
		assert_int_equal(take(bad[i]), -EPROTO);
		records_begin(&r, X11);
		assert_int_equal(take(good), 0);
		assert_int_equal(take(bad[i]), -EPROTO);
	}
}

static void a_group_that_has_ended_says_nothing_more(void **state)
{
	(void)state;
	records_begin(&r, X11 | GPU);
	assert_int_equal(take(end_of(GROUP_X11)), 0);
	assert_int_equal(take(end_of(GROUP_X11)), -EPROTO);
	records_begin(&r, X11 | GPU);
	assert_int_equal(take(end_of(GROUP_X11)), 0);
	assert_int_equal(take(result(CHECK_X11_SOCKET, STATUS_OK)), -EPROTO);
}

static void the_flood_is_cut_at_its_limit(void **state)
{
	const struct wire_record w = result(CHECK_X11_SOCKET, STATUS_FAIL);

	(void)state;
	records_begin(&r, EVERYTHING);
	for (int i = 0; i < WIRE_RECORDS_MAX; i++)
		assert_int_equal(take(w), 0);
	/* The last place is for one that is being received, what follows for results of one's own. */
	assert_int_equal(records_take(&r, &w, sizeof(w) - 1), 0);
	records_settle(&r, "late", "wait");
	assert_true(r.count <= sizeof(r.record) / sizeof(r.record[0]));
	records_begin(&r, EVERYTHING);
	for (int i = 0; i < WIRE_RECORDS_MAX; i++)
		assert_int_equal(take(w), 0);
	assert_int_equal(take(w), -EPROTO);
}

static size_t results(enum wire_check check, enum wire_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < r.count; i++)
		n += r.record[i].check == check && r.record[i].status == status;
	return n;
}

static void every_group_asked_for_has_a_result_in_the_end(void **state)
{
	(void)state;
	for (uint32_t asked = 0; asked <= EVERYTHING; asked++) {
		records_begin(&r, asked);
		records_settle(&r, "gone", "look");
		assert_int_equal(r.count, __builtin_popcount(asked));
		for (size_t i = 0; i < r.count; i++) {
			assert_int_equal(r.record[i].status, STATUS_FAIL);
			assert_true(asked & GROUP_BIT(r.record[i].group));
		}
		records_skip(&r, "none", "install");
		for (int check = 0; check < CHECKS; check++)
			assert_int_equal(results((enum wire_check)check, STATUS_SKIP),
					 !!(asked & GROUP_BIT(wire_group_of[check])));
	}
	/* The first check that nothing was said of takes the blame. */
	records_begin(&r, X11);
	assert_int_equal(take(result(CHECK_X11_SOCKET, STATUS_OK)), 0);
	records_settle(&r, "gone", "look");
	assert_int_equal(results(CHECK_X11_AUTH, STATUS_FAIL), 1);
	/* An end without a result is no result. */
	records_begin(&r, X11);
	assert_int_equal(take(end_of(GROUP_X11)), 0);
	records_settle(&r, "gone", "look");
	assert_int_equal(results(CHECK_X11_SOCKET, STATUS_FAIL), 1);
}

static void one_good_target_of_a_check_will_do(void **state)
{
	(void)state;
	records_begin(&r, GPU);
	assert_int_equal(take(result(CHECK_GPU_RENDER, STATUS_FAIL)), 0);
	assert_true(records_check_failed(&r, CHECK_GPU_RENDER));
	assert_false(records_good(&r, GPU, false));
	assert_int_equal(take(result(CHECK_GPU_RENDER, STATUS_WARN)), 0);
	assert_false(records_check_failed(&r, CHECK_GPU_RENDER));
	assert_true(records_good(&r, GPU, true));
	/* But not one of another check. */
	assert_int_equal(take(result(CHECK_GPU_PRIMARY, STATUS_FAIL)), 0);
	assert_false(records_good(&r, GPU, false));
	assert_true(records_good(&r, X11, false));
}

static void what_was_named_and_not_checked_is_not_good(void **state)
{
	(void)state;
	records_begin(&r, X11);
	assert_true(records_good(&r, X11, false));
	assert_false(records_good(&r, X11, true));
	assert_int_equal(take(result(CHECK_X11_SOCKET, STATUS_SKIP)), 0);
	assert_true(records_group_skipped(&r, GROUP_X11));
	assert_true(records_good(&r, X11, false));
	assert_false(records_good(&r, X11, true));
	assert_int_equal(take(result(CHECK_X11_AUTH, STATUS_OK)), 0);
	assert_true(records_good(&r, X11, true));
}

static void what_a_check_took_is_no_difference(void **state)
{
	const struct wire_record a = result(CHECK_X11_SOCKET, STATUS_OK);
	struct wire_record b = a;

	(void)state;
	b.us++;
	memset(b.hint + 8, 'x', 8); /* behind its end */
	assert_true(records_equal(&a, &b));
	b.summary[0] = 'x';
	assert_false(records_equal(&a, &b));
	b = a;
	b.status = STATUS_FAIL;
	assert_false(records_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table_of_the_wire_is_filled),
		cmocka_unit_test(records_arrive_in_pieces_of_any_size),
		cmocka_unit_test(what_breaks_the_format_is_refused),
		cmocka_unit_test(a_group_that_has_ended_says_nothing_more),
		cmocka_unit_test(the_flood_is_cut_at_its_limit),
		cmocka_unit_test(every_group_asked_for_has_a_result_in_the_end),
		cmocka_unit_test(one_good_target_of_a_check_will_do),
		cmocka_unit_test(what_was_named_and_not_checked_is_not_good),
		cmocka_unit_test(what_a_check_took_is_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
