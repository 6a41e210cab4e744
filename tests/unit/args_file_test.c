/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args_file.h"
#include "options.h"

/* Exactly as much room as promised, so that AddressSanitizer sees one byte more. */
static int split(const char *text, size_t len, char **words, size_t max)
{
	static char *buf;

	free(buf);
	buf = malloc(len + 1);
	assert_non_null(buf);
	memcpy(buf, text, len);
	return args_file_split(buf, len, words, max);
}

#define SPLIT(text, words, max) split(text, sizeof(text) - 1, words, max)

static void each_line_is_a_word_with_its_blanks(void **state)
{
	char *words[8];

	(void)state;
	assert_int_equal(SPLIT("--user=x\n/bin/app\ntwo words\n  lead\n", words, 8), 4);
	assert_string_equal(words[0], "--user=x");
	assert_string_equal(words[1], "/bin/app");
	assert_string_equal(words[2], "two words");
	assert_string_equal(words[3], "  lead");
	assert_null(words[4]);
}

static void empty_lines_and_comments_do_not_count(void **state)
{
	char *words[8];

	(void)state;
	assert_int_equal(SPLIT("\n\n# comment\n\nword\n#x\n", words, 8), 1);
	assert_string_equal(words[0], "word");
	assert_int_equal(SPLIT("", words, 8), 0);
	assert_null(words[0]);
	assert_int_equal(SPLIT("\n", words, 8), 0);
	assert_int_equal(SPLIT("#", words, 8), 0);
}

static void a_last_line_without_newline_counts(void **state)
{
	char *words[8];

	(void)state;
	assert_int_equal(SPLIT("a\nb", words, 8), 2);
	assert_string_equal(words[1], "b");
}

static void a_nul_byte_and_too_many_words_are_refused(void **state)
{
	char *words[3];

	(void)state;
	assert_int_equal(SPLIT("a\0b\n", words, 3), -EINVAL);
	assert_int_equal(SPLIT("a\nb\n", words, 3), 2);
	assert_int_equal(SPLIT("a\nb\nc\n", words, 3), -E2BIG);
}

static char path[] = "/tmp/args_file_test.XXXXXX";

static int make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return remove(path);
}

static void no_file_is_no_words(void **state)
{
	char *sentinel = NULL;
	char **words = &sentinel;
	struct finding f = {0};

	(void)state;
	assert_int_equal(args_file_read("/nowhere/args", &words, &f), 0);
	assert_null(words);
	assert_int_equal(f.status, 0);
}

static void what_is_no_regular_file_is_a_setup_failure(void **state)
{
	struct finding f = {0};
	char **words;

	(void)state;
	assert_true(args_file_read("/tmp", &words, &f) < 0);
	assert_int_equal(f.status, EXIT_SETUP);
	assert_string_equal(f.step, "args-file");
	memset(&f, 0, sizeof(f));
	assert_true(args_file_read("/dev/null", &words, &f) < 0);
	assert_int_equal(f.status, EXIT_SETUP);
	memset(&f, 0, sizeof(f));
	assert_true(args_file_read("/etc/passwd/args", &words, &f) < 0);
	assert_int_equal(f.status, EXIT_SETUP);
}

static void a_fifo_does_not_hold_the_reader_up(void **state)
{
	struct finding f = {0};
	char **words;

	(void)state;
	assert_int_equal(remove(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(args_file_read(path, &words, &f) < 0);
	assert_int_equal(f.status, EXIT_SETUP);
}

static void a_file_of_the_largest_size_is_read_and_a_larger_one_is_not(void **state)
{
	struct finding f = {0};
	char **words;

	(void)state;
	/* A hole reads as NUL bytes: refused for what is in it, not for its size. */
	assert_int_equal(truncate(path, OPTIONS_ARGS_MAX), 0);
	assert_int_equal(args_file_read(path, &words, &f), -EINVAL);
	assert_int_equal(f.status, EXIT_USAGE);
	memset(&f, 0, sizeof(f));
	assert_int_equal(truncate(path, OPTIONS_ARGS_MAX + 1), 0);
	assert_true(args_file_read(path, &words, &f) < 0);
	assert_int_equal(f.status, EXIT_SETUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_a_word_with_its_blanks),
		cmocka_unit_test(empty_lines_and_comments_do_not_count),
		cmocka_unit_test(a_last_line_without_newline_counts),
		cmocka_unit_test(a_nul_byte_and_too_many_words_are_refused),
		cmocka_unit_test(no_file_is_no_words),
		cmocka_unit_test(what_is_no_regular_file_is_a_setup_failure),
		cmocka_unit_test_setup_teardown(a_fifo_does_not_hold_the_reader_up, make_file,
						remove_file),
		cmocka_unit_test_setup_teardown(
			a_file_of_the_largest_size_is_read_and_a_larger_one_is_not, make_file,
			remove_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
