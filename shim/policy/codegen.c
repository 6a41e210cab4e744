// SPDX-License-Identifier: Apache-2.0
/* The program around the tree, and the instructions themselves. */
#include "codegen.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#define LD_WORD (BPF_LD | BPF_W | BPF_ABS)
#define JEQ (BPF_JMP | BPF_JEQ | BPF_K)
#define RET (BPF_RET | BPF_K)

/* The kernel's table ends near here (470 in 6.18); it emulates the filter once
 * for each of these numbers at load. Numbers above cost nothing there. */
#define TABLE_END 470u
/* A call with argument tests runs the filter each time, the others only at load. */
#define TESTED_WEIGHT 16u

struct dest emit(struct program *p, uint16_t op, uint32_t k)
{
	if (p->pos == 0) {
		p->full = true;
		return (struct dest){false, 0};
	}
	p->code[--p->pos] = (struct sock_filter){op, 0, 0, k};
	return (struct dest){false, p->pos};
}

struct dest emit_place(struct program *p, struct dest d)
{
	if (d.action)
		return emit(p, RET, d.where);
	if (d.where == p->pos)
		return d;
	return emit(p, BPF_JMP | BPF_JA, d.where - p->pos);
}

/* Conditional jumps reach 255 instructions; two are kept for what the other
 * destination may put in between. */
#define REACH 253u

/* A place that the next instruction but at most one can jump to. */
static struct dest within_reach(struct program *p, struct dest d)
{
	unsigned int i;

	if (!d.action)
		return d.where - p->pos <= REACH ? d : emit_place(p, d);
	for (i = p->pos; i < POLICY_MAX_INSNS && i - p->pos <= REACH; i++)
		if (p->code[i].code == RET && p->code[i].k == d.where)
			return (struct dest){false, i};
	return emit(p, RET, d.where);
}

static bool same(struct dest a, struct dest b)
{
	return a.action == b.action && a.where == b.where;
}

struct dest emit_jump(struct program *p, uint16_t op, uint32_t k, struct dest yes, struct dest no)
{
	struct dest at;

	if (same(yes, no))
		return yes;
	yes = within_reach(p, yes);
	no = within_reach(p, no);
	at = emit(p, op, k);
	if (!p->full) {
		p->code[at.where].jt = (uint8_t)(yes.where - at.where - 1);
		p->code[at.where].jf = (uint8_t)(no.where - at.where - 1);
	}
	return at;
}

/* Numbers lo..hi-1 go this way; they join what stands before them when it is the same. */
static void add_range(struct range *r, size_t *n, uint32_t lo, uint32_t hi, uint32_t action,
		      const struct call *call)
{
	uint32_t end = hi < TABLE_END ? hi : TABLE_END;
	uint64_t weight = lo < end ? end - lo : 0;

	if (call != NULL)
		weight += TESTED_WEIGHT;
	if (*n > 0 && call == NULL && r[*n - 1].call == NULL && r[*n - 1].action == action) {
		r[*n - 1].weight += weight;
		return;
	}
	r[(*n)++] = (struct range){lo, weight, action, call};
}

/* The whole number space as ranges: at most two for each call and two more. */
static size_t all_ranges(const struct ruleset *rs, struct range *r, struct call *calls)
{
	uint32_t next = 0;
	size_t at = 0, n = 0;

	for (; ruleset_next_call(rs, &at, calls); calls++) {
		if (calls->nr > next)
			add_range(r, &n, next, calls->nr, rs->fallback, NULL);
		add_range(r, &n, calls->nr, calls->nr + 1, calls->rule[0].action,
			  calls->rule[0].tested ? calls : NULL);
		next = calls->nr + 1;
	}
	add_range(r, &n, next, X32_BIT, rs->fallback, NULL);
	/* The x32 entry has its own meaning for the same numbers: not there, for us. */
	add_range(r, &n, X32_BIT, UINT32_MAX,
		  rs->target.arch == ARCH_X86_64 ? SECCOMP_RET_ERRNO | ENOSYS : rs->fallback, NULL);
	return n;
}

int codegen(const struct ruleset *rs, struct sock_filter *code, uint16_t *count)
{
	struct program *p = calloc(1, sizeof(*p));
	struct range *r = calloc(2 * rs->count + 2, sizeof(*r));
	struct call *calls = calloc(rs->count + 1, sizeof(*calls));
	struct dest native;
	int rc = -E2BIG;

	if (p == NULL || r == NULL || calls == NULL)
		abort();
	p->pos = POLICY_MAX_INSNS;
	emit_place(p, emit_tree(p, r, all_ranges(rs, r, calls)));
	native = emit(p, LD_WORD, offsetof(struct seccomp_data, nr));
	/* Another architecture's calls (int 0x80, AArch32) do not exist. Not killed: a
	 * program that probes for them must be able to go on. */
	emit_jump(p, JEQ, arch_audit(rs->target.arch), native,
		  to_action(SECCOMP_RET_ERRNO | ENOSYS));
	emit(p, LD_WORD, offsetof(struct seccomp_data, arch));
	if (!p->full) {
		*count = (uint16_t)(POLICY_MAX_INSNS - p->pos);
		memcpy(code, &p->code[p->pos], *count * sizeof(*code));
		rc = 0;
	}
	free(calls);
	free(r);
	free(p);
	return rc;
}

/*
 * Calls that do nothing but fail when all arguments are ~0: a bad descriptor, address,
 * size or command. The error without a filter is in the comment; calls that an
 * unprivileged process may get EPERM for anyway, or ENOSYS on a small kernel, come last.
 */
static const char *const canaries[] = {
	"clone3",	     /* E2BIG */
	"setns",	     /* EBADF */
	"vmsplice",	     /* EBADF */
	"mknodat",	     /* EFAULT or EBADF */
	"fchownat",	     /* EINVAL */
	"process_vm_readv",  /* EINVAL */
	"add_key",	     /* EFAULT */
	"mq_unlink",	     /* EFAULT */
	"msgctl",	     /* EINVAL */
	"set_mempolicy",     /* EINVAL */
	"pidfd_getfd",	     /* EINVAL */
	"io_uring_register", /* EINVAL or EBADF */
};

static uint32_t canary(const struct ruleset *rs, int err)
{
	uint32_t want = SECCOMP_RET_ERRNO | (uint32_t)err, got, nr;
	struct call c;
	size_t i, at;

	for (i = 0; i < sizeof(canaries) / sizeof(canaries[0]); i++) {
		if (call_number(rs->target.arch, canaries[i], &nr) != CALL_FOUND)
			continue;
		got = rs->fallback;
		for (at = 0; ruleset_next_call(rs, &at, &c);)
			if (c.nr == nr)
				got = c.rule[0].tested ? SECCOMP_RET_ALLOW : c.rule[0].action;
		if (got == want)
			return nr;
	}
	return POLICY_NO_CANARY;
}

void codegen_describe(const struct ruleset *rs, struct policy *p)
{
	p->name = rs->name;
	p->userns = rs->target.userns_allow ? "allow" : "deny";
	p->arch = arch_audit(rs->target.arch);
	p->flags = (uint16_t)((rs->target.userns_allow ? POLICY_USERNS_ALLOW : 0) |
			      (rs->supervisor ? POLICY_SUPERVISOR : 0));
	p->canary_enosys = canary(rs, ENOSYS);
	p->canary_eperm = canary(rs, EPERM);
}
