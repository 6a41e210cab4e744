/* SPDX-License-Identifier: Apache-2.0 */
/* audit_bpf: a filter that asks instead of denying, and what the filter would have said. */
#ifndef SHIM_AUDIT_BPF_H
#define SHIM_AUDIT_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>

#include "policy/policy.h"

/**
 * audit_bpf_asking() - copy a policy's code so that it notifies where it would deny.
 * @p: the policy.
 * @code: out, room for POLICY_MAX_INSNS; as long as the policy's own.
 *
 * Each return of an errno becomes one of SECCOMP_RET_USER_NOTIF, nothing else changes: what
 * was allowed is allowed, what kills kills, and nothing that was denied gets past without
 * an answer. A filter stacked on it that denies by itself still wins, seccomp(2).
 */
void audit_bpf_asking(const struct policy *p, struct sock_filter *code);

/**
 * audit_bpf_answer() - run a policy on one call.
 * @code: the policy's own code, as policy_code_check() takes it: so it ends.
 * @data: the call, as the kernel gives it to a filter.
 * Return: a SECCOMP_RET_* value with its data. An instruction that such code cannot hold
 * gives errno EPERM.
 */
uint32_t audit_bpf_answer(const struct sock_filter *code, const struct seccomp_data *data);

/**
 * audit_bpf_by_arguments() - does the answer to a call depend on its arguments?
 * @code: as above. @arch: AUDIT_ARCH_*. @nr: the call's number.
 * @answer: out, what it is when it does not; else what arguments of all zeros get.
 * Return: 1 when the filter looks at an argument, else 0.
 */
int audit_bpf_by_arguments(const struct sock_filter *code, uint32_t arch, uint32_t nr,
			   uint32_t *answer);

#endif
