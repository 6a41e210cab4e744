// SPDX-License-Identifier: Apache-2.0
/*
 * The tree of compares. At load the kernel walks the filter once for each call
 * number it knows, so the sum of all these walks is what is made small here: an optimal
 * alphabetic tree by dynamic programming, whose leaves may also be a few
 * single numbers picked by JEQ out of a uniform rest.
 */
#include <stdlib.h>

#include "codegen.h"

#define JEQ (BPF_JMP | BPF_JEQ | BPF_K)
#define JGE (BPF_JMP | BPF_JGE | BPF_K)

/* More picks in a row than this are never cheaper than a split. */
#define MAX_PICKS 3

/* How ranges i..j are told apart. */
struct plan {
	uint64_t cost;	 /* compares, by weight, in the best way */
	uint64_t weight; /* of all of them */
	uint16_t split;	 /* the left part's last range; or */
	uint8_t picks;	 /* this many ranges are picked, and */
	uint16_t pick[MAX_PICKS];
	uint16_t rest; /* one of the others, which all go the same way */
};

static bool same_way(const struct range *a, const struct range *b)
{
	return a->call == NULL && b->call == NULL && a->action == b->action;
}

static bool one_number(const struct range *r, size_t count, size_t i)
{
	return i + 1 < count && r[i + 1].lo - r[i].lo == 1;
}

/* Ranges i..j as single numbers out of a rest that goes the way of range `rest`. */
static void try_picks(const struct range *r, size_t count, size_t i, size_t j, size_t rest,
		      struct plan *best)
{
	struct plan p = {.weight = best->weight, .rest = (uint16_t)rest};
	uint64_t left = best->weight;
	size_t k, a, b;
	uint16_t swap;

	for (k = i; k <= j; k++) {
		if (k == rest || same_way(&r[k], &r[rest]))
			continue;
		if (p.picks == MAX_PICKS || !one_number(r, count, k))
			return;
		p.pick[p.picks++] = (uint16_t)k;
	}
	for (a = 0; a < p.picks; a++)
		for (b = a + 1; b < p.picks; b++)
			if (r[p.pick[b]].weight > r[p.pick[a]].weight) {
				swap = p.pick[a];
				p.pick[a] = p.pick[b];
				p.pick[b] = swap;
			}
	for (a = 0; a < p.picks; a++) {
		p.cost += left;
		left -= r[p.pick[a]].weight;
	}
	if (p.cost < best->cost)
		*best = p;
}

static struct dest range_dest(struct program *p, const struct range *r)
{
	return r->call != NULL ? emit_tests(p, r->call) : to_action(r->action);
}

static struct dest emit_plan(struct program *p, const struct range *r, const struct plan *plans,
			     size_t n, size_t i, size_t j)
{
	const struct plan *best = &plans[i * n + j];
	struct dest yes, no;
	unsigned int k;

	if (i == j)
		return range_dest(p, &r[i]);
	if (best->picks == 0) {
		yes = emit_plan(p, r, plans, n, best->split + 1u, j);
		no = emit_plan(p, r, plans, n, i, best->split);
		return emit_jump(p, JGE, r[best->split + 1].lo, yes, no);
	}
	no = range_dest(p, &r[best->rest]);
	for (k = best->picks; k-- > 0;) {
		yes = range_dest(p, &r[best->pick[k]]);
		no = emit_jump(p, JEQ, r[best->pick[k]].lo, yes, no);
	}
	return no;
}

struct dest emit_tree(struct program *p, const struct range *r, size_t n)
{
	struct plan *plans = calloc(n * n, sizeof(*plans)), *best, *left, *right;
	size_t len, i, j, k, from, to;
	struct dest d;

	if (plans == NULL)
		abort();
	for (i = 0; i < n; i++) {
		/* Never 0, so that the far ends are balanced too. */
		plans[i * n + i].weight = r[i].weight * 16 + 1;
		plans[i * n + i].split = (uint16_t)i;
	}
	for (len = 2; len <= n; len++) {
		for (i = 0; i + len <= n; i++) {
			j = i + len - 1;
			best = &plans[i * n + j];
			best->weight = plans[i * n + j - 1].weight + plans[j * n + j].weight;
			best->cost = UINT64_MAX;
			/* Knuth's bound: the best split lies between the neighbours'. */
			from = plans[i * n + j - 1].split;
			to = plans[(i + 1) * n + j].split;
			if (to >= j)
				to = j - 1;
			if (from < i)
				from = i;
			if (from > to)
				from = to;
			for (k = from; k <= to; k++) {
				left = &plans[i * n + k];
				right = &plans[(k + 1) * n + j];
				if (left->cost + right->cost + best->weight < best->cost) {
					best->cost = left->cost + right->cost + best->weight;
					best->split = (uint16_t)k;
				}
			}
			/* Picks keep the split they beat, for the bound above. */
			if (len <= 2 * MAX_PICKS + 1) {
				uint16_t split = best->split;

				for (k = i; k <= j && k <= i + MAX_PICKS; k++)
					try_picks(r, n, i, j, k, best);
				best->split = split;
			}
		}
	}
	d = emit_plan(p, r, plans, n, 0, n - 1);
	free(plans);
	return d;
}
