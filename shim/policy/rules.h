/* SPDX-License-Identifier: Apache-2.0 */
/* A policy text after reading: an ordered list of rules for one target. */
#ifndef STREMIO_POLICY_RULES_H
#define STREMIO_POLICY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy.h"

/* Real call numbers are far below; from X32_BIT on, x86_64 numbers mean the x32 entry. */
#define CALL_LIMIT 1024u
#define X32_BIT 0x40000000u

enum arch_id { ARCH_X86_64, ARCH_AARCH64, ARCH_COUNT };

struct target {
	enum arch_id arch;
	bool userns_allow;
};

/* All must hold: (argument n & mask[n]) == value[n]. An all-zero mask tests nothing. */
struct match {
	uint64_t mask[6];
	uint64_t value[6];
};

struct rule {
	uint32_t nr;
	uint32_t action; /* SECCOMP_RET_* with its data */
	bool tested;	 /* has argument tests */
	struct match match;
	const char *name;  /* the call's */
	const char *tests; /* as written, "" without */
	const char *file;  /* where the rule stands */
	unsigned int line;
};

struct group;
struct chunk;

struct ruleset {
	struct target target;
	char name[POLICY_NAME_SIZE];
	const char *file; /* the first one */
	bool supervisor;
	bool has_role;
	bool has_default;
	uint32_t fallback; /* the default action */
	struct rule *rules;
	size_t count;
	size_t room;
	FILE *diag;	     /* where errors go; NULL: nowhere */
	FILE *notes;	     /* optional names left out; NULL: nowhere */
	unsigned int errors; /* counted, the first 20 printed */
	struct group *groups;
	struct chunk *strings;
};

/* All the rules of one call number, in their order; the last one has no tests. */
struct call {
	uint32_t nr;
	const struct rule *rule;
	size_t count;
};

/*
 * ruleset_load() reads the policy file at path and what it includes for a
 * target; ruleset_parse() reads text that has no file (file: its name in messages; include
 * is relative to that). Both check the whole: names, duplicates, rules that
 * can never apply, the explicit last rule, execve and exit_group. Each error is one
 * line FILE:LINE: on diag. name: the policy's, or NULL for the file's name without its
 * suffix. Return 0; -EINVAL when the policy is wrong; -errno when the
 * first file cannot be read. Free with ruleset_free() in every case.
 */
int ruleset_load(struct ruleset *rs, const char *path, const char *name, struct target target,
		 FILE *diag, FILE *notes);
int ruleset_parse(struct ruleset *rs, const char *file, const char *text, size_t len,
		  struct target target, FILE *diag, FILE *notes);
void ruleset_free(struct ruleset *rs);

/* The next call at or after rule index *at, which moves on; false at the end. */
bool ruleset_next_call(const struct ruleset *rs, size_t *at, struct call *out);

/* Sorts by number and checks; called by the two readers above (check.c). */
void ruleset_check(struct ruleset *rs);

/* Does the rule's test hold for these arguments? */
bool match_holds(const struct match *m, const uint64_t args[6]);

/* printf to rs->diag behind FILE:LINE: and counts. */
__attribute__((format(printf, 4, 5))) void policy_error(struct ruleset *rs, const char *file,
							unsigned int line, const char *fmt, ...);

/* A copy that lives as long as the ruleset. */
const char *ruleset_string(struct ruleset *rs, const char *s);

/* names.c: what the words of a policy mean. */

const char *arch_name(enum arch_id arch);
uint32_t arch_audit(enum arch_id arch);
/* -1 when the word names none. */
int arch_by_name(const char *word);

enum call_lookup { CALL_FOUND, CALL_UNKNOWN, CALL_OTHER_ARCH };

/* The number of a call on arch through libseccomp. */
enum call_lookup call_number(enum arch_id arch, const char *name, uint32_t *nr);
/* The name of a number written to buf, or "" when libseccomp knows none. */
void call_name(enum arch_id arch, uint32_t nr, char *buf, size_t size);
/* A known name close to this one written to buf, or "". */
void call_suggest(enum arch_id arch, const char *name, char *buf, size_t size);

/* An errno by its name, 0 when unknown; and back, NULL when unknown. */
int errno_by_name(const char *name);
const char *errno_name(int err);

/* A number (decimal, 0x) or named constant, several joined with |. 0 or -EINVAL. */
int value_parse(const char *word, uint64_t *value);

/* "allow", "errno NAME" or "kill" written to buf, which is returned. */
char *action_text(uint32_t action, char *buf, size_t size);

#endif
