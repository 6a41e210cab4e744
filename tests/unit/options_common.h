/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the options share: an args file of their own, and a parse of given words. */
#ifndef TESTS_OPTIONS_COMMON_H
#define TESTS_OPTIONS_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "probe/wire.h"

static char args[] = "/tmp/options_args.XXXXXX";
static const char *const no_environment[] = {NULL};

static int make_file(void **state)
{
	int fd = mkstemp(args);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return remove(args);
}

static void write_args(const char *text)
{
	FILE *file = fopen(args, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static struct options o;
static struct finding f;

/* Copies, because values are cut in place, as the kernel gives them: writable. */
static char **copies(const char *const *words)
{
	static char text[2][4096];
	static char *lists[2][72];
	static int turn;
	size_t used = 0;
	size_t n = 0;

	turn = !turn;
	for (; words[n]; n++) {
		size_t size = strlen(words[n]) + 1;

		assert_true(used + size <= sizeof(text[0]) &&
			    n + 1 < sizeof(lists[0]) / sizeof(lists[0][0]));
		lists[turn][n] = memcpy(text[turn] + used, words[n], size);
		used += size;
	}
	lists[turn][n] = NULL;
	return lists[turn];
}

static int parse(const char *const *argv, const char *const *envp)
{
	memset(&f, 0, sizeof(f));
	memset(&o, 0x55, sizeof(o));
	return options_parse(copies(argv), copies(envp), args, &o, &f);
}

/* The words of a command line; the program's name is put in front. */
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PARSE(...) parse(WORDS("stremio-shim", __VA_ARGS__), no_environment)
#define PARSE_WITH(variable, ...) parse(WORDS("stremio-shim", __VA_ARGS__), WORDS(variable))

static void is_usage(int result)
{
	assert_int_equal(result, -EINVAL);
	assert_int_equal(f.status, EXIT_USAGE);
	assert_string_equal(f.step, "options");
	assert_true(f.what[0] != '\0');
}

#endif
