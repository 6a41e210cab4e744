/* SPDX-License-Identifier: Apache-2.0 */
/* options_table: every option once: how it is written, read, and explained. */
#ifndef SHIM_OPTIONS_TABLE_H
#define SHIM_OPTIONS_TABLE_H

#include "options.h"

/* Each option's setter returns 0, or -EINVAL when the value is none of its own. */
typedef int (*setter)(struct options *o, const char *value);

enum arity { NO_VALUE, VALUE, MAY_HAVE_VALUE };

struct option_spec {
	char letter; /* 0: none */
	const char *name;
	enum arity arity;
	bool repeats;	     /* values add up; the twin holds several, separated by ';' */
	bool no_twin;	     /* --help is no setting, --env a twin itself */
	const char *value;   /* how help shows the value */
	const char *expects; /* what an error says about the value */
	setter set;
	const char *help;
};

/* Help, parser and tests walk this table; its order is the order of --help. */
extern const struct option_spec options_table[];
extern const size_t options_table_count;

#endif
