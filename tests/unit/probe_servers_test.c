/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that sound servers and compositors answer with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/pipewire_message.h"
#include "probe/pulse_message.h"
#include "probe/wayland_message.h"

static void put_be32(uint8_t *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(n >> (24 - 8 * i));
}

static void put_u32(uint8_t *at, uint32_t n)
{
	memcpy(at, &n, sizeof(n));
}

static void pulse_is_asked_with_the_cookie(void **state)
{
	uint8_t cookie[PULSE_COOKIE], buf[PULSE_AUTH_SIZE];

	(void)state;
	memset(cookie, 0xc0, sizeof(cookie));
	pulse_auth(cookie, buf);
	/* Length, control channel, offset, flags; AUTH, its tag, version, cookie of 256 bytes. */
	assert_memory_equal(buf,
			    "\x00\x00\x01\x14\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0"
			    "L\0\0\0\x08L\0\0\0\0L\0\0\0\x20x\0\0\x01\0",
			    40);
	assert_memory_equal(buf + 40, cookie, sizeof(cookie));
}

static int pulse_head_of(uint32_t len, uint32_t channel, uint32_t rest)
{
	uint8_t head[PULSE_HEAD] = {0};

	put_be32(head, len);
	put_be32(head + 4, channel);
	put_be32(head + 16, rest);
	return pulse_head(head);
}

static void pulse_packets_of_another_kind_or_length_are_none(void **state)
{
	(void)state;
	assert_int_equal(pulse_head_of(15, 0xffffffff, 0), 15);
	assert_int_equal(pulse_head_of(PULSE_BODY_MAX, 0xffffffff, 0), PULSE_BODY_MAX);
	assert_int_equal(pulse_head_of(PULSE_BODY_MAX + 1, 0xffffffff, 0), -EBADMSG);
	assert_int_equal(pulse_head_of(0xffffffff, 0xffffffff, 0), -EBADMSG);
	assert_int_equal(pulse_head_of(14, 0xffffffff, 0), -EBADMSG);
	assert_int_equal(pulse_head_of(15, 0, 0), -EBADMSG);
	assert_int_equal(pulse_head_of(15, 0xffffffff, 1), -EBADMSG);
}

static enum pulse_answer pulse_body_of(uint32_t command, uint32_t tag, uint32_t value,
				       uint32_t *version)
{
	uint8_t body[15] = {'L', 0, 0, 0, 0, 'L', 0, 0, 0, 0, 'L'};

	put_be32(body + 1, command);
	put_be32(body + 6, tag);
	put_be32(body + 11, value);
	return pulse_body(body, sizeof(body), version);
}

static void pulse_answers_are_welcome_denial_error_or_garbage(void **state)
{
	uint8_t strings[15] = "tttttttttttttt";
	uint32_t version = 0;

	(void)state;
	assert_int_equal(pulse_body_of(2, 0, 0xc0000023, &version), PULSE_WELCOME);
	assert_int_equal(version, 35);
	assert_int_equal(pulse_body_of(0, 0, 1, &version), PULSE_DENIED);
	assert_int_equal(pulse_body_of(0, 0, 17, &version), PULSE_ERROR);
	assert_int_equal(version, 17);
	assert_int_equal(pulse_body_of(2, 1, 35, &version), PULSE_GARBAGE);
	assert_int_equal(pulse_body_of(8, 0, 35, &version), PULSE_GARBAGE);
	assert_int_equal(pulse_body(strings, sizeof(strings), &version), PULSE_GARBAGE);
	assert_int_equal(pulse_body(strings, 14, &version), PULSE_GARBAGE);
}

static int pipewire_head_of(uint32_t id, uint32_t word, struct pipewire_head *h)
{
	uint8_t data[PIPEWIRE_HEAD] = {0};

	put_u32(data, id);
	put_u32(data + 4, word);
	return pipewire_head(data, h);
}

static void pipewire_heads_have_bounds(void **state)
{
	struct pipewire_head h;

	(void)state;
	assert_int_equal(pipewire_head_of(3, 2u << 24 | 96, &h), 0);
	assert_int_equal(h.id, 3);
	assert_int_equal(h.opcode, 2);
	assert_int_equal(h.size, 96);
	assert_int_equal(pipewire_head_of(0, PIPEWIRE_BODY_MAX, &h), 0);
	assert_int_equal(pipewire_head_of(0, PIPEWIRE_BODY_MAX + 1, &h), -EBADMSG);
	assert_int_equal(pipewire_head_of(0, 0xffffff, &h), -EBADMSG);
	assert_int_equal(pipewire_head_of(0, 7, &h), -EBADMSG);
}

static size_t pod(uint8_t *at, uint32_t type, const void *value, uint32_t size)
{
	put_u32(at, size);
	put_u32(at + 4, type);
	memset(at + 8, 0, (size + 7) & ~7u);
	memcpy(at + 8, value, size);
	return 8 + ((size + 7) & ~7u);
}

/* Core::Info: id, cookie, user, host, version, name. */
static size_t core_info(uint8_t *buf, const char *version, const char *name)
{
	uint8_t values[512];
	uint32_t number = 7;
	size_t len = 0;

	len += pod(values + len, 4, &number, 4);
	len += pod(values + len, 4, &number, 4);
	len += pod(values + len, 8, "user", 5);
	len += pod(values + len, 8, "host", 5);
	len += pod(values + len, 8, version, (uint32_t)strlen(version) + 1);
	len += pod(values + len, 8, name, (uint32_t)strlen(name) + 1);
	return pod(buf, 14, values, (uint32_t)len);
}

static int read_info(const uint8_t *buf, size_t len, struct pipewire_core *core)
{
	uint8_t *data = malloc(len ? len : 1);
	int r;

	assert_non_null(data);
	memcpy(data, buf, len);
	r = pipewire_core_info(data, len, core);
	free(data);
	return r;
}

static void pipewire_names_its_version(void **state)
{
	uint8_t buf[1024];
	struct pipewire_core core;
	size_t len = core_info(buf, "1.2.3", "pipewire-0");

	(void)state;
	assert_int_equal(read_info(buf, len, &core), 0);
	assert_string_equal(core.version, "1.2.3");
	assert_string_equal(core.name, "pipewire-0");
	for (size_t part = 0; part < len; part++)
		if (part < len - 8)
			assert_int_equal(read_info(buf, part, &core), -EBADMSG);
}

static void pipewire_strings_without_end_or_of_another_type_are_harmless(void **state)
{
	char words[100];
	uint8_t buf[1024];
	struct pipewire_core core;
	size_t len;

	(void)state;
	memset(words, 'w', 99);
	words[99] = '\0';
	len = core_info(buf, words, "x");
	assert_int_equal(read_info(buf, len, &core), 0);
	assert_int_equal(strlen(core.version), sizeof(core.version) - 1);
	/* The version becomes a number: an empty text. */
	put_u32(buf + 8 + 2 * 16 + 2 * 16 + 4, 4);
	assert_int_equal(read_info(buf, len, &core), 0);
	assert_string_equal(core.version, "");
	/* A size that leads beyond the message, and round it. */
	for (int i = 0; i < 2; i++) {
		put_u32(buf + 8 + 2 * 16, i ? 0xffffffffu : 0xfffffff8u);
		assert_int_equal(read_info(buf, len, &core), -EBADMSG);
	}
}

static int wayland_head_of(uint32_t size, struct wayland_head *h)
{
	uint8_t data[WAYLAND_HEAD];

	put_u32(data, 2);
	put_u32(data + 4, size << 16 | 1);
	return wayland_head(data, h);
}

static void wayland_heads_have_bounds(void **state)
{
	struct wayland_head h;

	(void)state;
	assert_int_equal(wayland_head_of(8, &h), 0);
	assert_int_equal(h.object, 2);
	assert_int_equal(h.opcode, 1);
	assert_int_equal(h.size, 0);
	assert_int_equal(wayland_head_of(WAYLAND_EVENT_MAX, &h), 0);
	assert_int_equal(wayland_head_of(WAYLAND_EVENT_MAX + 4, &h), -EBADMSG);
	assert_int_equal(wayland_head_of(65532, &h), -EBADMSG);
	assert_int_equal(wayland_head_of(4, &h), -EBADMSG);
	assert_int_equal(wayland_head_of(0, &h), -EBADMSG);
	assert_int_equal(wayland_head_of(10, &h), -EBADMSG);
}

static enum wayland_event event(uint32_t object, unsigned int opcode, const void *bytes,
				size_t size, char *text)
{
	struct wayland_head h = {.object = object, .opcode = opcode, .size = size};
	uint8_t *data = malloc(size ? size : 1);
	enum wayland_event e;

	assert_non_null(data);
	memcpy(data, bytes, size);
	e = wayland_event(&h, data, text, 16);
	free(data);
	return e;
}

static void wayland_events_are_judged_by_object_and_kind(void **state)
{
	char text[16] = "";

	(void)state;
	assert_int_equal(event(2, 0, "\1\0\0\0\x08\0\0\0wl_seat\0\7\0\0\0", 20, text),
			 WAYLAND_GLOBAL);
	assert_string_equal(text, "wl_seat");
	assert_int_equal(event(1, 0, "\1\0\0\0\2\0\0\0\4\0\0\0bad", 16, text), WAYLAND_ERROR);
	assert_string_equal(text, "bad");
	assert_int_equal(event(3, 0, "\0\0\0\0", 4, text), WAYLAND_DONE);
	assert_int_equal(event(3, 0, "", 0, text), WAYLAND_GARBAGE);
	assert_int_equal(event(1, 1, "\3\0\0\0", 4, text), WAYLAND_OTHER);
	assert_int_equal(event(4, 0, "\0\0\0\0", 4, text), WAYLAND_GARBAGE);
	assert_int_equal(event(0, 0, "\0\0\0\0", 4, text), WAYLAND_GARBAGE);
}

static void wayland_strings_that_do_not_fit_are_garbage_and_long_ones_cut(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} bad[] = {
		{"\1\0\0\0", 4},				  /* no length */
		{"\1\0\0\0\0\0\0\0\0\0\0\0", 12},		  /* not even a terminator */
		{"\1\0\0\0\5\0\0\0abcd", 12},			  /* longer than the event */
		{"\1\0\0\0\4\0\0\0abcd", 12},			  /* not terminated */
		{"\1\0\0\0\xff\xff\xff\xff\0\0\0\0", 12},	  /* longer than memory */
		{"\1\0\0\0\xfc\xff\xff\xff\0\0\0\0\0\0\0\0", 16}, /* the same, aligned */
	};
	char text[17] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(event(2, 0, bad[i].bytes, bad[i].size, text), WAYLAND_GARBAGE);
	text[16] = '#';
	assert_int_equal(event(2, 0, "\1\0\0\0\x18\0\0\0abcdefghijklmnopqrstuvw\0", 32, text),
			 WAYLAND_GLOBAL);
	assert_string_equal(text, "abcdefghijklmno");
	assert_int_equal(text[16], '#');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pulse_is_asked_with_the_cookie),
		cmocka_unit_test(pulse_packets_of_another_kind_or_length_are_none),
		cmocka_unit_test(pulse_answers_are_welcome_denial_error_or_garbage),
		cmocka_unit_test(pipewire_heads_have_bounds),
		cmocka_unit_test(pipewire_names_its_version),
		cmocka_unit_test(pipewire_strings_without_end_or_of_another_type_are_harmless),
		cmocka_unit_test(wayland_heads_have_bounds),
		cmocka_unit_test(wayland_events_are_judged_by_object_and_kind),
		cmocka_unit_test(wayland_strings_that_do_not_fit_are_garbage_and_long_ones_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
