// SPDX-License-Identifier: Apache-2.0
/* What is wrong with a set of rules as a whole. */
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

bool match_holds(const struct match *m, const uint64_t args[6])
{
	int i;

	for (i = 0; i < 6; i++)
		if ((args[i] & m->mask[i]) != m->value[i])
			return false;
	return true;
}

/* Does every argument list that b takes also fit a? */
static bool covers(const struct match *a, const struct match *b)
{
	int i;

	for (i = 0; i < 6; i++)
		if ((a->mask[i] & ~b->mask[i]) != 0 || (b->value[i] & a->mask[i]) != a->value[i])
			return false;
	return true;
}

/* By number; the same call's rules keep their order, which is their meaning. */
static void sort_rules(struct ruleset *rs)
{
	struct rule *sorted;
	uint32_t nr;
	size_t i, n = 0;

	if (rs->count == 0)
		return;
	sorted = malloc(rs->count * sizeof(*sorted));
	if (sorted == NULL)
		abort();
	for (nr = 0; nr < CALL_LIMIT && n < rs->count; nr++)
		for (i = 0; i < rs->count; i++)
			if (rs->rules[i].nr == nr)
				sorted[n++] = rs->rules[i];
	free(rs->rules);
	rs->rules = sorted;
	rs->room = rs->count;
}

bool ruleset_next_call(const struct ruleset *rs, size_t *at, struct call *out)
{
	size_t first = *at;

	if (first >= rs->count)
		return false;
	out->nr = rs->rules[first].nr;
	out->rule = &rs->rules[first];
	while (*at < rs->count && rs->rules[*at].nr == out->nr)
		++*at;
	out->count = *at - first;
	return true;
}

/* An earlier rule of the call that leaves this one nothing to say. */
static void check_pair(struct ruleset *rs, const struct rule *old, const struct rule *r)
{
	const char *how;
	char a[32];

	if (!covers(&old->match, &r->match))
		return;
	how = old->action == r->action ? "repeats" : "contradicts";
	if (old->tested == r->tested && covers(&r->match, &old->match))
		policy_error(rs, r->file, r->line, "%s: this rule %s %s:%u (%s)", r->name, how,
			     old->file, old->line, action_text(old->action, a, sizeof(a)));
	else
		policy_error(rs, r->file, r->line,
			     "%s: this rule can never apply, %s:%u comes first (%s)", r->name,
			     old->file, old->line, action_text(old->action, a, sizeof(a)));
}

static void check_call(struct ruleset *rs, const struct call *c)
{
	const struct rule *last = &c->rule[c->count - 1];
	size_t i, j;

	for (i = 0; i < c->count; i++) {
		if (strcmp(c->rule[i].name, c->rule[0].name) != 0)
			policy_error(rs, c->rule[i].file, c->rule[i].line,
				     "%s and %s (%s:%u) are the same call number %u",
				     c->rule[i].name, c->rule[0].name, c->rule[0].file,
				     c->rule[0].line, c->nr);
		/* The first that covers it is enough to say. */
		for (j = 0; j < i; j++) {
			if (covers(&c->rule[j].match, &c->rule[i].match)) {
				check_pair(rs, &c->rule[j], &c->rule[i]);
				break;
			}
		}
	}
	if (last->tested)
		policy_error(rs, last->file, last->line,
			     "%s: what else it gets is not said (end with a rule without tests, "
			     "such as \"errno EPERM %s\")",
			     last->name, last->name);
}

/* Must be allowed whatever the arguments. */
static void check_needed(struct ruleset *rs, const char *name, const char *reason)
{
	struct call c = {0, NULL, 0};
	char text[32];
	uint32_t nr;
	size_t at = 0, i;

	if (call_number(rs->target.arch, name, &nr) != CALL_FOUND)
		abort();
	while (ruleset_next_call(rs, &at, &c) && c.nr != nr)
		;
	if (c.count == 0 || c.nr != nr) {
		if (rs->fallback != SECCOMP_RET_ALLOW)
			policy_error(rs, rs->file, 0, "%s would get the default, %s, but %s", name,
				     action_text(rs->fallback, text, sizeof(text)), reason);
		return;
	}
	for (i = 0; i < c.count; i++)
		if (c.rule[i].action != SECCOMP_RET_ALLOW)
			policy_error(rs, c.rule[i].file, c.rule[i].line,
				     "%s must not be denied: %s", name, reason);
}

void ruleset_check(struct ruleset *rs)
{
	struct call c;
	size_t at = 0;

	sort_rules(rs);
	while (ruleset_next_call(rs, &at, &c))
		check_call(rs, &c);
	/* A wrong line above may well be the one that allows these. */
	if (rs->errors > 0)
		return;
	if (!rs->supervisor)
		check_needed(rs, "execve",
			     "the filter is loaded before the command is executed (a program "
			     "that executes nothing has \"role supervisor\")");
	check_needed(rs, "exit_group", "without it a process cannot end");
}
