/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_bpf.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool denies(const struct sock_filter *insn)
{
	return insn->code == (BPF_RET | BPF_K) &&
	       (insn->k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
}

void audit_bpf_asking(const struct policy *p, struct sock_filter *code)
{
	for (size_t i = 0; i < p->count; i++) {
		code[i] = p->code[i];
		if (denies(&code[i]))
			code[i].k = SECCOMP_RET_USER_NOTIF;
	}
}

static uint32_t word(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t value = 0;

	if (offset <= sizeof(*data) - sizeof(value))
		memcpy(&value, (const char *)data + offset, sizeof(value));
	return value;
}

/* @furthest: out, the highest offset that was looked at. */
static uint32_t run(const struct sock_filter *code, const struct seccomp_data *data,
		    uint32_t *furthest)
{
	uint32_t a = 0;

	*furthest = 0;
	for (const struct sock_filter *at = code;; at++) {
		switch (at->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = word(data, at->k);
			if (at->k > *furthest)
				*furthest = at->k;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= at->k;
			break;
		case BPF_JMP | BPF_JA:
			at += at->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == at->k ? at->jt : at->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			at += a > at->k ? at->jt : at->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += a >= at->k ? at->jt : at->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			at += a & at->k ? at->jt : at->jf;
			break;
		case BPF_RET | BPF_K:
			return at->k;
		default:
			return SECCOMP_RET_ERRNO | EPERM;
		}
	}
}

uint32_t audit_bpf_answer(const struct sock_filter *code, const struct seccomp_data *data)
{
	uint32_t furthest;

	return run(code, data, &furthest);
}

int audit_bpf_by_arguments(const struct sock_filter *code, uint32_t arch, uint32_t nr,
			   uint32_t *answer)
{
	struct seccomp_data data = {.nr = (int)nr, .arch = arch};
	uint32_t furthest;

	*answer = run(code, &data, &furthest);
	return furthest >= offsetof(struct seccomp_data, args);
}
