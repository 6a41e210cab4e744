/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of the X11 checks: Xauthority files and the first message of a connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "probe/xauth.h"
#include "probe/xsetup.h"

#define LOCAL 256
#define INTERNET 0
#define WILD 65535
#define MAGIC "MIT-MAGIC-COOKIE-1"

/* A file in the making (Xau(3), "File format"). */
struct file {
	size_t len;
	uint8_t data[1024];
};

static void add_u16(struct file *f, unsigned int n)
{
	f->data[f->len++] = (uint8_t)(n >> 8);
	f->data[f->len++] = (uint8_t)n;
}

static void add_field(struct file *f, const char *bytes, size_t len)
{
	add_u16(f, (unsigned int)len);
	memcpy(f->data + f->len, bytes, len);
	f->len += len;
}

static void add(struct file *f, unsigned int family, const char *address, const char *number,
		const char *name, const char *cookie)
{
	add_u16(f, family);
	add_field(f, address, strlen(address));
	add_field(f, number, strlen(number));
	add_field(f, name, strlen(name));
	add_field(f, cookie, strlen(cookie));
}

/* In a block of exactly that size, so that AddressSanitizer sees a byte too far. */
static enum xauth_outcome find(const struct file *f, size_t len, struct xauth *found)
{
	uint8_t *data = malloc(len ? len : 1);
	enum xauth_outcome outcome;

	assert_non_null(data);
	memcpy(data, f->data, len);
	outcome = xauth_find(data, len, 7, "here", found);
	free(data);
	return outcome;
}

static void cookie_is(const struct xauth *found, const char *cookie)
{
	assert_int_equal(found->len, strlen(cookie));
	assert_memory_equal(found->cookie, cookie, found->len);
}

static void the_first_cookie_that_fits_is_taken(void **state)
{
	struct file f = {0};
	struct xauth found;

	(void)state;
	add(&f, LOCAL, "here", "6", MAGIC, "other-display");
	add(&f, LOCAL, "there", "7", MAGIC, "other-host");
	add(&f, INTERNET, "\x7f\x01\x01\x01", "7", MAGIC, "other-family");
	add(&f, LOCAL, "here", "7", "XDM-AUTHORIZATION-1", "other-kind");
	add(&f, LOCAL, "here", "7", MAGIC, "right");
	add(&f, WILD, "", "7", MAGIC, "late");
	assert_int_equal(find(&f, f.len, &found), XAUTH_FOUND);
	cookie_is(&found, "right");
}

static void a_wild_entry_fits_any_host_and_one_without_number_any_display(void **state)
{
	struct file wild = {0}, any = {0};
	struct xauth found;

	(void)state;
	add(&wild, WILD, "elsewhere", "7", MAGIC, "wild");
	assert_int_equal(find(&wild, wild.len, &found), XAUTH_FOUND);
	cookie_is(&found, "wild");
	add(&any, LOCAL, "here", "", MAGIC, "any");
	assert_int_equal(find(&any, any.len, &found), XAUTH_FOUND);
	cookie_is(&found, "any");
}

static void a_cookie_of_another_host_is_told_with_its_name(void **state)
{
	struct file f = {0};
	struct xauth found;

	(void)state;
	add(&f, LOCAL, "desktop", "7", MAGIC, "secret");
	add(&f, LOCAL, "laptop", "7", MAGIC, "secret");
	assert_int_equal(find(&f, f.len, &found), XAUTH_HOST_KEYED);
	assert_string_equal(found.host, "desktop");
	assert_int_equal(found.len, 0);
}

static void files_without_a_fitting_entry_are_told_apart(void **state)
{
	struct file f = {0};
	struct xauth found;

	(void)state;
	assert_int_equal(find(&f, 0, &found), XAUTH_EMPTY);
	add(&f, LOCAL, "here", "77", MAGIC, "secret");
	assert_int_equal(find(&f, f.len, &found), XAUTH_NO_ENTRY);
	f.len = 0;
	add(&f, LOCAL, "desktop", "6", MAGIC, "secret");
	assert_int_equal(find(&f, f.len, &found), XAUTH_NO_ENTRY);
	memcpy(f.data, "This is no such file, but text.", 31);
	assert_int_equal(find(&f, 31, &found), XAUTH_BROKEN);
}

static void a_file_that_breaks_off_anywhere_is_read_as_far_as_it_goes(void **state)
{
	struct file f = {0};
	struct xauth found;
	size_t first;

	(void)state;
	add(&f, LOCAL, "here", "6", MAGIC, "secret");
	first = f.len;
	add(&f, LOCAL, "here", "7", MAGIC, "right");
	for (size_t len = 1; len < f.len; len++)
		assert_int_equal(find(&f, len, &found),
				 len < first ? XAUTH_BROKEN : XAUTH_NO_ENTRY);
}

static void overlong_hosts_and_cookies_are_cut(void **state)
{
	static struct file f;
	char text[401];
	struct xauth found;

	(void)state;
	memset(text, 'x', 400);
	text[400] = '\0';
	f.len = 0;
	add(&f, LOCAL, text, "7", MAGIC, "secret");
	assert_int_equal(find(&f, f.len, &found), XAUTH_HOST_KEYED);
	assert_int_equal(strlen(found.host), XAUTH_HOST_MAX - 1);
	f.len = 0;
	add(&f, WILD, "", "7", MAGIC, text);
	assert_int_equal(find(&f, f.len, &found), XAUTH_FOUND);
	assert_int_equal(found.len, XAUTH_COOKIE_MAX);
}

static void the_request_carries_the_cookie_padded(void **state)
{
	uint8_t buf[XSETUP_REQUEST_MAX + 4];
	uint8_t most[XAUTH_COOKIE_MAX];
	uint16_t n;

	(void)state;
	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(xsetup_request((const uint8_t *)"secret", 6, buf), 12 + 20 + 8);
	memcpy(&n, buf + 2, 2);
	assert_int_equal(n, 11);
	memcpy(&n, buf + 6, 2);
	assert_int_equal(n, 18);
	memcpy(&n, buf + 8, 2);
	assert_int_equal(n, 6);
	assert_memory_equal(buf + 12, MAGIC "\0\0secret\0\0", 28);
	assert_int_equal(xsetup_request(NULL, 0, buf), 12);
	memset(most, 1, sizeof(most));
	assert_true(xsetup_request(most, sizeof(most), buf) <= XSETUP_REQUEST_MAX);
	assert_int_equal(buf[XSETUP_REQUEST_MAX], 0xee);
}

static struct xsetup prefix(uint8_t answer, uint8_t reason, uint16_t major, uint16_t words)
{
	uint8_t data[XSETUP_PREFIX] = {answer, reason};
	struct xsetup s;

	memcpy(data + 2, &major, 2);
	memcpy(data + 6, &words, 2);
	xsetup_prefix(data, &s);
	return s;
}

static void answers_are_told_from_what_no_server_says(void **state)
{
	(void)state;
	assert_int_equal(prefix(1, 0, 11, 8).answer, XSETUP_SUCCESS);
	assert_int_equal(prefix(1, 0, 11, 8).wanted, XSETUP_FIXED);
	assert_int_equal(prefix(1, 0, 11, 7).answer, XSETUP_GARBAGE);
	assert_int_equal(prefix(1, 0, 10, 8).answer, XSETUP_GARBAGE);
	assert_int_equal(prefix(0, 10, 11, 3).answer, XSETUP_REFUSED);
	assert_int_equal(prefix(0, 10, 11, 3).wanted, 10);
	assert_int_equal(prefix(0, 13, 11, 3).answer, XSETUP_GARBAGE);
	assert_int_equal(prefix(0, 1, 12, 3).answer, XSETUP_GARBAGE);
	assert_int_equal(prefix(2, 0, 0, 3).answer, XSETUP_REFUSED);
	assert_int_equal(prefix(2, 0, 0, 3).wanted, 12);
	assert_int_equal(prefix(2, 0, 0, 65535).wanted, XSETUP_REASON_MAX - 1);
	for (unsigned int first = 3; first < 256; first++)
		assert_int_equal(prefix((uint8_t)first, 0, 11, 8).answer, XSETUP_GARBAGE);
}

static enum xsetup_answer success(size_t total, uint16_t vendor, uint8_t screens, uint8_t formats)
{
	struct xsetup s = {.answer = XSETUP_SUCCESS, .total = total};
	uint8_t data[XSETUP_FIXED] = {0};

	memcpy(data + 16, &vendor, 2);
	data[20] = screens;
	data[21] = formats;
	xsetup_success(data, &s);
	return s.answer;
}

static void a_success_whose_parts_do_not_fit_into_it_is_none(void **state)
{
	(void)state;
	assert_int_equal(success(32 + 20 + 16 + 40, 18, 1, 2), XSETUP_SUCCESS);
	assert_int_equal(success(32 + 20 + 16 + 39, 18, 1, 2), XSETUP_GARBAGE);
	assert_int_equal(success(32 + 20 + 16 + 40, 21, 1, 2), XSETUP_GARBAGE);
	assert_int_equal(success(32 + 20 + 16 + 40, 18, 2, 2), XSETUP_GARBAGE);
	assert_int_equal(success(32 + 20 + 16 + 40, 18, 0, 2), XSETUP_GARBAGE);
	assert_int_equal(success(4 * 65535, 65535, 255, 255), XSETUP_SUCCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_cookie_that_fits_is_taken),
		cmocka_unit_test(a_wild_entry_fits_any_host_and_one_without_number_any_display),
		cmocka_unit_test(a_cookie_of_another_host_is_told_with_its_name),
		cmocka_unit_test(files_without_a_fitting_entry_are_told_apart),
		cmocka_unit_test(a_file_that_breaks_off_anywhere_is_read_as_far_as_it_goes),
		cmocka_unit_test(overlong_hosts_and_cookies_are_cut),
		cmocka_unit_test(the_request_carries_the_cookie_padded),
		cmocka_unit_test(answers_are_told_from_what_no_server_says),
		cmocka_unit_test(a_success_whose_parts_do_not_fit_into_it_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
