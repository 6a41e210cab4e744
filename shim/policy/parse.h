/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two halves of the reader: parse.c (lines) and items.c (call lists, tests). */
#ifndef STREMIO_POLICY_PARSE_H
#define STREMIO_POLICY_PARSE_H

#include <sys/types.h>

#include "rules.h"

#define MAX_WORDS 256
#define MAX_INCLUDES 16

/* The line being read, and the file it stands in. */
struct source {
	struct ruleset *rs;
	const char *file;
	unsigned int line;
	dev_t dev; /* of the file, to see include loops; 0, 0: no file */
	ino_t ino;
	const struct source *parent; /* the file that includes this one */
	unsigned int depth;
	char *word[MAX_WORDS + 1]; /* NULL at the end */
	unsigned int words;
};

/* An error at the present line. */
#define source_error(s, ...) policy_error((s)->rs, (s)->file, (s)->line, __VA_ARGS__)

/* "allow", "errno NAME" or "kill" at word[*at]; moves *at behind it. 0 or -EINVAL (said). */
int parse_action(struct source *s, unsigned int *at, uint32_t *action);

/* @name = ITEM... or @name += ITEM... */
void parse_group(struct source *s, unsigned int at);

/* ITEM... [if TEST [&& TEST]...]: adds the rules. */
void parse_rule(struct source *s, unsigned int at, uint32_t action);

void groups_free(struct ruleset *rs);

#endif
