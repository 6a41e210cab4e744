/* SPDX-License-Identifier: Apache-2.0 */
/* What stremio-probe reads from names (displays, sound nodes, instances) and what its hints say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "probe/display.h"
#include "probe/hints.h"
#include "probe/sound.h"
#include "probe/wire.h"

static void displays_of_this_machine_are_told_from_others(void **state)
{
	static const struct {
		const char *name;
		enum display_kind kind;
		uint32_t number, screen;
	} cases[] = {
		{":0", DISPLAY_LOCAL, 0, 0},
		{":0.1", DISPLAY_LOCAL, 0, 1},
		{"unix:0", DISPLAY_LOCAL, 0, 0},
		{"unix:12.3", DISPLAY_LOCAL, 12, 3},
		{"unix/:5", DISPLAY_LOCAL, 5, 0},
		{":65535.255", DISPLAY_LOCAL, 65535, 255},
		{"host:0", DISPLAY_REMOTE, 0, 0},
		{"localhost:10.0", DISPLAY_REMOTE, 10, 0},
		{"tcp/host:0", DISPLAY_REMOTE, 0, 0},
		{"192.0.2.1:1", DISPLAY_REMOTE, 1, 0},
		{"[2001:db8::1]:0", DISPLAY_REMOTE, 0, 0},
		{"2001:db8::1:0", DISPLAY_REMOTE, 0, 0},
		{"unixy:0", DISPLAY_REMOTE, 0, 0},
		{"", DISPLAY_BAD, 0, 0},
		{"0", DISPLAY_BAD, 0, 0},
		{":", DISPLAY_BAD, 0, 0},
		{":a", DISPLAY_BAD, 0, 0},
		{":-1", DISPLAY_BAD, 0, 0},
		{":+1", DISPLAY_BAD, 0, 0},
		{": 1", DISPLAY_BAD, 0, 0},
		{":0.", DISPLAY_BAD, 0, 0},
		{":0.x", DISPLAY_BAD, 0, 0},
		{":0.1.2", DISPLAY_BAD, 0, 0},
		{":65536", DISPLAY_BAD, 0, 0},
		{":0.256", DISPLAY_BAD, 0, 0},
		{":99999999999999999999", DISPLAY_BAD, 0, 0},
		{"/tmp/socket:0", DISPLAY_BAD, 0, 0},
		{"unix/host:0", DISPLAY_BAD, 0, 0},
		{"tcp/:0", DISPLAY_BAD, 0, 0},
		{"node::0", DISPLAY_BAD, 0, 0},
		{"::0", DISPLAY_BAD, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct display d;

		display_parse(cases[i].name, &d);
		if (d.kind != cases[i].kind)
			fail_msg("'%s' is taken for kind %d", cases[i].name, (int)d.kind);
		if (d.kind == DISPLAY_BAD)
			continue;
		assert_int_equal(d.number, cases[i].number);
		assert_int_equal(d.screen, cases[i].screen);
	}
}

static void only_names_that_the_kernel_writes_are_sound_nodes(void **state)
{
	static const struct {
		const char *name;
		enum sound_kind kind;
		unsigned int card, device;
	} cases[] = {
		{"controlC0", SOUND_CONTROL, 0, 0},    {"controlC255", SOUND_CONTROL, 255, 0},
		{"pcmC0D0p", SOUND_PLAYBACK, 0, 0},    {"pcmC31D1023p", SOUND_PLAYBACK, 31, 1023},
		{"pcmC1D2c", SOUND_CAPTURE, 1, 2},     {"controlC", SOUND_MISNAMED, 0, 0},
		{"controlC256", SOUND_MISNAMED, 0, 0}, {"controlC01", SOUND_MISNAMED, 0, 0},
		{"controlC0x", SOUND_MISNAMED, 0, 0},  {"controlC4294967296", SOUND_MISNAMED, 0, 0},
		{"pcmC0D0", SOUND_MISNAMED, 0, 0},     {"pcmC0D0pp", SOUND_MISNAMED, 0, 0},
		{"pcmC0D1024p", SOUND_MISNAMED, 0, 0}, {"pcmC0p", SOUND_MISNAMED, 0, 0},
		{"pcmCD0p", SOUND_MISNAMED, 0, 0},     {"pcmC", SOUND_MISNAMED, 0, 0},
		{"pcmC-1D0p", SOUND_MISNAMED, 0, 0},   {"", SOUND_MISNAMED, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sound_node node;

		if (sound_node(cases[i].name, &node) != cases[i].kind)
			fail_msg("'%s' is taken for something else", cases[i].name);
		if (cases[i].kind == SOUND_MISNAMED)
			continue;
		assert_int_equal(node.card, cases[i].card);
		assert_int_equal(node.device, cases[i].device);
	}
}

static void an_instance_is_named_only_by_what_a_shell_takes_as_it_is(void **state)
{
	static const char *const bad[] = {"",	 "a b", "a;b", "$(id)", "-x",
					  "a.b", "a/b", "é",   "a\nb"};
	char long_name[65];
	char name[64];

	(void)state;
	hint_name("stremio-1", name, sizeof(name));
	assert_string_equal(name, "stremio-1");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		hint_name(bad[i], name, sizeof(name));
		assert_string_equal(name, "NAME");
	}
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[64] = '\0';
	hint_name(long_name, name, sizeof(name));
	assert_string_equal(name, "NAME");
	hint_name(long_name + 1, name, sizeof(name));
	assert_string_equal(name, long_name + 1);
}

static void write_hint(enum hint h, const char *target, char *text)
{
	const struct hint_values v = {
		.name = "player",
		.target = target,
		.uid = 65532,
		.gid = 65533,
		.owner_gid = 44,
	};

	hint_write(h, &v, text, WIRE_HINT);
}

static void a_hint_names_the_command_with_its_values(void **state)
{
	char text[WIRE_HINT];

	(void)state;
	write_hint(HINT_NODE_CGROUP, "/dev/dri/renderD129", text);
	assert_non_null(strstr(text, "incus config device add player renderD129 unix-char "
				     "path=/dev/dri/renderD129 gid=65533 mode=0660"));
	write_hint(HINT_NODE_GROUP, "/dev/dri/renderD129", text);
	assert_non_null(strstr(text, "usermod -aG 44 "));
	write_hint(HINT_RUNTIME_OWNER, "/run/user/65532", text);
	assert_non_null(strstr(text, "=/run/user/65532:mode=0700,uid=65532,gid=65533,"));
	write_hint(HINT_NONE, "/dev/dri", text);
	assert_string_equal(text, "");
}

static void a_target_that_a_shell_would_take_apart_is_not_in_a_command(void **state)
{
	static const char *const bad[] = {
		"/tmp/$(reboot)", "/tmp/a b", "/tmp/`id`", "/tmp/a;b", "/tmp/a'b",
		"/tmp/a\\x0ab",	  "/tmp/\"",  "-rf",	   "",	       "/a&b",
		"/a|b",		  "/a>b",     "/a*",	   "~root",    "/a\xc3\xa4"};
	char text[WIRE_HINT];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_hint(HINT_NODE_CGROUP, bad[i], text);
		if (!strstr(text, " add player PATH unix-char path=PATH gid="))
			fail_msg("%s", text);
	}
}

/* A command that is cut names something else: rm -r /tmp/films is no rm -r /tmp/f. */
static void no_hint_is_ever_cut(void **state)
{
	char name[64], target[257], longer[WIRE_TARGET], text[WIRE_HINT];

	(void)state;
	memset(name, 'n', 63);
	name[63] = '\0';
	memset(target, 't', 256);
	target[0] = '/';
	target[256] = '\0';
	memset(longer, 't', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	for (unsigned int h = 0; h < HINTS; h++) {
		const struct hint_values most = {name, target, 4294967294u, 4294967294u,
						 4294967294u};
		const struct hint_values over = {name, longer, 0, 0, 0};

		hint_write((enum hint)h, &most, text, sizeof(text));
		if (strlen(text) == WIRE_HINT - 1)
			fail_msg("does not fit: %s", text);
		hint_write((enum hint)h, &over, text, sizeof(text));
		assert_null(strstr(text, "ttt"));
	}
}

static void every_cause_has_a_hint_of_its_own(void **state)
{
	(void)state;
	for (unsigned int a = HINT_NONE + 1; a < HINTS; a++) {
		assert_non_null(hint_text((enum hint)a));
		assert_true(strlen(hint_text((enum hint)a)) > 20);
		for (unsigned int b = a + 1; b < HINTS; b++)
			if (!strcmp(hint_text((enum hint)a), hint_text((enum hint)b)))
				fail_msg("two causes, one hint: %s", hint_text((enum hint)a));
	}
	assert_null(hint_text(HINTS));
}

static void hints_use_no_letter_that_has_no_value(void **state)
{
	(void)state;
	for (unsigned int h = 0; h < HINTS; h++)
		for (const char *s = strchr(hint_text((enum hint)h), '%'); s; s = strchr(s, '%'))
			assert_non_null(strchr("NTBUGO", *++s));
}

/* Root of incus exec has PID 1's bounding set: CAP_SETUID, SETGID, SETPCAP and KILL. */
static void hints_do_not_let_root_of_exec_do_what_it_may_not(void **state)
{
	static const char *const more[] = {"mount ", "chown ", "nft ", "ip link", "install "};

	(void)state;
	for (unsigned int h = 0; h < HINTS; h++) {
		const char *exec = strstr(hint_text((enum hint)h), "incus exec %N -- ");

		for (size_t i = 0; exec && i < sizeof(more) / sizeof(more[0]); i++)
			if (!strncmp(exec + strlen("incus exec %N -- "), more[i],
				     strlen(more[i])) &&
			    !strstr(hint_text((enum hint)h), "STREMIO_EXEC_BOUNDING=full"))
				fail_msg("needs more capabilities: %s", hint_text((enum hint)h));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(displays_of_this_machine_are_told_from_others),
		cmocka_unit_test(only_names_that_the_kernel_writes_are_sound_nodes),
		cmocka_unit_test(an_instance_is_named_only_by_what_a_shell_takes_as_it_is),
		cmocka_unit_test(a_hint_names_the_command_with_its_values),
		cmocka_unit_test(a_target_that_a_shell_would_take_apart_is_not_in_a_command),
		cmocka_unit_test(no_hint_is_ever_cut),
		cmocka_unit_test(every_cause_has_a_hint_of_its_own),
		cmocka_unit_test(hints_use_no_letter_that_has_no_value),
		cmocka_unit_test(hints_do_not_let_root_of_exec_do_what_it_may_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
