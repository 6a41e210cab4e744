/* SPDX-License-Identifier: Apache-2.0 */
#include "options_common.h"

static void the_defaults_are_the_documented_ones(void **state)
{
	(void)state;
	write_args("");
	assert_int_equal(PARSE("app"), 0);
	assert_int_equal(o.action, ACTION_LAUNCH);
	assert_string_equal(o.user, "auto");
	assert_string_equal(o.policy, "stremio");
	assert_false(o.userns_allow);
	assert_int_equal(o.tmpfs_count, 0);
	assert_int_equal(o.exec_bounding, BOUNDING_LAUNCH);
	assert_int_equal(o.stop_timeout_ms, 10000);
	assert_int_equal(o.ready, READY_AUTO);
	assert_int_equal(o.level, LOG_NORMAL);
	assert_string_equal(o.command[0], "app");
	assert_null(o.command[1]);
	assert_int_equal(o.devices,
			 GROUP_BIT(GROUP_GPU) | GROUP_BIT(GROUP_SOUND) | GROUP_BIT(GROUP_X11));
	assert_int_equal(o.require, 0);
	assert_int_equal(o.wait_ms, 10000);
	assert_false(o.devices_named || o.require_named || o.watch);
}

static void each_option_takes_each_of_its_forms(void **state)
{
	(void)state;
	write_args("");
	assert_int_equal(PARSE("--user=a", "app"), 0);
	assert_string_equal(o.user, "a");
	assert_int_equal(PARSE("--user", "a", "app"), 0);
	assert_string_equal(o.user, "a");
	assert_int_equal(PARSE("-u", "a", "app"), 0);
	assert_string_equal(o.user, "a");
	assert_int_equal(PARSE("-ua", "app"), 0);
	assert_string_equal(o.user, "a");
	assert_int_equal(PARSE("-vua", "app"), 0);
	assert_string_equal(o.user, "a");
	assert_int_equal(o.level, LOG_VERBOSE);
	assert_int_equal(PARSE("-t0.5", "-p", "server", "--userns=allow", "--exec-bounding", "full",
			       "-q", "app"),
			 0);
	assert_int_equal(o.stop_timeout_ms, 500);
	assert_string_equal(o.policy, "server");
	assert_true(o.userns_allow);
	assert_int_equal(o.exec_bounding, BOUNDING_FULL);
	assert_int_equal(o.level, LOG_QUIET);
	assert_int_equal(PARSE("--ready", "app"), 0);
	assert_int_equal(o.ready, READY_YES);
	assert_string_equal(o.command[0], "app");
	assert_int_equal(PARSE("--ready=no", "app"), 0);
	assert_int_equal(o.ready, READY_NO);
}

static void parsing_stops_at_the_first_word_that_is_no_option(void **state)
{
	(void)state;
	write_args("");
	assert_int_equal(PARSE("ls", "-d", "--user=x", "/"), 0);
	assert_string_equal(o.command[0], "ls");
	assert_string_equal(o.command[1], "-d");
	assert_string_equal(o.user, "auto");
	assert_int_equal(PARSE("--", "-v"), 0);
	assert_string_equal(o.command[0], "-v");
	assert_int_equal(o.level, LOG_NORMAL);
	assert_int_equal(PARSE("-"), 0);
	assert_string_equal(o.command[0], "-");
	assert_int_equal(PARSE("--", "--", "x"), 0);
	assert_string_equal(o.command[0], "--");
	assert_int_equal(PARSE("--user", "--", "app"), 0);
	assert_string_equal(o.user, "--");
}

static void the_last_of_equal_options_wins_and_tmpfs_adds_up(void **state)
{
	(void)state;
	write_args("");
	assert_int_equal(PARSE("-ua", "-ub", "--tmpfs=/x", "--tmpfs", "/y:size=1m", "app"), 0);
	assert_string_equal(o.user, "b");
	assert_int_equal(o.tmpfs_count, 2);
	assert_string_equal(o.tmpfs[0], "/x");
	assert_string_equal(o.tmpfs[1], "/y:size=1m");
}

static void unknown_options_are_refused(void **state)
{
	/* clang-format off */
	static const char *const words[] = {
		"--nonsense", "-z", "-vz", "--users=x", "--use=x", "---", "--=x", "--device=gpu",
		"--self-tests", "--watch-it", "--print-policies", "--User=x",
	};
	/* clang-format on */

	(void)state;
	write_args("");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		is_usage(PARSE(words[i], "app"));
		assert_non_null(strstr(f.what, "unknown option"));
	}
}

static void bad_and_missing_values_are_refused(void **state)
{
	/* clang-format off */
	static const char *const words[] = {
		"--user=", "--policy=", "--userns=", "--userns=Allow",
		"--exec-bounding=some", "--stop-timeout=", "--stop-timeout=-1",
		"--stop-timeout=86401", "--stop-timeout=1.0001", "--stop-timeout=ten",
		"--ready=", "--ready=maybe", "--tmpfs=", "--tmpfs=relative", "--landlock=",
		"--env=", "--env=NAME", "--env==value", "--cwd=", "--cwd=relative",
		"--landlock=on", "--rw=", "--ro=relative", "--verbose=1", "--quiet=",
		"--help=x", "--devices=", "--devices=gpu,", "--devices=,gpu",
		"--devices=system", "--devices=sandbox", "--devices=gpu x11",
		"--devices=none,gpu", "--devices=gpu:", "--devices=x11:0", "--devices=gpu-primar",
		"--require=gpu:card0", "--require=gpu-primary", "--require=GPU", "--require=all", "--wait=",
		"--wait=86401", "--self-test=", "--self-test=yaml", "--watch=1",
		"--version=1", "-tx",
	};
	static const char *const alone[] = {
		"--user", "-u", "-vu", "--policy", "-p", "--tmpfs", "-t", "--stop-timeout",
		"--userns", "--exec-bounding", "--devices", "-d", "--require", "-w",
	};
	/* clang-format on */

	(void)state;
	write_args("");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		is_usage(PARSE(words[i], "app"));
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
		is_usage(PARSE(alone[i]));
		assert_non_null(strstr(f.what, "missing"));
	}
}

static void landlock_and_its_paths_are_taken(void **state)
{
	(void)state;
	write_args("");
	assert_int_equal(PARSE("app"), 0);
	assert_int_equal(o.landlock, LANDLOCK_AUTO);
	assert_int_equal(o.rw_count + o.ro_count, 0);
	assert_int_equal(PARSE_WITH("STREMIO_RW=/a;/b", "--landlock=require", "--rw=/c", "--ro",
				    "/d", "app"),
			 0);
	assert_int_equal(o.landlock, LANDLOCK_REQUIRE);
	assert_int_equal(o.rw_count, 3);
	assert_string_equal(o.rw[2], "/c");
	assert_int_equal(o.ro_count, 1);
	assert_string_equal(o.ro[0], "/d");
	assert_int_equal(PARSE_WITH("STREMIO_LANDLOCK=off", "app"), 0);
	assert_int_equal(o.landlock, LANDLOCK_OFF);
}

static void at_most_sixteen_tmpfs_are_taken(void **state)
{
	const char *argv[20] = {"stremio-shim"};

	(void)state;
	write_args("");
	for (int i = 1; i <= 16; i++)
		argv[i] = "--tmpfs=/x";
	argv[17] = "app";
	assert_int_equal(parse(argv, no_environment), 0);
	assert_int_equal(o.tmpfs_count, 16);
	argv[17] = "--tmpfs=/x";
	argv[18] = "app";
	is_usage(parse(argv, no_environment));
}

static void sixty_four_variables_are_taken_and_env_has_no_twin(void **state)
{
	const char *argv[68] = {"stremio-shim"};

	(void)state;
	write_args("");
	for (int i = 1; i <= 64; i++)
		argv[i] = "--env=NAME=a=b";
	argv[65] = "app";
	assert_int_equal(parse(argv, no_environment), 0);
	assert_int_equal(o.env_count, 64);
	assert_string_equal(o.env[63], "NAME=a=b");
	argv[65] = "--env=NAME=";
	argv[66] = "app";
	is_usage(parse(argv, no_environment));
	assert_int_equal(PARSE_WITH("STREMIO_ENV=production", "-q", "app"), 0);
	assert_int_equal(o.env_count, 0);
}

static void each_option_has_a_twin_that_the_command_line_beats(void **state)
{
	(void)state;
	write_args("");
	assert_int_equal(PARSE_WITH("STREMIO_USER=x", "app"), 0);
	assert_string_equal(o.user, "x");
	assert_int_equal(PARSE_WITH("STREMIO_USER=x", "-uy", "app"), 0);
	assert_string_equal(o.user, "y");
	assert_int_equal(PARSE_WITH("STREMIO_STOP_TIMEOUT=3", "app"), 0);
	assert_int_equal(o.stop_timeout_ms, 3000);
	assert_int_equal(PARSE_WITH("STREMIO_EXEC_BOUNDING=none", "app"), 0);
	assert_int_equal(o.exec_bounding, BOUNDING_NONE);
	assert_int_equal(PARSE_WITH("STREMIO_USERNS=allow", "--userns=deny", "app"), 0);
	assert_false(o.userns_allow);
	assert_int_equal(PARSE_WITH("STREMIO_POLICY=none", "app"), 0);
	assert_string_equal(o.policy, "none");
	assert_int_equal(PARSE_WITH("STREMIO_READY=no", "app"), 0);
	assert_int_equal(o.ready, READY_NO);
	assert_int_equal(PARSE_WITH("STREMIO_VERBOSE=1", "app"), 0);
	assert_int_equal(o.level, LOG_VERBOSE);
	assert_int_equal(PARSE_WITH("STREMIO_VERBOSE=0", "app"), 0);
	assert_int_equal(o.level, LOG_NORMAL);
	assert_int_equal(PARSE_WITH("STREMIO_TMPFS=/a;/b:mode=700", "--tmpfs=/c", "app"), 0);
	assert_int_equal(o.tmpfs_count, 3);
	assert_string_equal(o.tmpfs[0], "/a");
	assert_string_equal(o.tmpfs[1], "/b:mode=700");
	assert_string_equal(o.tmpfs[2], "/c");
}

static void a_bad_twin_is_refused_by_its_name(void **state)
{
	(void)state;
	write_args("");
	is_usage(PARSE_WITH("STREMIO_STOP_TIMEOUT=ten", "app"));
	assert_non_null(strstr(f.what, "STREMIO_STOP_TIMEOUT"));
	is_usage(PARSE_WITH("STREMIO_VERBOSE=yes", "app"));
	is_usage(PARSE_WITH("STREMIO_USERNS=", "app"));
}

static void foreign_variables_do_not_count(void **state)
{
	(void)state;
	write_args("");
	assert_int_equal(PARSE_WITH("STREMIO_USERX=x", "-q", "app"), 0);
	assert_string_equal(o.user, "auto");
	assert_int_equal(PARSE_WITH("XSTREMIO_USER=x", "app"), 0);
	assert_string_equal(o.user, "auto");
	assert_int_equal(PARSE_WITH("STREMIO_USER", "app"), 0);
	assert_string_equal(o.user, "auto");
}

static void the_args_file_counts_when_no_command_was_given(void **state)
{
	(void)state;
	write_args("--user=file\n-t\n5\n/bin/app\n--user=mine\n");
	assert_int_equal(PARSE("-q"), 0);
	assert_string_equal(o.user, "file");
	assert_int_equal(o.stop_timeout_ms, 5000);
	assert_string_equal(o.command[0], "/bin/app");
	assert_string_equal(o.command[1], "--user=mine");
	assert_int_equal(o.level, LOG_QUIET);

	/* The environment ranks below it, the command line above it. */
	assert_int_equal(PARSE_WITH("STREMIO_USER=twin", "-t7"), 0);
	assert_string_equal(o.user, "file");
	assert_int_equal(o.stop_timeout_ms, 7000);

	assert_int_equal(PARSE("other"), 0);
	assert_string_equal(o.user, "auto");
	assert_string_equal(o.command[0], "other");

	write_args("--nonsense\n");
	is_usage(PARSE("-q"));
	write_args("--user=file\n");
	assert_int_equal(PARSE("-q"), 0);
	assert_null(o.command);
}

static void no_arguments_at_all_are_no_crash(void **state)
{
	const char *const nothing[] = {NULL};

	(void)state;
	write_args("");
	assert_int_equal(parse(nothing, no_environment), 0);
	assert_null(o.command);
}

static void help_and_version_need_nothing_else_to_be_right(void **state)
{
	(void)state;
	write_args("--nonsense\n");
	assert_int_equal(PARSE_WITH("STREMIO_STOP_TIMEOUT=ten", "-h"), 0);
	assert_int_equal(o.action, ACTION_HELP);
	assert_int_equal(PARSE_WITH("STREMIO_STOP_TIMEOUT=ten", "--version"), 0);
	assert_int_equal(o.action, ACTION_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_the_documented_ones),
		cmocka_unit_test(each_option_takes_each_of_its_forms),
		cmocka_unit_test(parsing_stops_at_the_first_word_that_is_no_option),
		cmocka_unit_test(the_last_of_equal_options_wins_and_tmpfs_adds_up),
		cmocka_unit_test(unknown_options_are_refused),
		cmocka_unit_test(bad_and_missing_values_are_refused),
		cmocka_unit_test(landlock_and_its_paths_are_taken),
		cmocka_unit_test(at_most_sixteen_tmpfs_are_taken),
		cmocka_unit_test(sixty_four_variables_are_taken_and_env_has_no_twin),
		cmocka_unit_test(each_option_has_a_twin_that_the_command_line_beats),
		cmocka_unit_test(a_bad_twin_is_refused_by_its_name),
		cmocka_unit_test(foreign_variables_do_not_count),
		cmocka_unit_test(the_args_file_counts_when_no_command_was_given),
		cmocka_unit_test(no_arguments_at_all_are_no_crash),
		cmocka_unit_test(help_and_version_need_nothing_else_to_be_right),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
