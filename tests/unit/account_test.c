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
#include <unistd.h>

#include "account.h"

static char passwd[] = "/tmp/account_passwd.XXXXXX";
static char group[] = "/tmp/account_group.XXXXXX";
static const struct account_files files = {passwd, group};

static void write_file(char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void users(const char *text)
{
	write_file(passwd, text, strlen(text));
}

static void groups(const char *text)
{
	write_file(group, text, strlen(text));
}

static int make_files(void **state)
{
	int one = mkstemp(passwd);
	int two = mkstemp(group);

	(void)state;
	return one < 0 || two < 0 ? -1 : close(one) | close(two);
}

static int remove_files(void **state)
{
	(void)state;
	return remove(passwd) | remove(group);
}

static void expect(const char *spec, uid_t uid, gid_t gid)
{
	struct finding f = {0};
	struct account a;

	assert_int_equal(account_resolve(spec, &files, &a, &f), 0);
	assert_int_equal(f.status, 0);
	assert_int_equal(a.uid, uid);
	assert_int_equal(a.gid, gid);
}

static void refuse(const char *spec)
{
	struct finding f = {0};
	struct account a;

	assert_true(account_resolve(spec, &files, &a, &f) < 0);
	assert_int_equal(f.status, EXIT_USAGE);
	assert_string_equal(f.step, "user");
}

static void names_and_numbers_resolve(void **state)
{
	(void)state;
	users("root:x:0:0::/root:/bin/sh\napp:x:1234:1235::/home/app:/bin/bash\n");
	groups("video:x:44:app\nempty:x:45:\n");
	expect("app", 1234, 1235);
	expect("1234", 1234, 1235);
	expect("app:video", 1234, 44);
	expect("app:empty", 1234, 45);
	expect("app:7", 1234, 7);
	expect("77", 77, 77);
	expect("77:video", 77, 44);
	expect("4294967294", 4294967294U, 4294967294U);
}

static void auto_takes_the_first_that_is_there(void **state)
{
	(void)state;
	users("");
	expect("auto", 65532, 65532);
	users("x:x:1000:1001::/:/bin/sh\n");
	expect("auto", 1000, 1001);
	users("x:x:1000:1001::/:/bin/sh\nnonroot:x:65532:65533::/:/x\n");
	expect("auto", 65532, 65533);
	users("nonroot:x:65532:65533::/:/x\nstremio:x:501:502::/:/x\n");
	expect("auto", 501, 502);
}

static void root_is_refused_unless_spelled_out(void **state)
{
	static const char *const accidents[] = {"0",	 "0:0",	     "00",     "toor",	   "0:44",
						"app:0", "app:root", "1234:0", "grouproot"};

	(void)state;
	users("root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\napp:x:1234:1235::/:/x\n"
	      "grouproot:x:5:0::/:/x\n");
	groups("root:x:0:\n");
	for (size_t i = 0; i < sizeof(accidents) / sizeof(accidents[0]); i++)
		refuse(accidents[i]);
	expect("root", 0, 0);
	users("");
	expect("root", 0, 0);
	users("stremio:x:0:0::/:/bin/sh\n");
	refuse("auto");
}

#define LONG_NAME "a-name-longer-than-any-login-name-may-be-in-any-passwd-file-there-is-today"

static void what_is_no_user_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  ":",
					  "app:",
					  ":44",
					  "-1",
					  "1x",
					  "4294967295",
					  "4294967296",
					  "nobody-here",
					  "app:nobody-here",
					  "app:-1",
					  "app:4294967295",
					  "1:2:3",
					  "99999999999999999999999",
					  LONG_NAME};

	(void)state;
	users("app:x:1234:1235::/:/x\n");
	groups("video:x:44:\n");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(bad[i]);
}

static void bad_lines_are_passed_over(void **state)
{
	char text[6000];

	(void)state;
	users("\n:x:1:1::/:/x\napp\napp:x:1234\napp:x:-1:5::/:/x\napp:x:4294967295:5::/:/x\n"
	      "app:x:1234:bad::/:/x\n#app:x:5:5::/:/x\napp:x:1236:1237::/home:/x");
	expect("app", 1236, 1237);
	/* An overlong line must neither match nor leave a tail that does. */
	memset(text, 'y', sizeof(text));
	strcpy(text + 4000, ":x:1:1::/:/x\napp:x:8:9::/:/x\n");
	users(text);
	expect("app", 8, 9);
	memcpy(text, "app:x:6:6::/", 12);
	users(text);
	expect("app", 8, 9);
	write_file(passwd, "app\0:x:5:5::/:/x\napp:x:7:7::/:/x\n", 33);
	expect("app", 7, 7);
}

static void missing_files_are_empty_ones(void **state)
{
	static const struct account_files none = {"/nowhere/passwd", "/nowhere/group"};
	struct finding f = {0};
	struct account a;

	(void)state;
	assert_int_equal(account_resolve("auto", &none, &a, &f), 0);
	assert_int_equal(a.uid, 65532);
	assert_false(a.listed);
	assert_int_equal(a.home[0], '/');
	assert_true(account_resolve("app", &none, &a, &f) < 0);
	assert_int_equal(f.status, EXIT_USAGE);
}

static void unreadable_files_are_a_setup_failure(void **state)
{
	static const struct account_files odd = {"/tmp", "/tmp"};
	struct finding f = {0};
	struct account a;

	(void)state;
	assert_true(account_resolve("app", &odd, &a, &f) < 0);
	assert_int_equal(f.status, EXIT_SETUP);
}

static void passwd_lines_are_taken_apart(void **state)
{
	char line[] = "app:x:1234:1235:A,b:/home/app:/bin/bash";
	char bare[] = "app:x:1:2:::";
	char six[] = "app:x:1:2::/home";
	struct account a;

	(void)state;
	assert_int_equal(account_parse_passwd(line, &a), 0);
	assert_string_equal(a.name, "app");
	assert_string_equal(a.home, "/home/app");
	assert_string_equal(a.shell, "/bin/bash");
	assert_true(a.listed);
	assert_int_equal(account_parse_passwd(bare, &a), 0);
	assert_string_equal(a.home, "/");
	assert_string_equal(a.shell, "/bin/sh");
	assert_int_equal(account_parse_passwd(six, &a), -EINVAL);
}

static void overlong_fields_make_a_line_invalid(void **state)
{
	char name[200], home[400], line[600];
	struct account a;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(a.name)] = '\0';
	snprintf(line, sizeof(line), "%s:x:1:2::/:/x", name);
	assert_int_equal(account_parse_passwd(line, &a), -EINVAL);
	name[sizeof(a.name) - 1] = '\0';
	snprintf(line, sizeof(line), "%s:x:1:2::/:/x", name);
	assert_int_equal(account_parse_passwd(line, &a), 0);
	memset(home, '/', sizeof(home));
	home[sizeof(a.home)] = '\0';
	snprintf(line, sizeof(line), "a:x:1:2::%s:/x", home);
	assert_int_equal(account_parse_passwd(line, &a), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_numbers_resolve),
		cmocka_unit_test(auto_takes_the_first_that_is_there),
		cmocka_unit_test(root_is_refused_unless_spelled_out),
		cmocka_unit_test(what_is_no_user_is_refused),
		cmocka_unit_test(bad_lines_are_passed_over),
		cmocka_unit_test(missing_files_are_empty_ones),
		cmocka_unit_test(unreadable_files_are_a_setup_failure),
		cmocka_unit_test(passwd_lines_are_taken_apart),
		cmocka_unit_test(overlong_fields_make_a_line_invalid),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
