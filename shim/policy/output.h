/* SPDX-License-Identifier: Apache-2.0 */
/* What stremio-policy writes. All of it depends on the arguments alone: same in, same out. */
#ifndef STREMIO_POLICY_OUTPUT_H
#define STREMIO_POLICY_OUTPUT_H

#include "rules.h"

/* The file format of file.h. */
void write_bpf(FILE *out, const struct policy *p);

/*
 * C that needs nothing but linux/filter.h, to be included or compiled: NAME_code[],
 * and NAME_COUNT, NAME_ARCH, NAME_FLAGS, NAME_CANARY_ENOSYS,
 * NAME_CANARY_EPERM, NAME_TITLE and NAME_USERNS as macros. cname: NAME.
 * For programs that report what was denied: NAME_DENIALS, the errno rules as rows of struct
 * policy_denial (at least one; number 0 and error 0 say that there is none); NAME_FILES,
 * where they stand, as seen from the policy's file; NAME_CALLS and NAME_ERRNOS, the names of
 * calls and errors 0, 1, 2 ..., each with its NUL, empty where there is none.
 */
void write_c(FILE *out, const struct policy *p, const struct ruleset *rs, const char *cname);

/* One rule a line: call, number, action, tests, where it stands. */
void write_list(FILE *out, const struct policy *p, const struct ruleset *rs);

/* The same as one JSON object. */
void write_json(FILE *out, const struct policy *p, const struct ruleset *rs);

#endif
