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

#include "request.h"

static struct request rq;
static char message_output[16];

/* cmocka reads this variable at the end of each test, and request_read() clears them all. */
static int keep_cmockas(void **state)
{
	const char *value = getenv("CMOCKA_MESSAGE_OUTPUT");

	(void)state;
	(void)snprintf(message_output, sizeof(message_output), "%s", value ? value : "");
	return 0;
}

static int restore_cmockas(void **state)
{
	(void)state;
	return message_output[0] ? setenv("CMOCKA_MESSAGE_OUTPUT", message_output, 1) : 0;
}

static void say(const char *name, const char *pid, const char *console)
{
	clearenv();
	setenv("LXC_NAME", name, 1);
	setenv("LXC_PID", pid, 1);
	setenv("LXC_CONSOLE_LOGPATH", console, 1);
	setenv("LXC_HOOK_TYPE", "start-host", 1);
}

static void nothing_is_left_of_the_environment(void **state)
{
	(void)state;
	say("one", "42", "/var/log/incus/one/console.log");
	setenv("LD_PRELOAD", "/x.so", 1);
	setenv("SYSTEMD_LOG_LEVEL", "debug", 1);
	setenv("STREMIO_DEVICES", "gpu", 1);
	setenv("STREMIO_USER", "me:us", 1);
	request_read(&rq);
	assert_true(!environ || !environ[0]);
	assert_string_equal(rq.name, "one");
	assert_int_equal(rq.pid, 42);
	assert_string_equal(rq.log, "/var/log/incus/one/lxc.log");
	assert_string_equal(rq.devices, "gpu");
	assert_string_equal(rq.user, "me:us");
	assert_true(rq.from_start);
}

static void no_environment_is_an_empty_request(void **state)
{
	(void)state;
	clearenv();
	request_read(&rq);
	assert_true(!rq.name[0] && !rq.pid && !rq.log[0] && !rq.devices[0] && !rq.user[0]);
	assert_false(rq.from_start);
}

static void names_are_those_of_incus_and_no_path(void **state)
{
	/* The later ones are of projects that `incus project create` takes. */
	static const char *const good[] = {"a",	  "player-1", "project_name", "b\303\274ro_x",
					   "a.b", "c++_x",    "-a_x",	      ".a_x"};
	static const char *const bad[] = {"",	  "..",	  "../x",   "a/b",    "/a",  ".",   "a b",
					  "a\nb", "a\tb", "a\033b", "a\177b", "a'b", "a\"b"};
	char long_name[NAME_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!name_ok(good[i]))
			fail_msg("refused: %s", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (name_ok(bad[i]))
			fail_msg("taken: %s", bad[i]);
		say(bad[i], "42", "/var/log/incus/x/console.log");
		request_read(&rq);
		assert_string_equal(rq.name, "");
		assert_string_equal(rq.log, "");
	}
	memset(long_name, 'a', NAME_SIZE);
	long_name[NAME_SIZE] = '\0';
	assert_false(name_ok(long_name));
	long_name[NAME_SIZE - 1] = '\0';
	assert_true(name_ok(long_name));
}

static void pids_are_numbers_of_other_processes_than_the_first(void **state)
{
	static const char *const bad[] = {"",	 "0",	"1",	      "-1",	   "x",
					  "42x", " 42", "4294967338", "2147483648"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		say("one", bad[i], "");
		request_read(&rq);
		assert_int_equal(rq.pid, 0);
	}
}

static void log_is_beside_the_console_of_this_instance(void **state)
{
	static const char *const bad[] = {
		"",
		"console.log",
		"/one",
		"one/console.log",
		"/var/two/console.log",
		"/var/../one/console.log",
		"/var/xone/console.log",
		"/var/one",
		"/var/one/../x/console.log",
		"/var/x\nnode dri/card0 1 2 3/one/console.log",
	};
	char long_path[PATH_MAX + 32];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		say("one", "42", bad[i]);
		request_read(&rq);
		if (rq.log[0])
			fail_msg("taken: %s", bad[i]);
	}
	memset(long_path, 'a', sizeof(long_path));
	long_path[0] = '/';
	memcpy(long_path + sizeof(long_path) - 17, "/one/console.log", 17);
	say("one", "42", long_path);
	request_read(&rq);
	assert_string_equal(rq.log, "");
}

/* It must not be cut to a list that could be meant, wherever the cut falls. */
static void overlong_list_is_no_list(void **state)
{
	char text[1000];
	struct devices d;
	struct finding f;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 4)
		memcpy(text + i, "gpu,", 4);
	for (size_t len = DEVICES_LIST_MAX - 4; len < sizeof(text) - 8; len++) {
		const char *list = text + len % 4;
		bool fits = len < DEVICES_LIST_MAX;
		char cut = list[len];

		say("one", "42", "");
		text[len % 4 + len] = '\0';
		setenv("STREMIO_DEVICES", list, 1);
		request_read(&rq);
		text[len % 4 + len] = cut;
		if (fits)
			assert_int_equal(strlen(rq.devices), len);
		else
			assert_int_equal(devices_parse(rq.devices, &d, &f), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(nothing_is_left_of_the_environment, restore_cmockas),
		cmocka_unit_test_teardown(no_environment_is_an_empty_request, restore_cmockas),
		cmocka_unit_test_teardown(names_are_those_of_incus_and_no_path, restore_cmockas),
		cmocka_unit_test_teardown(pids_are_numbers_of_other_processes_than_the_first,
					  restore_cmockas),
		cmocka_unit_test_teardown(log_is_beside_the_console_of_this_instance,
					  restore_cmockas),
		cmocka_unit_test_teardown(overlong_list_is_no_list, restore_cmockas),
	};

	return cmocka_run_group_tests(tests, keep_cmockas, NULL);
}
