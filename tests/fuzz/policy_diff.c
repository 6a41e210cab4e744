// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer: random policies, compiled and simulated, against the naive reading of the
 * same text. The input chooses rules, then arguments to try.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "bpf_sim.h"
#include "policy/codegen.h"
#include "policy/verify.h"
#include "policy_naive.h"

#define MAX_CALLS 30
#define MAX_RULES 60

static const char *const actions[] = {"allow", "errno EPERM", "errno ENOSYS", "kill",
				      "errno EINVAL"};

/* Little of the space, so that values meet. */
static const uint64_t values[] = {0,
				  1,
				  2,
				  3,
				  0x5412,
				  0x7e020000,
				  0x7fffffff,
				  0x80000000,
				  0xfffffffe,
				  0xffffffff,
				  0x100000000,
				  0x100000001,
				  0xffffffff00000000,
				  UINT64_MAX};

struct input {
	const uint8_t *data;
	size_t left;
};

static unsigned int byte(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->data++;
}

static uint64_t value(struct input *in)
{
	unsigned int b = byte(in);
	uint64_t v = 0;
	int i;

	if (b < 200)
		return values[b % (sizeof(values) / sizeof(values[0]))] + b / 64;
	for (i = 0; i < 8; i++)
		v = v << 8 | byte(in);
	return v;
}

static const char *action(struct input *in)
{
	return actions[byte(in) % 5];
}

static void write_test(FILE *f, struct input *in)
{
	unsigned int kind = byte(in), arg = byte(in) % 6, n;
	uint64_t v = value(in), mask;

	switch (kind % 4) {
	case 0:
		fprintf(f, "arg%u == 0x%llx", arg, (unsigned long long)v);
		break;
	case 1:
		fprintf(f, "arg%u low32 == %u", arg, (uint32_t)v);
		break;
	case 2:
		mask = (uint32_t)value(in) | 1u << (kind % 32);
		fprintf(f, "arg%u & 0x%llx == %llu", arg, (unsigned long long)mask,
			(unsigned long long)(v & mask));
		break;
	default:
		fprintf(f, "arg%u low32 in", arg);
		for (n = 0; n < 1 + kind / 4 % 12; n++)
			fprintf(f, " %u", (uint32_t)(v + (n * (1 + kind / 64))));
		break;
	}
}

/* One call's rules: none with tests, or some and the last without. */
static void write_call(FILE *f, struct input *in, const char *name, unsigned int *rules)
{
	unsigned int n = byte(in), tests;

	for (n = n < 128 ? 0 : n % 8; n > 0 && *rules < MAX_RULES; n--, ++*rules) {
		fprintf(f, "%s %s if ", action(in), name);
		for (tests = byte(in) % 3; tests > 0; tests--) {
			fprintf(f, "arg%u & 0x%x == 0 && ", byte(in) % 6, 1u << byte(in) % 32);
		}
		write_test(f, in);
		fputc('\n', f);
	}
	fprintf(f, "%s %s\n", action(in), name);
}

static char *write_policy(struct input *in, bool aarch64)
{
	enum arch_id arch = aarch64 ? ARCH_AARCH64 : ARCH_X86_64;
	unsigned int nr = 0, calls, rules = 0;
	size_t size;
	char *text, name[64];
	FILE *f = open_memstream(&text, &size);

	if (!f)
		abort();
	fprintf(f, "default %s\nallow exit_group\nrole supervisor\n", action(in));
	for (calls = 0; calls < MAX_CALLS && in->left > 0; calls++) {
		/* Mostly neighbours, sometimes gaps: both shapes of the tree. */
		unsigned int step = byte(in);

		nr += step < 192 ? 1 + step % 2 : 1 + step % 64;
		if (nr >= 460)
			break;
		call_name(arch, nr, name, sizeof(name));
		if (name[0] && strcmp(name, "exit_group") != 0)
			write_call(f, in, name, &rules);
	}
	fclose(f);
	return text;
}

/* Blanks out the lines that the messages name: rules that repeat or shadow others. */
static void drop_lines(char *text, const char *messages)
{
	const char *at = messages;
	unsigned long line;
	char *p;

	while ((at = strstr(at, "stremio-policy: fuzz:")) != NULL) {
		at += strlen("stremio-policy: fuzz:");
		line = strtoul(at, NULL, 10);
		for (p = text; line > 1 && p; line--) {
			p = strchr(p, '\n');
			if (p)
				p++;
		}
		if (p && *p && *p != '\n')
			*p = '#';
	}
}

/* Reads the text, if need be without the lines that are refused. */
static int parse(struct ruleset *rs, char *text, struct target t)
{
	char *messages;
	size_t size;
	FILE *diag;
	int rc, tries;

	for (tries = 0; tries < 6; tries++) {
		diag = open_memstream(&messages, &size);
		if (!diag)
			abort();
		rc = ruleset_parse(rs, "fuzz", text, strlen(text), t, diag, NULL);
		fclose(diag);
		rs->diag = NULL;
		if (rc != 0)
			drop_lines(text, messages);
		free(messages);
		if (rc == 0 || tries == 5)
			break;
		ruleset_free(rs);
	}
	return rc;
}

static void try_call(const struct naive *n, const struct sock_filter *code, unsigned int count,
		     uint32_t arch, uint32_t nr, const uint64_t args[6])
{
	struct seccomp_data d = {.nr = (int)nr, .arch = arch};
	struct sim_result r;
	int i;

	for (i = 0; i < 6; i++)
		d.args[i] = args[i];
	r = bpf_sim(code, count, &d);
	if (r.fault || r.action != naive_answer(n, arch, nr, args)) {
		fprintf(stderr, "call %u (%llx %llx %llx %llx %llx %llx): %08x, not %08x %s\n", nr,
			(unsigned long long)args[0], (unsigned long long)args[1],
			(unsigned long long)args[2], (unsigned long long)args[3],
			(unsigned long long)args[4], (unsigned long long)args[5], r.action,
			naive_answer(n, arch, nr, args), r.fault ? r.fault : "");
		abort();
	}
}

/* Arguments that fit a rule, and those one bit or one step beside it. */
static void try_rule(const struct naive *n, const struct naive_rule *rule,
		     const struct sock_filter *code, unsigned int count, uint32_t arch)
{
	uint64_t args[6] = {0}, kept;
	int i, k, bit;

	for (i = 0; i < rule->tests; i++) {
		const struct naive_test *t = &rule->test[i];

		args[t->arg] = (args[t->arg] & ~t->mask) | t->value[t->values / 2];
	}
	try_call(n, code, count, arch, rule->nr, args);
	for (k = 0; k < rule->tests; k++) {
		i = rule->test[k].arg;
		kept = args[i];
		for (bit = k; bit < 64; bit += 7) {
			args[i] = kept ^ 1ull << bit;
			try_call(n, code, count, arch, rule->nr, args);
		}
		args[i] = kept + 1;
		try_call(n, code, count, arch, rule->nr, args);
		args[i] = kept - 1;
		try_call(n, code, count, arch, rule->nr, args);
		args[i] = kept | 0xffffffff00000000;
		try_call(n, code, count, arch, rule->nr, args);
		args[i] = kept;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct naive naive;
	static struct sock_filter code[POLICY_MAX_INSNS];
	static const uint64_t zero[6];
	struct input in = {data, size};
	bool aarch64 = byte(&in) & 1;
	uint32_t arch = aarch64 ? AUDIT_ARCH_AARCH64 : AUDIT_ARCH_X86_64, nr;
	struct target t = {aarch64 ? ARCH_AARCH64 : ARCH_X86_64, false};
	char *text = write_policy(&in, aarch64);
	struct ruleset rs;
	struct policy p;
	uint16_t count = 0;
	int i;

	if (parse(&rs, text, t) == 0 && codegen(&rs, code, &count) == 0) {
		codegen_describe(&rs, &p);
		p.code = code;
		p.count = count;
		/* The compiler's own check is slow here, and policy_text has it. */
		if (count < 60 && verify(&rs, &p) != 0)
			abort();
		naive_text(&naive, text, aarch64, false);
		for (nr = 0; nr < 480; nr++)
			try_call(&naive, code, count, arch, nr, zero);
		try_call(&naive, code, count, arch, 0x40000000, zero);
		try_call(&naive, code, count, arch, 0xffffffff, zero);
		try_call(&naive, code, count, AUDIT_ARCH_I386, 1, zero);
		for (i = 0; i < naive.rules; i++)
			try_rule(&naive, &naive.rule[i], code, count, arch);
	}
	ruleset_free(&rs);
	free(text);
	return 0;
}
