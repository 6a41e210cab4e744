/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "discover.h"

static struct devices d;
static struct finding f;

static void absent_and_empty_lists_are_the_default(void **state)
{
	(void)state;
	assert_int_equal(devices_parse(NULL, &d, &f), 0);
	assert_true(d.gpu.wanted && d.sound.wanted && !d.primary.wanted && !d.playback_only);
	assert_int_equal(devices_parse("", &d, &f), 0);
	assert_true(d.gpu.wanted && d.sound.wanted);
}

static void only_what_is_named_is_wanted(void **state)
{
	(void)state;
	assert_int_equal(devices_parse("x11,gpu-primary,wayland,pulse", &d, &f), 0);
	assert_true(d.primary.wanted && !d.gpu.wanted && !d.sound.wanted);
	assert_int_equal(devices_parse("none", &d, &f), 0);
	assert_true(!d.primary.wanted && !d.gpu.wanted && !d.sound.wanted);
}

static void cards_are_chosen_by_name(void **state)
{
	(void)state;
	assert_int_equal(devices_parse("gpu:renderD129,sound:PCH,sound:1", &d, &f), 0);
	assert_true(chosen_has(&d.gpu, "renderD129"));
	assert_false(chosen_has(&d.gpu, "renderD128"));
	assert_false(chosen_has(&d.gpu, "renderD12"));
	assert_true(chosen_has(&d.sound, "PCH") && chosen_has(&d.sound, "1"));
	assert_false(chosen_has(&d.sound, "0"));
	assert_false(chosen_has(&d.primary, "card0"));
}

static void all_cards_include_those_named_beside_them(void **state)
{
	(void)state;
	assert_int_equal(devices_parse("gpu:renderD129,gpu", &d, &f), 0);
	assert_true(chosen_has(&d.gpu, "renderD128"));
	assert_int_equal(devices_parse("gpu,gpu:renderD129", &d, &f), 0);
	assert_true(chosen_has(&d.gpu, "renderD128"));
}

static void recording_is_left_out_only_when_nobody_asks_for_it(void **state)
{
	(void)state;
	assert_int_equal(devices_parse("sound-playback", &d, &f), 0);
	assert_true(d.sound.wanted && d.playback_only);
	assert_int_equal(devices_parse("sound-playback,sound:1", &d, &f), 0);
	assert_false(d.playback_only);
	assert_int_equal(devices_parse("gpu", &d, &f), 0);
	assert_false(d.playback_only);
}

static void a_list_with_a_mistake_wires_nothing(void **state)
{
	static const char *const bad[] = {
		"gpux",
		"gpu,sond",
		"gpu ",
		" gpu",
		"gpu;sound",
		"gpu,",
		",gpu",
		",",
		"gpu:",
		"gpu,gpu:",
		"gpu,gpu:../x",
		"sound,sound-playback:a/b",
		"gpu:a/b",
		"gpu:..",
		"gpu:a:b",
		"x11:1",
		"none:1",
		"none,gpu",
		"gpu,none",
		"GPU",
		"sound-",
		"gpu\033[2J",
		"gpu:0123456789012345678901234567890x",
		"$(reboot)",
		"gpu\nsound",
		"sound:1,sound:2,sound:3,sound:4,sound:5,sound:6,sound:7,sound:8,sound:9",
	};
	char long_list[DEVICES_LIST_MAX + 8];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (devices_parse(bad[i], &d, &f) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_true(!d.gpu.wanted && !d.sound.wanted && !d.primary.wanted);
		assert_string_equal(f.step, "devices");
	}
	memset(long_list, 'x', sizeof(long_list));
	for (size_t i = 0; i < sizeof(long_list); i += 4)
		memcpy(long_list + i, "gpu,", 4);
	long_list[sizeof(long_list) - 1] = '\0';
	assert_int_equal(devices_parse(long_list, &d, &f), -EINVAL);
	/* As long as it may be: this is no mistake. */
	long_list[DEVICES_LIST_MAX - 1] = '\0';
	assert_int_equal(devices_parse(long_list, &d, &f), 0);
}

static void only_names_of_the_drivers_are_nodes(void **state)
{
	static const char *const good[] = {
		"dri/renderD128", "dri/card0", "kfd",		"nvidia0",	 "nvidiactl",
		"nvidia-uvm",	  "snd/timer", "snd/controlC0", "snd/pcmC0D31p", "snd/pcmC10D0c",
	};
	static const char *const bad[] = {
		"",
		"dri",
		"dri/",
		"dri/renderD",
		"dri/renderD1/x",
		"../etc/passwd",
		"dri/../kfd",
		"/dev/kfd",
		"snd/seq",
		"snd/hwC0D0",
		"snd/midiC0D0",
		"snd/pcmC0D0",
		"snd/pcmC0D0pp",
		"mem",
		"sda",
		"dri/renderD-1",
		"nvidia",
		"nvidia0x",
		"snd/controlC",
		"kfd0",
		"dri/card0000000000",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!node_name_ok(good[i]))
			fail_msg("refused: %s", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (node_name_ok(bad[i]))
			fail_msg("taken: %s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_and_empty_lists_are_the_default),
		cmocka_unit_test(only_what_is_named_is_wanted),
		cmocka_unit_test(cards_are_chosen_by_name),
		cmocka_unit_test(all_cards_include_those_named_beside_them),
		cmocka_unit_test(recording_is_left_out_only_when_nobody_asks_for_it),
		cmocka_unit_test(a_list_with_a_mistake_wires_nothing),
		cmocka_unit_test(only_names_of_the_drivers_are_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
