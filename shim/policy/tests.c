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

/* A rule on its way into code. */
struct step {
	struct word_test t[12];
	unsigned int n;
	uint32_t action;
	bool reached[12];	 /* something comes to test k, */
	bool unloaded[12];	 /* and not always with its word loaded */
	struct dest load[12];	 /* begins test k; those before it are known to hold */
	struct dest compare[12]; /* the same with the word loaded */
};

static bool same_test(const struct word_test *a, const struct word_test *b)
{
	return a->offset == b->offset && a->mask == b->mask && a->value == b->value;
}

/* After test k of a has failed and those before it have held: can b still hold? */
static bool possible(const struct step *a, unsigned int k, const struct step *b)
{
	const struct word_test *x, *y;
	unsigned int i, j;

	for (j = 0; j < b->n; j++) {
		y = &b->t[j];
		if (same_test(&a->t[k], y))
			return false;
		for (i = 0; i < k; i++) {
			x = &a->t[i];
			if (x->offset == y->offset &&
			    ((x->value ^ y->value) & x->mask & y->mask) != 0)
				return false;
		}
	}
	return true;
}

enum way { FINAL, START, LOAD, COMPARE };

/* Where to go on when test k of step i fails: the next step that can still hold, and in
 * it past what is known already. */
static enum way failure(const struct step *s, size_t count, size_t i, unsigned int k, size_t *next)
{
	const struct step *a = &s[i], *b;
	unsigned int shared = 0;
	size_t j = i + 1;

	while (j < count && !possible(a, k, &s[j]))
		j++;
	*next = j;
	if (j == count)
		return FINAL;
	b = &s[j];
	while (shared < k && shared < b->n && same_test(&a->t[shared], &b->t[shared]))
		shared++;
	if (shared < k || k >= b->n)
		return START;
	if (b->t[k].offset == a->t[k].offset && keeps_word(&a->t[k]))
		return COMPARE;
	return k > 0 ? LOAD : START;
}

static bool same_dest(struct dest a, struct dest b)
{
	return a.action == b.action && a.where == b.where;
}

static void emit_step(struct program *p, struct step *s, size_t count, size_t i, struct dest final)
{
	struct dest yes = to_action(s[i].action), no;
	const struct word_test *t;
	unsigned int k;
	size_t next;

	for (k = s[i].n; k-- > 0 && s[i].reached[k];) {
		t = &s[i].t[k];
		switch (failure(s, count, i, k, &next)) {
		case FINAL:
			no = final;
			break;
		case START:
			no = s[next].load[0];
			break;
		case LOAD:
			no = s[next].load[k];
			break;
		default:
			no = s[next].compare[k];
		}
		s[i].load[k] = s[i].compare[k] = yes;
		/* It does not matter how the test comes out. */
		if (!same_dest(yes, no)) {
			if (t->mask == UINT32_MAX) {
				yes = emit_jump(p, JEQ, t->value, yes, no);
			} else if (t->value == 0) {
				yes = emit_jump(p, JSET, t->mask, no, yes);
			} else {
				emit_jump(p, JEQ, t->value, yes, no);
				yes = emit(p, AND_K, t->mask);
			}
			s[i].compare[k] = yes;
			if (s[i].unloaded[k])
				yes = emit(p, LD_WORD, t->offset);
			s[i].load[k] = yes;
		}
	}
}

/* Marks what of the steps is reached at all; all ways lead forward. */
static void mark(struct step *s, size_t count)
{
	unsigned int k;
	size_t i, next;

	if (count > 0)
		s[0].reached[0] = s[0].unloaded[0] = true;
	for (i = 0; i < count; i++) {
		for (k = 0; k < s[i].n; k++) {
			if (!s[i].reached[k])
				continue;
			if (k + 1 < s[i].n)
				s[i].reached[k + 1] = s[i].unloaded[k + 1] = true;
			switch (failure(s, count, i, k, &next)) {
			case FINAL:
				break;
			case START:
				s[next].reached[0] = s[next].unloaded[0] = true;
				break;
			case LOAD:
				s[next].reached[k] = s[next].unloaded[k] = true;
				break;
			case COMPARE:
				s[next].reached[k] = true;
			}
		}
	}
}

/* Rule after rule, each failure leading on to the next rule that is still possible. */
static struct dest emit_rules(struct program *p, const struct call *c)
{
	struct dest final = to_action(c->rule[c->count - 1].action), d;
	struct step *s = calloc(c->count, sizeof(*s));
	size_t count = c->count - 1, i;

	if (s == NULL)
		abort();
	/* What says the same as the last rule needs no code. */
	while (count > 0 && c->rule[count - 1].action == final.where)
		count--;
	for (i = 0; i < count; i++) {
		s[i].n = word_tests(&c->rule[i].match, s[i].t);
		s[i].action = c->rule[i].action;
	}
	mark(s, count);
	for (i = count; i-- > 0 && !p->full;)
		emit_step(p, s, count, i, final);
	d = count > 0 ? s[0].load[0] : final;
	free(s);
	return d;
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
	struct word_test t[12];
	uint32_t offset = 0;
	bool one_word = c->count > TREE_FROM;
	size_t i;

	/* Each rule but the last costs an instruction at least. */
	if (c->count > POLICY_MAX_INSNS) {
		p->full = true;
		return to_action(c->rule[0].action);
	}
	for (i = 0; i + 1 < c->count && one_word; i++) {
		one_word = word_tests(&c->rule[i].match, t) == 1 && t[0].mask == UINT32_MAX &&
			   (i == 0 || t[0].offset == offset);
		offset = t[0].offset;
	}
	return one_word ? emit_values(p, c) : emit_rules(p, c);
}
