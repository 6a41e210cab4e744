/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "verify.h"

/* What Linux 6 writes for a confined process, with room to spoil any line. */
static const struct line {
	const char *name;
	const char *good;
	const char *bad[8];
	const char *says; /* a word of the finding */
} lines[] = {
	{"Name", "stremio\\nUid:\t0\t0\t0\t0", {NULL}, NULL},
	{"Uid",
	 "65532\t65532\t65532\t65532",
	 {"0\t65532\t65532\t65532", "65532\t0\t65532\t65532", "65532\t65532\t0\t65532",
	  "65532\t65532\t65532\t0", "65532\t65532\t65532", "", "655320\t65532\t65532\t65532", "x"},
	 "user id"},
	{"Gid",
	 "65533\t65533\t65533\t65533",
	 {"0\t65533\t65533\t65533", "65533\t0\t65533\t65533", "65533\t65533\t0\t65533",
	  "65533\t65533\t65533\t0"},
	 "group id"},
	{"Groups",
	 "29 44 ",
	 {"29 ", "44 ", "", "29 44 105 ", "0 29 44 ", "29 45 ", "29 44 44 "},
	 "groups"},
	{"CapInh", "0000000000000000", {"0000000000000001", "8000000000000000", ""}, "inheritable"},
	{"CapPrm", "0000000000000000", {"0000000000000020", "x"}, "permitted"},
	{"CapEff", "0000000000000000", {"0000000000000020"}, "effective"},
	{"CapBnd", "0000000000000000", {"0000000000000001", "000001ffffffffff"}, "bounding"},
	{"CapAmb", "0000000000000000", {"0000000000000400"}, "ambient"},
	{"NoNewPrivs", "1", {"0", "", "2"}, "no_new_privs"},
	{"Seccomp", "2", {"0", "1", ""}, "filter"},
	{"Seccomp_filters", "2", {"1", "0", "3"}, "filters"},
};

#define LINES (sizeof(lines) / sizeof(lines[0]))

static const struct groups groups = {.gid = {29, 44}, .count = 2};
static const struct expectation expected = {
	.uid = 65532,
	.gid = 65533,
	.groups = &groups,
	.filtered = true,
	.filters_before = 1,
};

/* The text with one line changed, or left out when @value is NULL. */
static int verify_with(size_t which, const char *value, struct finding *f)
{
	char text[1024];
	size_t len = 0;

	for (size_t i = 0; i < LINES; i++) {
		const char *is = i == which ? value : lines[i].good;

		if (is)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s:\t%s\n",
						lines[i].name, is);
	}
	memset(f, 0, sizeof(*f));
	return verify_status(text, &expected, f);
}

static void what_was_asked_for_is_confirmed(void **state)
{
	struct finding f;

	(void)state;
	assert_int_equal(verify_with(LINES, NULL, &f), 0);
	assert_int_equal(f.status, 0);
}

static void each_difference_is_refused_and_named(void **state)
{
	struct finding f;

	(void)state;
	for (size_t i = 1; i < LINES; i++) {
		for (size_t b = 0; b < 8 && lines[i].bad[b]; b++) {
			if (!verify_with(i, lines[i].bad[b], &f))
				fail_msg("%s: %s was believed", lines[i].name, lines[i].bad[b]);
			assert_int_equal(f.status, EXIT_CONFINE);
			assert_string_equal(f.step, "verify");
			if (!strstr(f.what, lines[i].says))
				fail_msg("%s: \"%s\" does not say %s", lines[i].name, f.what,
					 lines[i].says);
		}
	}
}

static void a_missing_line_is_a_difference(void **state)
{
	struct finding f;

	(void)state;
	for (size_t i = 1; i < LINES; i++) {
		int r = verify_with(i, NULL, &f);

		/* The count came with Linux 5.9; what does not exist cannot differ. */
		if (!strcmp(lines[i].name, "Seccomp_filters"))
			assert_int_equal(r, 0);
		else if (!r)
			fail_msg("without its %s line the text was believed", lines[i].name);
	}
	memset(&f, 0, sizeof(f));
	assert_true(verify_status("", &expected, &f) < 0);
	assert_int_equal(f.status, EXIT_CONFINE);
}

static void groups_are_compared_as_a_set(void **state)
{
	struct finding f;

	(void)state;
	assert_int_equal(verify_with(3, "44 29 ", &f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_asked_for_is_confirmed),
		cmocka_unit_test(each_difference_is_refused_and_named),
		cmocka_unit_test(a_missing_line_is_a_difference),
		cmocka_unit_test(groups_are_compared_as_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
