// SPDX-License-Identifier: Apache-2.0
/*
 * Where two filters differ. For each call number the arguments are explored from all
 * zero: every compare that a filter makes on the way is answered both ways in turn.
 */
#include <string.h>

#include "verify.h"

/* Argument lists tried for one call; policies by hand need a few dozen. */
#define MAX_TRIES 2048

struct explorer {
	uint64_t args[MAX_TRIES][6];
	size_t count;
};

static void explore(struct explorer *e, const uint64_t args[6])
{
	size_t i;

	for (i = 0; i < e->count; i++)
		if (memcmp(e->args[i], args, sizeof(e->args[i])) == 0)
			return;
	if (e->count < MAX_TRIES)
		memcpy(e->args[e->count++], args, sizeof(e->args[0]));
}

static void explore_word(struct explorer *e, const uint64_t args[6], const struct compare *c,
			 uint32_t word)
{
	unsigned int shift = c->high ? 32 : 0;
	uint64_t other[6];

	memcpy(other, args, sizeof(other));
	other[c->arg] &= ~((uint64_t)UINT32_MAX << shift);
	other[c->arg] |= (uint64_t)word << shift;
	explore(e, other);
}

/* The same arguments with the compare going either way. */
static void explore_compare(struct explorer *e, const uint64_t args[6], const struct compare *c)
{
	uint32_t word = (uint32_t)(args[c->arg] >> (c->high ? 32 : 0));
	uint32_t low = c->mask & (~c->mask + 1);

	if (c->op == BPF_JSET) {
		explore_word(e, args, c, word & ~c->k);
		explore_word(e, args, c, word | (c->k & (~c->k + 1)));
		return;
	}
	explore_word(e, args, c, (word & ~c->mask) | (c->k & c->mask));
	explore_word(e, args, c, (word & ~c->mask) | ((c->k + low) & c->mask));
	explore_word(e, args, c, (word & ~c->mask) | ((c->k - low) & c->mask));
}

/* Whether the number is answered differently; how is left in *d. */
static bool differs(struct explorer *e, const struct policy *a, const struct policy *b,
		    struct seccomp_data *d, uint32_t *in_a, uint32_t *in_b)
{
	static const uint64_t zero[6];
	struct trace trace;
	size_t i, k;

	e->count = 0;
	explore(e, zero);
	for (i = 0; i < e->count; i++) {
		memcpy(d->args, e->args[i], sizeof(d->args));
		trace.count = 0;
		*in_a = filter_answer(a->code, d, &trace);
		*in_b = filter_answer(b->code, d, &trace);
		if (*in_a != *in_b)
			return true;
		for (k = 0; k < trace.count; k++)
			explore_compare(e, e->args[i], &trace.at[k]);
	}
	return false;
}

unsigned int compare_policies(FILE *out, const struct policy *a, const struct policy *b,
			      enum arch_id arch)
{
	static struct explorer e;
	struct seccomp_data d = {.arch = a->arch};
	unsigned int count = 0, i;
	uint32_t nr, in_a, in_b;
	char name[64], x[32], y[32];

	for (nr = 0; nr <= CALL_LIMIT + 1; nr++) {
		d.nr = (int)(nr == CALL_LIMIT ? X32_BIT - 1 : nr == CALL_LIMIT + 1 ? X32_BIT : nr);
		if (!differs(&e, a, b, &d, &in_a, &in_b))
			continue;
		count++;
		call_name(arch, (uint32_t)d.nr, name, sizeof(name));
		fprintf(out, "%-24s %4u  %-18s %-18s", name[0] != '\0' ? name : "(unnamed)",
			(unsigned int)d.nr, action_text(in_a, x, sizeof(x)),
			action_text(in_b, y, sizeof(y)));
		for (i = 0; i < 6; i++)
			if (d.args[i] != 0)
				fprintf(out, " arg%u=0x%llx", i, (unsigned long long)d.args[i]);
		fputc('\n', out);
	}
	return count;
}
