/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "idmap.h"

static struct idmap map;

static void isolated_instance_is_shifted_as_a_whole(void **state)
{
	uint32_t id = 0;

	(void)state;
	assert_int_equal(idmap_parse("         0    1065536      65536\n", &map), 0);
	assert_int_equal(idmap_shift(&map, 0, &id), 0);
	assert_int_equal(id, 1065536);
	assert_int_equal(idmap_shift(&map, 65535, &id), 0);
	assert_int_equal(id, 1131071);
	assert_int_equal(idmap_shift(&map, 65536, &id), -ENOENT);
}

static void hole_has_no_mapping_and_its_neighbours_have(void **state)
{
	uint32_t id = 0;

	(void)state;
	/* raw.idmap "both 1000 1000" makes three ranges; here the fourth id is left out. */
	assert_int_equal(idmap_parse("0 1000000 1000\n1000 1000 1\n1002 1001002 64534\n", &map), 0);
	assert_int_equal(idmap_shift(&map, 999, &id), 0);
	assert_int_equal(id, 1000999);
	assert_int_equal(idmap_shift(&map, 1000, &id), 0);
	assert_int_equal(id, 1000);
	assert_int_equal(idmap_shift(&map, 1001, &id), -ENOENT);
	assert_int_equal(idmap_shift(&map, 1002, &id), 0);
	assert_int_equal(id, 1001002);
}

static void whole_range_of_a_privileged_instance_is_itself(void **state)
{
	uint32_t id = 1;

	(void)state;
	assert_int_equal(idmap_parse("         0          0 4294967295\n", &map), 0);
	assert_int_equal(idmap_shift(&map, 0, &id), 0);
	assert_int_equal(id, 0);
	assert_int_equal(idmap_shift(&map, 4294967294U, &id), 0);
	assert_int_equal(id, 4294967294U);
}

static void empty_map_maps_nothing(void **state)
{
	uint32_t id = 0;

	(void)state;
	assert_int_equal(idmap_parse("", &map), 0);
	assert_int_equal(idmap_shift(&map, 0, &id), -ENOENT);
}

/* Also by a range that is not root's: raw.idmap can give any id of the host's to anybody. */
static void hosts_root_is_found_wherever_it_is_mapped(void **state)
{
	(void)state;
	assert_int_equal(idmap_parse("0 1000000 65536\n", &map), 0);
	assert_false(idmap_reaches(&map, 0));
	assert_false(idmap_reaches(&map, 999999));
	assert_true(idmap_reaches(&map, 1000000));
	assert_true(idmap_reaches(&map, 1065535));
	assert_false(idmap_reaches(&map, 1065536));
	assert_int_equal(idmap_parse("0 1000000 1234\n1234 0 1\n", &map), 0);
	assert_true(idmap_reaches(&map, 0));
	assert_false(idmap_reaches(&map, 1));
	assert_int_equal(idmap_parse("0 0 4294967295\n", &map), 0);
	assert_true(idmap_reaches(&map, 0));
}

static void what_is_no_map_is_refused(void **state)
{
	static const char *const bad[] = {
		"0",
		"0 1",
		"0 1 2 3",
		"a b c",
		"-1 0 1",
		"0 0 0",
		"0 1000000 1\n\n",
		"0 4294967295 1",
		"0 4294967295 2",
		"0 0 4294967296",
		"4294967295 0 2",
		"0 100 10\n5 200 10",
		"0 100 4294967296",
		"0 1000 10\nx",
		"5 200 10\n0 100 6",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (idmap_parse(bad[i], &map) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
	}
}

static void as_many_ranges_as_the_kernel_allows(void **state)
{
	char text[IDMAP_TEXT_MAX] = "";
	uint32_t id = 0;
	size_t len = 0;

	(void)state;
	for (unsigned int i = 0; i < IDMAP_RANGES_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%10u %10u %10u\n", i,
					1000000 + 2 * i, 1U);
	assert_int_equal(idmap_parse(text, &map), 0);
	assert_int_equal(idmap_shift(&map, 339, &id), 0);
	assert_int_equal(id, 1000678);
	(void)snprintf(text + len, sizeof(text) - len, "340 1 1\n");
	assert_int_equal(idmap_parse(text, &map), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(isolated_instance_is_shifted_as_a_whole),
		cmocka_unit_test(hole_has_no_mapping_and_its_neighbours_have),
		cmocka_unit_test(whole_range_of_a_privileged_instance_is_itself),
		cmocka_unit_test(empty_map_maps_nothing),
		cmocka_unit_test(hosts_root_is_found_wherever_it_is_mapped),
		cmocka_unit_test(what_is_no_map_is_refused),
		cmocka_unit_test(as_many_ranges_as_the_kernel_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
