/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy language once more, by the shortest reading of its description: rules are
 * kept as they stand and tried one after the other. Shares nothing with the compiler.
 */
#ifndef STREMIO_TESTS_POLICY_NAIVE_H
#define STREMIO_TESTS_POLICY_NAIVE_H

#include <stdbool.h>
#include <stdint.h>

#define NAIVE_RULES 1200

struct naive_test {
	int arg;
	uint64_t mask;
	uint64_t value[16]; /* any of these */
	int values;
};

struct naive_rule {
	char name[40];
	uint32_t nr;
	uint32_t action;
	struct naive_test test[6];
	int tests;
};

struct naive {
	bool aarch64;
	bool userns_allow;
	bool supervisor;
	uint32_t fallback;
	struct naive_rule rule[NAIVE_RULES];
	int rules;
	struct {
		char name[40];
		char word[40];
	} member[NAIVE_RULES]; /* of groups, in the order they were said */
	int members;
};

/* Reads a policy known to be good; ends the program on anything it cannot make out. */
void naive_load(struct naive *n, const char *path, bool aarch64, bool userns_allow);
/* The same from text, for the given target. */
void naive_text(struct naive *n, const char *text, bool aarch64, bool userns_allow);

/* SECCOMP_RET_* of a call. arch: AUDIT_ARCH_*. */
uint32_t naive_answer(const struct naive *n, uint32_t arch, uint32_t nr, const uint64_t args[6]);

/* Is the call decided by its number alone? */
bool naive_is_plain(const struct naive *n, uint32_t nr);

#endif
