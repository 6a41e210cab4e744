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
 */
void write_c(FILE *out, const struct policy *p, const struct ruleset *rs, const char *cname);

/* One rule a line: call, number, action, tests, where it stands. */
void write_list(FILE *out, const struct policy *p, const struct ruleset *rs);

/* The same as one JSON object. */
void write_json(FILE *out, const struct policy *p, const struct ruleset *rs);

#endif
