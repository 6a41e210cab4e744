// SPDX-License-Identifier: Apache-2.0
/* What compiled rules mean: their order, their tests, long programs, foreign entries. */
#include "policy_common.h"

#include "policy/verify.h"
#include "policy_naive.h"

static void the_first_rule_that_holds_decides(void **state)
{
	const char *text = HEAD "allow ioctl if arg0 == 3 && arg1 low32 == 0x5401\n"
				"errno EPERM ioctl if arg1 & 0xff00 == 0x5400\n"
				"kill ioctl if arg0 low32 in 7 8\n"
				"allow ioctl\n";

	(void)state;
	assert_int_equal(answer(text, 16, 3, 0x5401), ALLOW);
	assert_int_equal(answer(text, 16, 3, 0xffffffff00005401), ALLOW);
	assert_int_equal(answer(text, 16, 0x100000003, 0x5401), ERRNO(EPERM));
	assert_int_equal(answer(text, 16, 4, 0x5401), ERRNO(EPERM));
	assert_int_equal(answer(text, 16, 7, 0x12345499), ERRNO(EPERM));
	assert_int_equal(answer(text, 16, 7, 1), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(answer(text, 16, 0xf00000008, 1), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(answer(text, 16, 9, 1), ALLOW);
}

/* A masked compare destroys the word it looked at, and a rule that says what the last one says
 * anyway needs no code: neither may take the next rule along. */
static void rules_leave_each_other_alone(void **state)
{
	const char *masks = HEAD "allow ioctl if arg1 & 0xff00 == 0x5400\n"
				 "kill ioctl if arg1 low32 == 0x1234\n"
				 "errno EIO ioctl if arg1 & 0xf == 0\n"
				 "allow ioctl if arg1 low32 == 0x77\n"
				 "errno EPERM ioctl\n",
		   *tail = HEAD "allow ioctl if arg1 low32 == 1\n"
				"errno EPERM ioctl if arg2 low32 == 2 && arg3 & 3 == 1\n"
				"errno EPERM ioctl if arg1 & 0xff == 3\n"
				"errno EPERM ioctl\n"
				"allow read if arg0 & 3 == 1\nallow read\n";

	(void)state;
	assert_int_equal(answer(masks, 16, 0, 0x5499), ALLOW);
	assert_int_equal(answer(masks, 16, 0, 0x1234), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(answer(masks, 16, 0, 0x34), ERRNO(EPERM));
	assert_int_equal(answer(masks, 16, 0, 0x1200), ERRNO(EIO));
	assert_int_equal(answer(masks, 16, 0, 0x77), ALLOW);
	assert_int_equal(answer(tail, 16, 0, 1), ALLOW);
	assert_int_equal(answer(tail, 16, 0, 3), ERRNO(EPERM));
	assert_int_equal(answer(tail, 16, 0, 0), ERRNO(EPERM));
	assert_int_equal(answer(tail, 0, 1, 0), ALLOW);
	assert_int_equal(answer(tail, 0, 2, 0), ALLOW);
	assert_int_equal(answer(tail, 1, 2, 0), ERRNO(ENOSYS));
}

/* A failed test leads to the next rule that can hold, behind what is known by then. */
static void a_failed_test_goes_on_where_it_must(void **state)
{
	const char *prefix = HEAD "allow ioctl if arg0 & 1 == 1 && arg1 low32 == 5\n"
				  "errno EIO ioctl if arg0 & 2 == 2 && arg1 low32 == 6\n"
				  "errno EPERM ioctl\n",
		   *masked = HEAD "allow ioctl if arg0 low32 == 1 && arg1 & 0xf0 == 0x10\n"
				  "errno EIO ioctl if arg0 low32 == 1 && arg1 low32 == 0x25\n"
				  "kill ioctl if arg0 low32 == 2 && arg1 low32 == 0x25\n"
				  "errno EPERM ioctl\n";

	(void)state;
	assert_int_equal(answer(prefix, 16, 1, 5), ALLOW);
	assert_int_equal(answer(prefix, 16, 3, 5), ALLOW);
	assert_int_equal(answer(prefix, 16, 1, 6), ERRNO(EPERM));
	assert_int_equal(answer(prefix, 16, 2, 6), ERRNO(EIO));
	assert_int_equal(answer(prefix, 16, 3, 6), ERRNO(EIO));
	assert_int_equal(answer(prefix, 16, 2, 5), ERRNO(EPERM));
	assert_int_equal(answer(masked, 16, 1, 0x15), ALLOW);
	assert_int_equal(answer(masked, 16, 1, 0x25), ERRNO(EIO));
	assert_int_equal(answer(masked, 16, 1, 0x05), ERRNO(EPERM));
	assert_int_equal(answer(masked, 16, 2, 0x25), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(answer(masked, 16, 2, 0x15), ERRNO(EPERM));
	assert_int_equal(answer(masked, 16, 3, 0x25), ERRNO(EPERM));
}

static void foreign_entries_get_enosys_whatever_the_default(void **state)
{
	const char *text = "default allow\nerrno EPERM ptrace\n";
	struct seccomp_data d = {.nr = 39, .arch = AUDIT_ARCH_I386};
	struct compiled c;

	(void)state;
	assert_int_equal(answer(text, 39, 0, 0), ALLOW);
	assert_int_equal(answer(text, 0x3fffffff, 0, 0), ALLOW);
	assert_int_equal(answer(text, 0x40000000, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(answer(text, 0x40000000 | 39, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(answer(text, 0xffffffff, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(compile(&c, NULL, text, ARCH_X86_64, false), 0);
	assert_int_equal(bpf_sim(c.code, c.count, &d).action, ERRNO(ENOSYS));
	release(&c);
	assert_int_equal(compile(&c, NULL, text, ARCH_AARCH64, false), 0);
	d.arch = AUDIT_ARCH_ARM;
	assert_int_equal(bpf_sim(c.code, c.count, &d).action, ERRNO(ENOSYS));
	release(&c);
}

static void values_can_be_any_of_32_bits(void **state)
{
	const char *text = HEAD "allow ioctl if arg1 low32 in 0 1 2 3 5 0x7fffffff 0xfffffffe "
				"0xffffffff\nerrno EPERM ioctl\n";
	static const uint64_t in[] = {0, 1, 2, 3, 5, 0x7fffffff, 0xfffffffe, 0xffffffff},
			      out[] = {4, 6, 0x7ffffffe, 0x80000000, 0xfffffffd};
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		assert_int_equal(answer(text, 16, 0, in[i]), ALLOW);
		assert_int_equal(answer(text, 16, 0, in[i] | 0xabcd00000000), ALLOW);
	}
	for (i = 0; i < 5; i++) {
		assert_int_equal(answer(text, 16, 0, out[i]), ERRNO(EPERM));
		assert_int_equal(answer(text, 16, 0, out[i] | 0xabcd00000000), ERRNO(EPERM));
	}
}

/* Every second call tested against many values: trees of trees, and jumps beyond 255. */
static char *long_policy(unsigned int calls, unsigned int values)
{
	size_t size = 200 + (size_t)calls * (400 + (size_t)values * 30), used;
	char *text = malloc(size), name[64];
	unsigned int nr, k, done = 0;

	if (!text)
		abort();
	used = (size_t)snprintf(text, size, HEAD);
	for (nr = 0; nr < 330 && done < calls; nr += 2) {
		call_name(ARCH_X86_64, nr, name, sizeof(name));
		if (!name[0] || !strcmp(name, "exit_group") || !strcmp(name, "execve"))
			continue;
		done++;
		for (k = 0; k < values; k++)
			used += (size_t)snprintf(
				text + used, size - used, "%s %s if arg%u & 0xffff == %u\n",
				k % 2 ? "allow" : "errno EPERM", name, k % 6, nr * 7 + k);
		used += (size_t)snprintf(text + used, size - used, "errno EIO %s\n", name);
	}
	return text;
}

static void long_programs_keep_their_meaning(void **state)
{
	static struct naive naive;
	char *text = long_policy(90, 8);
	struct seccomp_data d = {.arch = AUDIT_ARCH_X86_64};
	uint64_t seed = 5, args[6];
	struct compiled c;
	struct sim_result r;
	uint32_t nr;
	int i, k;

	(void)state;
	if (compile(&c, NULL, text, ARCH_X86_64, false) != 0)
		fail_msg("%s", c.said);
	assert_true(c.count > 2000);
	naive_text(&naive, text, false, false);
	for (nr = 0; nr < 400; nr++) {
		for (k = 0; k < 500; k++) {
			d.nr = (int)nr;
			for (i = 0; i < 6; i++)
				d.args[i] = args[i] = (draw(&seed) & 1 ? 0 : draw(&seed) << 16) +
						      (nr * 7 + draw(&seed) % 10) % 65536;
			r = bpf_sim(c.code, c.count, &d);
			assert_null(r.fault);
			assert_int_equal(r.action, naive_answer(&naive, d.arch, nr, args));
		}
	}
	release(&c);
	free(text);
}

static void a_program_beyond_the_kernels_limit_is_refused(void **state)
{
	char *text = long_policy(120, 14);
	struct compiled c;

	(void)state;
	assert_int_equal(compile(&c, NULL, text, ARCH_X86_64, false), -E2BIG);
	release(&c);
	free(text);
}

static void the_same_text_gives_the_same_bytes(void **state)
{
	struct compiled a, b;

	(void)state;
	assert_int_equal(compile(&a, "shim/policy/stremio.policy", NULL, ARCH_X86_64, false), 0);
	assert_int_equal(compile(&b, "shim/policy/stremio.policy", NULL, ARCH_X86_64, false), 0);
	assert_int_equal(a.count, b.count);
	assert_memory_equal(a.code, b.code, a.count * sizeof(a.code[0]));
	release(&a);
	release(&b);
}

/* The compiler runs what it made against the rules; here what it made is damaged. */
static void the_self_check_sees_a_wrong_filter(void **state)
{
	struct compiled c;
	struct policy p;
	struct sock_filter kept;
	unsigned int i, wrong = 0, seen = 0;

	(void)state;
	assert_int_equal(compile(&c, "shim/policy/stremio.policy", NULL, ARCH_X86_64, false), 0);
	codegen_describe(&c.rs, &p);
	p.code = c.code;
	p.count = c.count;
	assert_int_equal(verify(&c.rs, &p), 0);
	for (i = 0; i < c.count; i++) {
		kept = c.code[i];
		if ((kept.code & 7) == BPF_RET)
			c.code[i].k = kept.k == ALLOW ? ERRNO(EPERM) : ALLOW;
		else if ((kept.code & 7) == BPF_JMP && kept.jt != kept.jf)
			c.code[i].k ^= kept.k == 0 ? 1 : kept.k & (~kept.k + 1);
		else
			continue;
		wrong++;
		seen += verify(&c.rs, &p) == -EPROTO;
		c.code[i] = kept;
	}
	assert_true(wrong > 100);
	assert_int_equal(seen, wrong);
	release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_holds_decides),
		cmocka_unit_test(rules_leave_each_other_alone),
		cmocka_unit_test(a_failed_test_goes_on_where_it_must),
		cmocka_unit_test(foreign_entries_get_enosys_whatever_the_default),
		cmocka_unit_test(values_can_be_any_of_32_bits),
		cmocka_unit_test(long_programs_keep_their_meaning),
		cmocka_unit_test(a_program_beyond_the_kernels_limit_is_refused),
		cmocka_unit_test(the_same_text_gives_the_same_bytes),
		cmocka_unit_test(the_self_check_sees_a_wrong_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
