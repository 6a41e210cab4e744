/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy tests share: compiling a text, and random numbers that repeat. */
#ifndef STREMIO_TESTS_POLICY_COMMON_H
#define STREMIO_TESTS_POLICY_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf_sim.h"
#include "policy/codegen.h"

#define ALLOW SECCOMP_RET_ALLOW
#define ERRNO(e) (SECCOMP_RET_ERRNO | (uint32_t)(e))

#define HEAD "default errno ENOSYS\nallow execve exit_group\n"

struct compiled {
	struct ruleset rs;
	struct sock_filter code[POLICY_MAX_INSNS];
	uint16_t count;
	char *said; /* the compiler's messages */
	size_t said_size;
};

/* Compiles text (path NULL) or the file at path; returns what the reader returned. */
static inline int compile(struct compiled *c, const char *path, const char *text, enum arch_id arch,
			  bool userns_allow)
{
	struct target t = {arch, userns_allow};
	FILE *diag;
	int rc;

	memset(c, 0, sizeof(*c));
	diag = open_memstream(&c->said, &c->said_size);
	if (!diag)
		abort();
	rc = path ? ruleset_load(&c->rs, path, NULL, t, diag, diag)
		  : ruleset_parse(&c->rs, "t", text, strlen(text), t, diag, diag);
	if (rc == 0)
		rc = codegen(&c->rs, c->code, &c->count);
	fclose(diag);
	c->rs.diag = c->rs.notes = NULL;
	return rc;
}

static inline void release(struct compiled *c)
{
	ruleset_free(&c->rs);
	free(c->said);
}

/* What the compiled text answers to a call. */
static inline uint32_t answer(const char *text, uint32_t nr, uint64_t arg0, uint64_t arg1)
{
	struct seccomp_data d = {.nr = (int)nr, .arch = AUDIT_ARCH_X86_64, .args = {arg0, arg1}};
	struct compiled c;
	struct sim_result r;

	if (compile(&c, NULL, text, ARCH_X86_64, false) != 0)
		fail_msg("\"%s\" is refused: %s", text, c.said);
	r = bpf_sim(c.code, c.count, &d);
	assert_null(r.fault);
	release(&c);
	return r.action;
}

/* xorshift64*: the same numbers in every run, so that a failure can be had again. */
static inline uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

#endif
