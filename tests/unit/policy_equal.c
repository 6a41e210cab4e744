// SPDX-License-Identifier: Apache-2.0
/*
 * The shipped policies' filters answer as their texts say: each call number of both
 * architectures, in a simulator, against a reading of the text that shares no code with the
 * compiler.
 */
#include "policy_common.h"

#include "policy/file.h"
#include "policy_kernel_numbers.h"
#include "policy_variants.h"

static void same(const struct variant *v, uint32_t arch, uint32_t nr, const uint64_t args[6])
{
	uint32_t want = naive_answer(&v->naive, arch, nr, args),
		 got = run(v, arch, nr, args).action;

	if (want != got)
		fail_msg("%s %s userns=%s: architecture %08x call %u (%llx %llx %llx): %08x, the "
			 "text says %08x",
			 v->file, v->aarch64 ? "aarch64" : "x86_64",
			 v->userns_allow ? "allow" : "deny", arch, nr, (unsigned long long)args[0],
			 (unsigned long long)args[1], (unsigned long long)args[2], got, want);
}

/* Arguments that come near what rules test: constants, their neighbours, high bits. */
static void draw_args(const struct naive *n, uint32_t nr, uint64_t *seed, uint64_t args[6])
{
	const struct naive_rule *r;
	const struct naive_test *t;
	int i, k;

	for (i = 0; i < 6; i++)
		args[i] = draw(seed) & (draw(seed) & 1 ? UINT64_MAX : draw(seed) % 64);
	if (!n->rules || (draw(seed) & 3) == 0)
		return;
	/* Fit one of the call's rules, then perhaps miss by a bit. */
	for (k = 0; k < 40; k++) {
		r = &n->rule[draw(seed) % (uint64_t)n->rules];
		if (r->nr == nr && r->tests)
			break;
	}
	for (i = 0; r->nr == nr && i < r->tests; i++) {
		t = &r->test[i];
		args[t->arg] =
			(args[t->arg] & ~t->mask) | t->value[draw(seed) % (uint64_t)t->values];
		if ((draw(seed) & 1) == 0)
			args[t->arg] &= UINT32_MAX;
		if ((draw(seed) & 3) == 0)
			args[t->arg] ^= 1ull << (draw(seed) & 63);
		if ((draw(seed) & 7) == 0)
			args[t->arg] += (draw(seed) % 5) - 2;
	}
}

static void every_call_number_is_answered_as_the_text_says(void **state)
{
	static const uint64_t zero[6], ones[6] = {~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull};
	uint64_t seed = 1, args[6];
	uint32_t nr;
	int i, k;

	(void)state;
	for (i = 0; i < VARIANTS; i++) {
		for (nr = 0; nr < 1024; nr++) {
			same(&variant[i], variant[i].arch, nr, zero);
			same(&variant[i], variant[i].arch, nr, ones);
			for (k = 0; k < 50; k++) {
				draw_args(&variant[i].naive, nr, &seed, args);
				same(&variant[i], variant[i].arch, nr, args);
			}
		}
	}
}

static void far_call_numbers_do_not_exist(void **state)
{
	static const uint64_t zero[6];
	uint64_t seed = 2;
	uint32_t nr;
	int i, k;

	(void)state;
	for (i = 0; i < VARIANTS; i++) {
		const struct variant *v = &variant[i];

		for (nr = 0; nr < 1024; nr++) {
			same(v, v->arch, nr | 0x40000000, zero);
			assert_int_equal(run(v, v->arch, nr | 0x40000000, zero).action,
					 ERRNO(ENOSYS));
			same(v, v->arch, nr | 0x80000000, zero);
			same(v, v->arch, UINT32_MAX - nr, zero);
			same(v, v->arch, 0x3fffffff - nr, zero);
		}
		for (k = 0; k < 100000; k++) {
			nr = (uint32_t)draw(&seed) >> (draw(&seed) % 22);
			same(v, v->arch, nr, zero);
		}
	}
}

static void other_architectures_get_enosys_and_are_not_killed(void **state)
{
	static const uint32_t arches[] = {AUDIT_ARCH_I386,
					  AUDIT_ARCH_ARM,
					  AUDIT_ARCH_X86_64,
					  AUDIT_ARCH_AARCH64,
					  AUDIT_ARCH_RISCV64,
					  AUDIT_ARCH_ARMEB,
					  0,
					  UINT32_MAX};
	static const uint64_t zero[6];
	uint32_t nr;
	size_t k;
	int i;

	(void)state;
	for (i = 0; i < VARIANTS; i++)
		for (k = 0; k < sizeof(arches) / sizeof(arches[0]); k++)
			for (nr = 0; nr < 1024 && arches[k] != variant[i].arch; nr++)
				assert_int_equal(run(&variant[i], arches[k], nr, zero).action,
						 ERRNO(ENOSYS));
}

/* A million argument lists for the tested calls of each policy, spread over the variants. */
static void argument_tests_hold_over_the_whole_range(void **state)
{
	uint32_t tested[64] = {0};
	uint64_t seed = 3, args[6];
	int i, k, n;

	(void)state;
	for (i = 0; i < VARIANTS; i++) {
		const struct variant *v = &variant[i];

		n = 0;
		for (k = 0; k < v->naive.rules && n < 64; k++)
			if (v->naive.rule[k].tests)
				tested[n++] = v->naive.rule[k].nr;
		assert_true(n > 0);
		for (k = 0; k < 250000; k++) {
			uint32_t nr = tested[draw(&seed) % (uint64_t)n];

			draw_args(&v->naive, nr, &seed, args);
			same(v, v->arch, nr, args);
		}
	}
}

/* Each of the 2^32 values of a masked test in 4096 strides, with all high halves set or not. */
static void clone_flags_are_judged_by_their_low_half_alone(void **state)
{
	const uint64_t namespaces = 0x7e020000;
	uint64_t args[6] = {0}, low, high;
	uint32_t got;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		const struct variant *v = &variant[i];
		uint32_t nr = v->aarch64 ? 220 : 56;

		for (low = 0; low <= UINT32_MAX; low += 4093) {
			for (high = 0; high < 2; high++) {
				args[0] = low | (high ? 0xffffffff00000000 : 0);
				got = run(v, v->arch, nr, args).action;
				if (v->userns_allow)
					assert_int_equal(got, ALLOW);
				else
					assert_int_equal(got,
							 low & namespaces ? ERRNO(EPERM) : ALLOW);
			}
		}
	}
}

/* What the kernel puts in its table of calls that never run the filter: allowed by the
 * number alone. A look at the arguments on the way would keep them out of it. */
static void plain_calls_are_decided_without_their_arguments(void **state)
{
	static const uint64_t zero[6];
	unsigned int longest = 0;
	uint32_t nr;
	int i;

	(void)state;
	for (i = 0; i < VARIANTS; i++) {
		for (nr = 0; nr < 1024; nr++) {
			struct sim_result r = run(&variant[i], variant[i].arch, nr, zero);

			if (!naive_is_plain(&variant[i].naive, nr))
				continue;
			assert_false(r.saw_args);
			if (r.steps > longest)
				longest = r.steps;
		}
	}
	/* Four around a tree of a hundred ranges. */
	assert_true(longest <= 20);
}

static void the_reader_takes_what_the_compiler_makes(void **state)
{
	const char *why = NULL;
	int i;

	(void)state;
	for (i = 0; i < VARIANTS; i++)
		assert_int_equal(policy_code_check(variant[i].c.code, variant[i].c.count,
						   variant[i].arch, &why),
				 0);
}

/* libseccomp's numbers, and those written in the policies, are the kernel's. */
static void call_numbers_are_those_of_the_kernel_headers(void **state)
{
	int i, k, known = 0;
	size_t n;

	(void)state;
	for (i = 0; i < VARIANTS; i++) {
		for (k = 0; k < variant[i].naive.rules; k++) {
			const struct naive_rule *r = &variant[i].naive.rule[k];
			size_t len = strcspn(r->name, "=?");

			for (n = 0; kernel_numbers[n].name; n++) {
				if (kernel_numbers[n].aarch64 != variant[i].aarch64 ||
				    strlen(kernel_numbers[n].name) != len ||
				    strncmp(kernel_numbers[n].name, r->name, len) != 0)
					continue;
				assert_int_equal(kernel_numbers[n].nr, r->nr);
				known++;
			}
		}
	}
	assert_true(known > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_number_is_answered_as_the_text_says),
		cmocka_unit_test(far_call_numbers_do_not_exist),
		cmocka_unit_test(other_architectures_get_enosys_and_are_not_killed),
		cmocka_unit_test(argument_tests_hold_over_the_whole_range),
		cmocka_unit_test(clone_flags_are_judged_by_their_low_half_alone),
		cmocka_unit_test(plain_calls_are_decided_without_their_arguments),
		cmocka_unit_test(the_reader_takes_what_the_compiler_makes),
		cmocka_unit_test(call_numbers_are_those_of_the_kernel_headers),
	};

	return cmocka_run_group_tests(tests, compile_all, release_all);
}
