// SPDX-License-Identifier: Apache-2.0
/* The argument tests of one call, in the order of its rules: the first that holds decides. */
#include <linux/seccomp.h>
#include <stdlib.h>

#include "codegen.h"

#define LD_WORD (BPF_LD | BPF_W | BPF_ABS)
#define AND_K (BPF_ALU | BPF_AND | BPF_K)
#define JEQ (BPF_JMP | BPF_JEQ | BPF_K)
#define JSET (BPF_JMP | BPF_JSET | BPF_K)

/* From this many values of one word on, a tree is shorter than a list. */
#define TREE_FROM 4

/* One 32-bit word of the arguments against a value: (word & mask) == value. */
struct word_test {
	uint32_t offset; /* in struct seccomp_data */
	uint32_t mask;
	uint32_t value;
};

/* Low words first: the high ones are nearly always 0. Returns how many, at most 12. */
static unsigned int word_tests(const struct match *m, struct word_test *t)
{
	unsigned int i, half, n = 0;

	for (half = 0; half < 2; half++) {
		for (i = 0; i < 6; i++) {
			uint32_t mask = (uint32_t)(m->mask[i] >> (32 * half));

			if (mask == 0)
				continue;
			/* Both architectures are little-endian: the low word comes first. */
			t[n].offset =
				(uint32_t)(offsetof(struct seccomp_data, args) + 8 * i + 4 * half);
			t[n].mask = mask;
			t[n].value = (uint32_t)(m->value[i] >> (32 * half));
			n++;
		}
	}
	return n;
}

/* Does the accumulator still hold the whole word after this test? */
static bool keeps_word(const struct word_test *t)
{
	return t->mask == UINT32_MAX || t->value == 0;
}

/* Rule i of the call; what does not fit goes to `no`. */
static struct dest emit_rule(struct program *p, const struct call *c, size_t i, struct dest no)
{
	struct word_test t[12], before[12];
	unsigned int n = word_tests(&c->rule[i].match, t), k;
	struct dest yes = to_action(c->rule[i].action);
	bool loaded = false;

	if (no.action && no.where == yes.where)
		return no;
	/* The only way here is then the failure of the rule before, which looked at
	 * this same word and nothing else. */
	if (i > 0 && word_tests(&c->rule[i - 1].match, before) == 1)
		loaded = before[0].offset == t[0].offset && keeps_word(&before[0]);
	for (k = n; k-- > 0;) {
		if (t[k].mask == UINT32_MAX) {
			yes = emit_jump(p, JEQ, t[k].value, yes, no);
		} else if (t[k].value == 0) {
			yes = emit_jump(p, JSET, t[k].mask, no, yes);
		} else {
			emit_jump(p, JEQ, t[k].value, yes, no);
			yes = emit(p, AND_K, t[k].mask);
		}
		if (k > 0 || !loaded)
			yes = emit(p, LD_WORD, t[k].offset);
	}
	return yes;
}

static int by_value(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* Every rule is about the same whole word: a tree over its values, 0 to UINT32_MAX. */
static struct dest emit_values(struct program *p, const struct call *c)
{
	struct range *value = calloc(c->count, sizeof(*value));
	struct range *r = calloc(2 * c->count, sizeof(*r));
	uint32_t rest = c->rule[c->count - 1].action, next = 0;
	struct word_test t[12] = {{0}};
	struct dest d;
	size_t i, n = 0, values = c->count - 1;

	if (value == NULL || r == NULL)
		abort();
	for (i = 0; i < values; i++) {
		word_tests(&c->rule[i].match, t);
		value[i] = (struct range){t[0].value, 1, c->rule[i].action, NULL};
	}
	qsort(value, values, sizeof(*value), by_value);
	for (i = 0; i < values; i++) {
		if (value[i].lo > next && (n == 0 || r[n - 1].action != rest))
			r[n++] = (struct range){next, 1, rest, NULL};
		if (n == 0 || r[n - 1].action != value[i].action)
			r[n++] = (struct range){value[i].lo, 0, value[i].action, NULL};
		r[n - 1].weight++;
		next = value[i].lo + 1;
	}
	/* next is 0 when the last value was UINT32_MAX: nothing is left. */
	if (next != 0 && r[n - 1].action != rest)
		r[n++] = (struct range){next, 1, rest, NULL};
	d = emit_tree(p, r, n);
	free(r);
	free(value);
	if (d.action)
		return d;
	emit_place(p, d);
	return emit(p, LD_WORD, t[0].offset);
}

struct dest emit_tests(struct program *p, const struct call *c)
{
	struct dest d = to_action(c->rule[c->count - 1].action);
	struct word_test t[12];
	uint32_t offset = 0;
	bool one_word = c->count > TREE_FROM;
	size_t i;

	for (i = 0; i + 1 < c->count && one_word; i++) {
		one_word = word_tests(&c->rule[i].match, t) == 1 && t[0].mask == UINT32_MAX &&
			   (i == 0 || t[0].offset == offset);
		offset = t[0].offset;
	}
	if (one_word)
		return emit_values(p, c);
	for (i = c->count - 1; i-- > 0;)
		d = emit_rule(p, c, i, d);
	return d;
}
