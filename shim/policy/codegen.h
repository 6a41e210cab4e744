/* SPDX-License-Identifier: Apache-2.0 */
/* From checked rules to classic BPF for seccomp(2). */
#ifndef STREMIO_POLICY_CODEGEN_H
#define STREMIO_POLICY_CODEGEN_H

#include "rules.h"

/*
 * Compiles rs (which must have been read without errors) to code, room for
 * POLICY_MAX_INSNS. Same rules, same bytes. Returns 0 or -E2BIG when the
 * program does not fit into the kernel's 4096 instructions.
 */
int codegen(const struct ruleset *rs, struct sock_filter *code, uint16_t *count);

/*
 * Fills everything in p but code and count: name, variant, flags, and the
 * canaries (struct policy says what they are).
 */
void codegen_describe(const struct ruleset *rs, struct policy *p);

/* The rest is between codegen.c, tree.c and tests.c. */

/*
 * A program grows from its end towards its start, so that each jump's targets, all of
 * them forward, have their places already.
 */
struct program {
	struct sock_filter code[POLICY_MAX_INSNS];
	unsigned int pos; /* code[pos..] is done */
	bool full;
};

/* Where control goes: to an action (any return of it will do) or a place. */
struct dest {
	bool action;
	uint32_t where; /* SECCOMP_RET_* or index in code */
};

/* A stretch of the tested number, up to the next one's lo, that goes one way. */
struct range {
	uint32_t lo;
	uint64_t weight;	 /* how often it is asked, relative to others */
	uint32_t action;	 /* when call is NULL */
	const struct call *call; /* has argument tests */
};

static inline struct dest to_action(uint32_t action)
{
	return (struct dest){true, action};
}

/* One instruction before the others; says where it is. */
struct dest emit(struct program *p, uint16_t op, uint32_t k);
/* A conditional jump; with the same destination for both, nothing. */
struct dest emit_jump(struct program *p, uint16_t op, uint32_t k, struct dest yes, struct dest no);
/* A place where d begins: for an action, its return instruction right here. */
struct dest emit_place(struct program *p, struct dest d);

/* The cheapest tree of compares over the accumulator; ranges sorted, the first from 0. */
struct dest emit_tree(struct program *p, const struct range *r, size_t count);

/* The argument tests of one call (tests.c). */
struct dest emit_tests(struct program *p, const struct call *c);

#endif
