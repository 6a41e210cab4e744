/* SPDX-License-Identifier: Apache-2.0 */
/* The options about devices, and the self-test. */
#include "options_common.h"

static void a_display_is_required_unless_said_otherwise(void **state)
{
	(void)state;
	write_args("");
	assert_int_equal(PARSE_WITH("DISPLAY=:0", "app"), 0);
	assert_int_equal(o.require, GROUP_BIT(GROUP_X11));
	assert_false(o.require_named);
	assert_int_equal(PARSE_WITH("DISPLAY=", "app"), 0);
	assert_int_equal(o.require, 0);
	assert_int_equal(PARSE_WITH("DISPLAY=:0", "--devices=gpu", "app"), 0);
	assert_int_equal(o.require, 0);
	assert_int_equal(PARSE_WITH("DISPLAY=:0", "--require=none", "app"), 0);
	assert_int_equal(o.require, 0);
	assert_int_equal(PARSE_WITH("DISPLAY=:0", "-r", "gpu", "app"), 0);
	assert_int_equal(o.require, GROUP_BIT(GROUP_GPU));
	assert_true(o.require_named);
}

static void devices_and_what_is_required_are_lists(void **state)
{
	(void)state;
	write_args("");
	assert_int_equal(PARSE("-d", "pulse,wayland,x11,sound,gpu", "--require=wayland,pulse", "-w",
			       "2.5", "app"),
			 0);
	assert_int_equal(o.devices, GROUP_BIT(GROUP_WAYLAND + 1) - 1);
	assert_int_equal(o.require, GROUP_BIT(GROUP_WAYLAND) | GROUP_BIT(GROUP_PULSE));
	assert_int_equal(o.wait_ms, 2500);
	assert_int_equal(PARSE_WITH("STREMIO_DEVICES=none", "app"), 0);
	assert_int_equal(o.devices, 0);
	assert_int_equal(PARSE_WITH("STREMIO_REQUIRE=gpu", "app"), 0);
	assert_int_equal(o.require, GROUP_BIT(GROUP_GPU));
	is_usage(PARSE("--devices=gpu", "--require=x11", "app"));
	assert_non_null(strstr(f.what, "--require names what --devices does not"));
}

static void devices_take_the_words_of_the_hook(void **state)
{
	(void)state;
	write_args("");
	assert_int_equal(PARSE_WITH("STREMIO_DEVICES=gpu:renderD128,sound-playback:PCH", "app"), 0);
	assert_int_equal(o.devices, GROUP_BIT(GROUP_GPU) | GROUP_BIT(GROUP_SOUND));
	assert_int_equal(PARSE("--devices=gpu-primary:card1,gpu", "--require=gpu", "app"), 0);
	assert_int_equal(o.devices, GROUP_BIT(GROUP_GPU) | PRIMARY_WANTED);
}

static void a_self_test_has_three_forms_and_may_go_on(void **state)
{
	(void)state;
	write_args("");
	assert_int_equal(PARSE("--self-test"), 0);
	assert_int_equal(o.action, ACTION_SELF_TEST);
	assert_int_equal(o.format, REPORT_TEXT);
	assert_int_equal(PARSE("--self-test=json", "--watch"), 0);
	assert_int_equal(o.format, REPORT_JSON);
	assert_true(o.watch);
	assert_int_equal(PARSE("--self-test=openmetrics"), 0);
	assert_int_equal(o.format, REPORT_OPENMETRICS);
	is_usage(PARSE("--self-test=openmetrics", "--watch"));
	is_usage(PARSE("--watch", "app"));
	/* They are no settings: no variable makes a report of a launch. */
	assert_int_equal(PARSE_WITH("STREMIO_SELF_TEST=json", "app"), 0);
	assert_int_equal(o.action, ACTION_LAUNCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_display_is_required_unless_said_otherwise),
		cmocka_unit_test(devices_and_what_is_required_are_lists),
		cmocka_unit_test(devices_take_the_words_of_the_hook),
		cmocka_unit_test(a_self_test_has_three_forms_and_may_go_on),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
