/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "text.h"

static void a_full_buffer_is_cut_and_stays_terminated(void **state)
{
	char buf[8];
	struct text t;

	(void)state;
	memset(buf, 'x', sizeof(buf));
	text_begin(&t, buf, 6);
	text_str(&t, "abc");
	assert_int_equal(text_full(&t), 0);
	text_str(&t, "defgh");
	assert_string_equal(buf, "abcde");
	assert_int_equal(text_full(&t), 1);
	text_num(&t, 1);
	assert_string_equal(buf, "abcde");
	assert_int_equal(buf[6], 'x');

	text_begin(&t, buf, 1);
	text_str(&t, "a");
	assert_string_equal(buf, "");
}

static void numbers_are_written_in_full(void **state)
{
	char buf[64];
	struct text t;

	(void)state;
	text_begin(&t, buf, sizeof(buf));
	text_num(&t, 0);
	text_str(&t, " ");
	text_num(&t, UINT64_MAX);
	text_str(&t, " ");
	text_hex(&t, 0);
	text_str(&t, " ");
	text_hex(&t, UINT64_MAX);
	assert_string_equal(buf, "0 18446744073709551615 0x0 0xffffffffffffffff");
}

static void control_characters_are_replaced_and_utf8_is_kept(void **state)
{
	char buf[64];
	struct text t;

	(void)state;
	text_begin(&t, buf, sizeof(buf));
	text_safe(&t, "a\nb\tc\x1b[2J\x7f\x01 \xc3\xa4");
	assert_string_equal(buf, "a?b?c?[2J?? \xc3\xa4");
	text_safe(&t, NULL);
	text_str(&t, NULL);
}

static void decimal_numbers_are_digits_within_bounds_and_nothing_else(void **state)
{
	static const char *const bad[] = {"",	 " 1",	"1 ",  "+1",  "-1", "0x1", "1e3",
					  "1.0", "1\n", "one", "1_0", "-",  "--1"};
	uint32_t n = 77;

	(void)state;
	assert_int_equal(parse_u32("0", 10, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(parse_u32("10", 10, &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(parse_u32("0010", 10, &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(parse_u32("4294967295", UINT32_MAX, &n), 0);
	assert_int_equal(n, UINT32_MAX);
	n = 77;
	assert_int_equal(parse_u32("11", 10, &n), -ERANGE);
	assert_int_equal(parse_u32("4294967296", UINT32_MAX, &n), -ERANGE);
	assert_int_equal(parse_u32("99999999999999999999999999", UINT32_MAX, &n), -ERANGE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_u32(bad[i], 100, &n), -EINVAL);
	assert_int_equal(n, 77);
}

static void seconds_have_at_most_three_digits_after_the_point(void **state)
{
	static const struct {
		const char *text;
		uint32_t ms;
	} good[] = {{"0", 0},	     {"10", 10000},	  {"0.5", 500},		  {"0.050", 50},
		    {"1.234", 1234}, {"86400", 86400000}, {"86400.000", 86400000}};
	static const char *const bad[] = {"",	".5", "1.",  "1.2345", "1.x", "-1", "+1",
					  " 1", "1 ", "1,5", "1.5s",   "1e1", "ten"};
	uint32_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse_seconds(good[i].text, 86400, &ms), 0);
		assert_int_equal(ms, good[i].ms);
	}
	ms = 77;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_seconds(bad[i], 86400, &ms), -EINVAL);
	assert_int_equal(parse_seconds("86401", 86400, &ms), -ERANGE);
	assert_int_equal(parse_seconds("86400.001", 86400, &ms), -ERANGE);
	assert_int_equal(parse_seconds("99999999999999999999", 86400, &ms), -ERANGE);
	assert_int_equal(ms, 77);
}

static const char status[] = "Name:\tCapEff:\tff\nUid:\t0\t1000\t2\t4294967295\n"
			     "Groups:\t29 44 \nCapEff:\t000001fffeffffff\nCapBnd:\t\n"
			     "CapAmb:\tXYZ\nCapInh:\t00000000000000000\nSeccomp:\t2";

static void status_fields_are_found_at_line_starts_only(void **state)
{
	uint64_t n = 0;

	(void)state;
	assert_int_equal(field_hex64(status, "CapEff:", &n), 0);
	assert_true(n == UINT64_C(0x1fffeffffff));
	assert_int_equal(field_hex64(status, "CapPrm:", &n), -ENOENT);
	assert_int_equal(field_hex64(status, "CapBnd:", &n), -EINVAL);
	assert_int_equal(field_hex64(status, "CapAmb:", &n), -EINVAL);
	assert_int_equal(field_hex64(status, "CapInh:", &n), -EINVAL); /* 17 digits */
	assert_null(field_start(status, "NoNewPrivs:"));
	assert_string_equal(field_start(status, "Seccomp:"), "2");
}

static void the_numbers_of_a_field_end_with_its_line(void **state)
{
	const char *at = field_start(status, "Uid:");
	uint32_t n;

	(void)state;
	assert_int_equal(field_u32(&at, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(field_u32(&at, &n), 0);
	assert_int_equal(n, 1000);
	assert_int_equal(field_u32(&at, &n), 0);
	assert_int_equal(field_u32(&at, &n), 0);
	assert_int_equal(n, UINT32_MAX);
	assert_int_equal(field_u32(&at, &n), -ENOENT);

	at = field_start(status, "Groups:");
	assert_int_equal(field_u32(&at, &n), 0);
	assert_int_equal(field_u32(&at, &n), 0);
	assert_int_equal(n, 44);
	assert_int_equal(field_u32(&at, &n), -ENOENT);

	at = "4294967296";
	assert_int_equal(field_u32(&at, &n), -EINVAL);
	at = "x";
	assert_int_equal(field_u32(&at, &n), -EINVAL);
	at = "";
	assert_int_equal(field_u32(&at, &n), -ENOENT);
}

static void expect_shown(const char *bytes, const char *escaped, const char *shown)
{
	char buf[64];
	struct text t;

	text_begin(&t, buf, sizeof(buf));
	text_escaped(&t, bytes);
	assert_string_equal(buf, escaped);
	text_begin(&t, buf, sizeof(buf));
	text_shown(&t, bytes);
	assert_string_equal(buf, shown);
	/* Once more changes nothing. */
	text_begin(&t, buf, sizeof(buf));
	text_shown(&t, shown);
	assert_string_equal(buf, shown);
}

static void text_from_outside_steers_no_terminal(void **state)
{
	/* No literals: compilers and analyzers warn of these in a source. */
	const char override[] = {'\xe2', '\x80', '\xae', '\0'};
	const char isolate[] = {'\xe2', '\x81', '\xa6', '\0'};

	(void)state;
	expect_shown("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xac",
		     "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xac",
		     "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xac");
	expect_shown("\x1b[2J\n\x7f", "\\x1b[2J\\x0a\\x7f", "\\x1b[2J\\x0a\\x7f");
	/* C1, a direction override, a line separator, an isolate. */
	expect_shown("\xc2\x9b", "\\xc2\\x9b", "\\xc2\\x9b");
	expect_shown(override, "\\xe2\\x80\\xae", "\\xe2\\x80\\xae");
	expect_shown("\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\\xe2\\x80\\xa8");
	expect_shown(isolate, "\\xe2\\x81\\xa6", "\\xe2\\x81\\xa6");
	/* No UTF-8: overlong, a surrogate, above U+10FFFF, cut short. */
	expect_shown("\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf");
	expect_shown("\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80");
	expect_shown("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80");
	expect_shown("\xe2\x82", "\\xe2\\x82", "\\xe2\\x82");
	/* What was escaped before is not escaped again where it is shown. */
	expect_shown("a\\x1b", "a\\x5cx1b", "a\\x1b");
}

static void escaped_text_is_cut_between_characters(void **state)
{
	char buf[6];
	struct text t;

	(void)state;
	text_begin(&t, buf, sizeof(buf));
	text_escaped(&t, "abc\xe2\x82\xac");
	assert_string_equal(buf, "abc");
	text_begin(&t, buf, sizeof(buf));
	text_escaped(&t, "ab\x01");
	assert_string_equal(buf, "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_buffer_is_cut_and_stays_terminated),
		cmocka_unit_test(numbers_are_written_in_full),
		cmocka_unit_test(control_characters_are_replaced_and_utf8_is_kept),
		cmocka_unit_test(decimal_numbers_are_digits_within_bounds_and_nothing_else),
		cmocka_unit_test(seconds_have_at_most_three_digits_after_the_point),
		cmocka_unit_test(status_fields_are_found_at_line_starts_only),
		cmocka_unit_test(the_numbers_of_a_field_end_with_its_line),
		cmocka_unit_test(text_from_outside_steers_no_terminal),
		cmocka_unit_test(escaped_text_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
