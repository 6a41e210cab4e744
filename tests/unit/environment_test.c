/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "environment.h"

static struct account account(void)
{
	struct account a = {.uid = 501, .gid = 502, .listed = true};

	strcpy(a.name, "stremio");
	strcpy(a.home, "/srv/media");
	strcpy(a.shell, "/bin/bash");
	return a;
}

/* The entries are only read. */
static char **build(const char *const *given, bool has_bus)
{
	struct account a = account();
	struct runtime_dir rd = {.path = "/run/user/501", .has_bus = has_bus};

	return environment_build((char **)(uintptr_t)given, &a, &rd);
}

static void expect(char **env, const char *name, const char *value)
{
	const char *found = environment_get(env, name);

	if (!value)
		assert_null(found);
	else if (!found)
		fail_msg("%s is not there", name);
	else
		assert_string_equal(found, value);
}

static size_t entries(char **env, const char *name)
{
	size_t n = 0;

	for (; *env; env++)
		n += !strncmp(*env, name, strlen(name)) && (*env)[strlen(name)] == '=';
	return n;
}

static void what_options_add_yields_to_what_was_given(void **state)
{
	const char *const given[] = {"A=given", "AB=x", NULL};
	const char *const more[] = {"A=added", "B=first", "B=last=1", "C="};
	char **env = environment_with((char **)(uintptr_t)given, more, 4);

	(void)state;
	assert_non_null(env);
	expect(env, "A", "given");
	expect(env, "AB", "x");
	expect(env, "B", "last=1");
	expect(env, "C", "");
	assert_int_equal(entries(env, "A"), 1);
	assert_int_equal(entries(env, "B"), 1);
	env = (char **)(uintptr_t)given;
	assert_ptr_equal(environment_with(env, more, 0), env);
}

static void what_nobody_set_is_added(void **state)
{
	const char *const given[] = {"container=lxc", NULL};
	char **env = build(given, false);

	(void)state;
	assert_non_null(env);
	expect(env, "container", "lxc");
	expect(env, "HOME", "/srv/media");
	expect(env, "USER", "stremio");
	expect(env, "LOGNAME", "stremio");
	expect(env, "SHELL", "/bin/bash");
	expect(env, "TMPDIR", "/tmp");
	expect(env, "XDG_RUNTIME_DIR", "/run/user/501");
	expect(env, "XDG_CACHE_HOME", "/srv/media/.cache");
	expect(env, "QT_X11_NO_MITSHM", "1");
	expect(env, "DBUS_SESSION_BUS_ADDRESS", "disabled:");
	assert_non_null(environment_get(env, "PATH"));
	assert_non_null(environment_get(env, "LANG"));
}

static void what_was_given_wins_and_stands_once(void **state)
{
	static const char *const names[] = {"PATH",
					    "HOME",
					    "USER",
					    "LOGNAME",
					    "SHELL",
					    "LANG",
					    "TMPDIR",
					    "XDG_RUNTIME_DIR",
					    "XDG_CACHE_HOME",
					    "QT_X11_NO_MITSHM",
					    "DBUS_SESSION_BUS_ADDRESS"};
	char texts[11][64];
	const char *given[12] = {NULL};
	char **env;

	(void)state;
	for (size_t i = 0; i < 11; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%s=given", names[i]);
		given[i] = texts[i];
	}
	env = build(given, false);
	for (size_t i = 0; i < 11; i++) {
		expect(env, names[i], "given");
		assert_int_equal(entries(env, names[i]), 1);
	}
}

static void an_empty_value_was_given_too(void **state)
{
	const char *const given[] = {"LANG=", NULL};

	(void)state;
	expect(build(given, false), "LANG", "");
}

static void roots_own_account_does_not_count_as_given(void **state)
{
	const char *const given[] = {"USER=root",
				     "HOME=/root",
				     "LOGNAME=root",
				     "SHELL=/bin/sh",
				     "XDG_RUNTIME_DIR=/run/user/0",
				     "LANG=C",
				     NULL};
	const char *const chosen[] = {"USER=root", "XDG_RUNTIME_DIR=/run/chosen", NULL};
	char **env = build(given, false);

	(void)state;
	expect(env, "USER", "stremio");
	expect(env, "HOME", "/srv/media");
	expect(env, "LOGNAME", "stremio");
	expect(env, "SHELL", "/bin/bash");
	expect(env, "XDG_RUNTIME_DIR", "/run/user/501");
	expect(env, "LANG", "C");
	assert_int_equal(entries(env, "HOME"), 1);
	expect(build(chosen, false), "XDG_RUNTIME_DIR", "/run/chosen");
}

static void without_a_runtime_directory_none_is_named(void **state)
{
	const char *const given[] = {NULL};
	struct account a = account();
	struct runtime_dir rd = {.path = ""};

	(void)state;
	expect(environment_build((char **)(uintptr_t)given, &a, &rd), "XDG_RUNTIME_DIR", NULL);
}

static void a_bus_that_is_there_is_not_disabled(void **state)
{
	const char *const given[] = {NULL};

	(void)state;
	expect(build(given, true), "DBUS_SESSION_BUS_ADDRESS", NULL);
}

static void odd_entries_and_prefixes_are_left_alone(void **state)
{
	const char *const given[] = {"HOMEPAGE=x", "=odd", "nothing", "HOME", NULL};
	char **env = build(given, false);

	(void)state;
	expect(env, "HOME", "/srv/media");
	expect(env, "HOMEPAGE", "x");
	assert_string_equal(env[1], "=odd");
	assert_string_equal(env[2], "nothing");
}

static void the_longest_account_fits(void **state)
{
	const char *const given[] = {NULL};
	struct account a = account();
	struct runtime_dir rd;
	char **env;

	(void)state;
	memset(a.name, 'n', sizeof(a.name) - 1);
	memset(a.home, '/', sizeof(a.home) - 1);
	memset(a.shell, '/', sizeof(a.shell) - 1);
	memset(rd.path, '/', sizeof(rd.path) - 1);
	a.name[sizeof(a.name) - 1] = a.home[sizeof(a.home) - 1] = '\0';
	a.shell[sizeof(a.shell) - 1] = rd.path[sizeof(rd.path) - 1] = '\0';
	rd.has_bus = false;
	env = environment_build((char **)(uintptr_t)given, &a, &rd);
	expect(env, "HOME", a.home);
	assert_int_equal(strlen(environment_get(env, "XDG_CACHE_HOME")),
			 strlen(a.home) + strlen("/.cache"));
	expect(env, "DBUS_SESSION_BUS_ADDRESS", "disabled:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_options_add_yields_to_what_was_given),
		cmocka_unit_test(what_nobody_set_is_added),
		cmocka_unit_test(what_was_given_wins_and_stands_once),
		cmocka_unit_test(an_empty_value_was_given_too),
		cmocka_unit_test(roots_own_account_does_not_count_as_given),
		cmocka_unit_test(without_a_runtime_directory_none_is_named),
		cmocka_unit_test(a_bus_that_is_there_is_not_disabled),
		cmocka_unit_test(odd_entries_and_prefixes_are_left_alone),
		cmocka_unit_test(the_longest_account_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
