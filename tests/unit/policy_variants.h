/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped policies, compiled for both architectures and both userns variants. */
#ifndef STREMIO_TESTS_POLICY_VARIANTS_H
#define STREMIO_TESTS_POLICY_VARIANTS_H

#include "policy_common.h"
#include "policy_naive.h"

#define VARIANTS 12

static const char *const files[] = {"shim/policy/stremio.policy", "shim/policy/server.policy",
				    "shim/policy/init.policy"};

static struct variant {
	struct compiled c;
	struct naive naive;
	const char *file;
	uint32_t arch;
	bool aarch64;
	bool userns_allow;
} variant[VARIANTS];

static inline int compile_all(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < VARIANTS; i++) {
		struct variant *v = &variant[i];

		v->file = files[i / 4];
		v->aarch64 = i & 1;
		v->userns_allow = (i & 2) != 0;
		v->arch = v->aarch64 ? AUDIT_ARCH_AARCH64 : AUDIT_ARCH_X86_64;
		if (compile(&v->c, v->file, NULL, v->aarch64 ? ARCH_AARCH64 : ARCH_X86_64,
			    v->userns_allow)) {
			fprintf(stderr, "%s", v->c.said);
			return -1;
		}
		naive_load(&v->naive, v->file, v->aarch64, v->userns_allow);
	}
	return 0;
}

static inline int release_all(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < VARIANTS; i++)
		release(&variant[i].c);
	return 0;
}

static inline struct sim_result run(const struct variant *v, uint32_t arch, uint32_t nr,
				    const uint64_t args[6])
{
	struct seccomp_data d = {.nr = (int)nr, .arch = arch};
	struct sim_result r;
	int i;

	for (i = 0; i < 6; i++)
		d.args[i] = args[i];
	r = bpf_sim(v->c.code, v->c.count, &d);
	if (r.fault)
		fail_msg("%s: call %u: %s", v->file, nr, r.fault);
	return r;
}

#endif
