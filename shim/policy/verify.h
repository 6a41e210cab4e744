/* SPDX-License-Identifier: Apache-2.0 */
/* Runs compiled filters inside the compiler: to check its own work and to compare two. */
#ifndef STREMIO_POLICY_VERIFY_H
#define STREMIO_POLICY_VERIFY_H

#include <linux/seccomp.h>

#include "rules.h"

/* A compare of an argument word on the way through a filter. */
struct compare {
	uint8_t arg;
	uint8_t high; /* the word is the argument's upper half */
	uint32_t mask;
	uint16_t op; /* BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET */
	uint32_t k;
};

#define TRACE_MAX 256

/* The compares of one run; more than fit are not noted. */
struct trace {
	size_t count;
	struct compare at[TRACE_MAX];
};

/* What a filter that passed policy_code_check() answers. trace may be NULL. */
uint32_t filter_answer(const struct sock_filter *code, const struct seccomp_data *data,
		       struct trace *trace);

/*
 * Compares the compiled p with the rules it came from: each call number and the x32 and
 * other far ranges, with arguments at and one bit beside every tested value. Returns 0;
 * -EPROTO when an answer differs (said on rs->diag): a bug of the generator.
 */
int verify(const struct ruleset *rs, const struct policy *p);

/*
 * Writes where the answers of two filters of one architecture differ, one call a line with
 * an example. Arguments are tried on both sides of every compare either filter makes.
 * Returns how many calls differ.
 */
unsigned int compare_policies(FILE *out, const struct policy *a, const struct policy *b,
			      enum arch_id arch);

#endif
