/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "audit_bpf.h"
#include "audit_log.h"
#include "policy/policy.h"

/* The independent simulator of the policy tests; its header alone would need another link. */
#include "bpf_sim.c"

static uint64_t seed = 1;

/* xorshift64*, so that a failure comes back. */
static uint64_t random64(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * UINT64_C(2685821657736338717);
}

static struct seccomp_data any_call(const struct policy *p, unsigned int i)
{
	struct seccomp_data d = {.nr = (int)(i % 600), .arch = p->arch};

	if (i % 97 == 0)
		d.nr = (int)random64();
	if (i % 89 == 0)
		d.arch = (uint32_t)random64();
	for (int n = 0; n < 6; n++)
		/* Few bits, so that tests for single ones hold now and then. */
		d.args[n] = random64() & random64() & random64() & random64();
	return d;
}

static bool is_errno(uint32_t action)
{
	return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
}

static void the_answer_is_what_the_policy_says(void **state)
{
	const struct policy *p;

	(void)state;
	for (size_t n = 0; (p = policy_builtin_at(n)); n++) {
		for (unsigned int i = 0; i < 200000; i++) {
			struct seccomp_data d = any_call(p, i);
			struct sim_result r = bpf_sim(p->code, p->count, &d);

			assert_null(r.fault);
			assert_int_equal(audit_bpf_answer(p->code, &d), r.action);
		}
	}
}

static void it_is_asked_exactly_where_the_policy_denies(void **state)
{
	struct sock_filter code[POLICY_MAX_INSNS];
	const struct policy *p;

	(void)state;
	for (size_t n = 0; (p = policy_builtin_at(n)); n++) {
		audit_bpf_asking(p, code);
		for (unsigned int i = 0; i < 200000; i++) {
			struct seccomp_data d = any_call(p, i);
			uint32_t plain = bpf_sim(p->code, p->count, &d).action;
			uint32_t want = is_errno(plain) ? SECCOMP_RET_USER_NOTIF : plain;

			assert_int_equal(bpf_sim(code, p->count, &d).action, want);
		}
	}
}

static void an_unknown_instruction_denies(void **state)
{
	const struct sock_filter code[] = {{BPF_ALU | BPF_XOR | BPF_X, 0, 0, 0}};
	const struct seccomp_data d = {0};

	(void)state;
	assert_int_equal(audit_bpf_answer(code, &d), SECCOMP_RET_ERRNO | EPERM);
}

static const struct policy_denial denials[] = {
	{16, EPERM, 7, 0}, {16, EACCES, 8, 0}, {16, EPERM, 9, 1}};
static const char *const files[] = {"a.inc", "b.inc"};
static const struct policy policy = {
	.name = "p", .denials = denials, .denial_count = 3, .files = files};

static const char *line_of(const struct policy *p, const char *program, struct seccomp_data d,
			   uint32_t err)
{
	static char buf[1024];
	struct audit_call call = {.pid = 4294967295U, .err = err, .data = &d};
	size_t len;

	strncpy(call.program, program, sizeof(call.program));
	len = audit_log_line(buf, sizeof(buf), p, &call);
	assert_int_equal(len, strlen(buf));
	return buf;
}

static void the_rules_that_may_have_decided_are_all_named(void **state)
{
	struct seccomp_data d = {.nr = 16, .arch = policy_builtin_at(0)->arch};
	const char *line;

	(void)state;
	line = line_of(&policy, "x", d, EPERM);
	assert_non_null(strstr(line, "-> EPERM (policy p: a.inc:7 or b.inc:9)"));
	assert_non_null(strstr(line_of(&policy, "x", d, EACCES), "(policy p: a.inc:8)"));
	assert_non_null(strstr(line_of(&policy, "x", d, ENOSYS), "(policy p: no rule names it)"));
	assert_non_null(strstr(line_of(&policy, "x", d, 4095), "-> errno 4095 (policy p: no rule"));
}

static void the_longest_line_is_whole(void **state)
{
	struct seccomp_data d = {.nr = -2147483647 - 1, .arch = policy_builtin_at(0)->arch};
	const char *line;

	(void)state;
	memset(d.args, 0xff, sizeof(d.args));
	line = line_of(&policy, "sixteen\n\x1b\x7f long", d, 4095);
	assert_non_null(strstr(line, "audit: sixteen??? long[4294967295]: call -2147483648(0xfff"));
	assert_int_equal(line[strlen(line) - 1], ')');
}

static void names_are_known_from_the_first_to_the_last(void **state)
{
	(void)state;
	assert_null(policy_call_name(100000));
	assert_null(policy_call_name(UINT32_MAX));
	assert_null(policy_errno_name(0));
	assert_string_equal(policy_errno_name(EPERM), "EPERM");
	assert_null(policy_errno_name(4095));
#ifdef __x86_64__
	assert_string_equal(policy_call_name(0), "read");
	assert_string_equal(policy_call_name(435), "clone3");
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_is_what_the_policy_says),
		cmocka_unit_test(it_is_asked_exactly_where_the_policy_denies),
		cmocka_unit_test(an_unknown_instruction_denies),
		cmocka_unit_test(the_rules_that_may_have_decided_are_all_named),
		cmocka_unit_test(the_longest_line_is_whole),
		cmocka_unit_test(names_are_known_from_the_first_to_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
