// SPDX-License-Identifier: Apache-2.0
#include "verify.h"

#include <errno.h>
#include <linux/audit.h>
#include <string.h>

/* Values far from any call, around the x32 bit and at the end. */
static const uint32_t far_numbers[] = {
	CALL_LIMIT,   0xffff,	  0x10000,     0x3fffffff,  X32_BIT,	 X32_BIT + 1,
	X32_BIT + 59, 0x7fffffff, 0x80000000u, 0xfffffffeu, 0xffffffffu,
};

static void note(struct trace *t, uint32_t offset, uint32_t mask, uint16_t op, uint32_t k)
{
	const uint32_t args = offsetof(struct seccomp_data, args);

	if (t == NULL || offset < args || t->count == TRACE_MAX)
		return;
	t->at[t->count++] = (struct compare){
		.arg = (uint8_t)((offset - args) / 8),
		.high = (offset - args) % 8 != 0,
		.mask = mask,
		.op = op,
		.k = k,
	};
}

uint32_t filter_answer(const struct sock_filter *code, const struct seccomp_data *data,
		       struct trace *trace)
{
	uint32_t acc = 0, offset = 0, mask = UINT32_MAX;
	const struct sock_filter *f = code;
	bool yes;

	for (;; f++) {
		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
			memcpy(&acc, (const char *)data + f->k, sizeof(acc));
			offset = f->k;
			mask = UINT32_MAX;
			break;
		case BPF_ALU:
			acc &= f->k;
			mask &= f->k;
			break;
		case BPF_JMP:
			if (BPF_OP(f->code) == BPF_JA) {
				f += f->k;
				break;
			}
			note(trace, offset, mask, BPF_OP(f->code), f->k);
			switch (BPF_OP(f->code)) {
			case BPF_JEQ:
				yes = acc == f->k;
				break;
			case BPF_JGT:
				yes = acc > f->k;
				break;
			case BPF_JGE:
				yes = acc >= f->k;
				break;
			default:
				yes = (acc & f->k) != 0;
			}
			f += yes ? f->jt : f->jf;
			break;
		default:
			return f->k;
		}
	}
}

static uint32_t rules_answer(const struct ruleset *rs, const struct call *c,
			     const struct seccomp_data *d)
{
	uint64_t args[6];
	size_t i;

	if (d->arch != arch_audit(rs->target.arch))
		return SECCOMP_RET_ERRNO | ENOSYS;
	if (rs->target.arch == ARCH_X86_64 && (uint32_t)d->nr >= X32_BIT)
		return SECCOMP_RET_ERRNO | ENOSYS;
	for (i = 0; i < 6; i++)
		args[i] = d->args[i];
	for (i = 0; c != NULL && i < c->count; i++)
		if (match_holds(&c->rule[i].match, args))
			return c->rule[i].action;
	return rs->fallback;
}

static int check_one(const struct ruleset *rs, const struct policy *p, const struct call *c,
		     const struct seccomp_data *d)
{
	uint32_t want = rules_answer(rs, c, d), got = filter_answer(p->code, d, NULL);

	if (want == got)
		return 0;
	if (rs->diag != NULL)
		fprintf(rs->diag,
			"stremio-policy: %s: the compiled filter answers call %d of architecture %x "
			"with %08x, the rules say %08x: this is a bug in stremio-policy\n",
			rs->file, d->nr, d->arch, got, want);
	return -EPROTO;
}

/* A rule's own values, with the bits it does not look at 0 and 1, then each bit flipped. */
static int check_rule(const struct ruleset *rs, const struct policy *p, const struct call *c,
		      const struct rule *r)
{
	struct seccomp_data d = {.nr = (int)c->nr, .arch = p->arch};
	int ones, i, bit, rc;

	for (ones = 0; ones < 2; ones++) {
		for (i = 0; i < 6; i++)
			d.args[i] = r->match.value[i] | (ones ? ~r->match.mask[i] : 0);
		rc = check_one(rs, p, c, &d);
		for (i = 0; i < 6 && rc == 0; i++) {
			for (bit = 0; bit < 64 && rc == 0; bit++) {
				d.args[i] ^= (uint64_t)1 << bit;
				rc = check_one(rs, p, c, &d);
				d.args[i] ^= (uint64_t)1 << bit;
			}
		}
		if (rc != 0)
			return rc;
	}
	return 0;
}

int verify(const struct ruleset *rs, const struct policy *p)
{
	struct seccomp_data d = {.arch = p->arch};
	struct call c = {0, NULL, 0};
	bool more;
	size_t at = 0, i;
	uint32_t nr;
	int rc = 0;

	more = ruleset_next_call(rs, &at, &c);
	for (nr = 0; nr < CALL_LIMIT && rc == 0; nr++) {
		d.nr = (int)nr;
		rc = check_one(rs, p, more && c.nr == nr ? &c : NULL, &d);
		for (i = 0; more && c.nr == nr && i < c.count && rc == 0; i++)
			rc = check_rule(rs, p, &c, &c.rule[i]);
		if (more && c.nr == nr)
			more = ruleset_next_call(rs, &at, &c);
	}
	for (i = 0; i < sizeof(far_numbers) / sizeof(far_numbers[0]) && rc == 0; i++) {
		d.nr = (int)far_numbers[i];
		rc = check_one(rs, p, NULL, &d);
	}
	/* The 32-bit entries of the same machine, none of which may get through. */
	for (nr = 0; nr < CALL_LIMIT && rc == 0; nr++) {
		d.nr = (int)nr;
		d.arch = rs->target.arch == ARCH_X86_64 ? AUDIT_ARCH_I386 : AUDIT_ARCH_ARM;
		rc = check_one(rs, p, NULL, &d);
	}
	return rc;
}
