// SPDX-License-Identifier: Apache-2.0
/* Rules: the calls they name, groups of them, and argument tests. */
#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

/* What an ITEM means for the target: a call. */
struct item {
	const char *name;
	uint32_t nr;
};

struct group {
	struct group *next;
	const char *name;
	const char *file;
	unsigned int line;
	struct item *items;
	size_t count;
};

int parse_action(struct source *s, unsigned int *at, uint32_t *action)
{
	const char *word = s->word[*at];
	int err;

	if (word != NULL && strcmp(word, "allow") == 0) {
		*action = SECCOMP_RET_ALLOW;
	} else if (word != NULL && strcmp(word, "kill") == 0) {
		*action = SECCOMP_RET_KILL_PROCESS;
	} else if (word != NULL && strcmp(word, "errno") == 0) {
		word = s->word[++*at];
		err = word == NULL ? 0 : errno_by_name(word);
		if (err == 0) {
			source_error(s,
				     "\"%s\" is no error this language knows (EPERM, ENOSYS ...)",
				     word == NULL ? "" : word);
			return -EINVAL;
		}
		*action = SECCOMP_RET_ERRNO | (uint32_t)err;
	} else {
		source_error(s, "\"%s\" is no action (allow, errno NAME, kill)",
			     word == NULL ? "" : word);
		return -EINVAL;
	}
	++*at;
	return 0;
}

static struct group *group_find(const struct ruleset *rs, const char *name)
{
	struct group *g;

	for (g = rs->groups; g != NULL; g = g->next)
		if (strcmp(g->name, name) == 0)
			return g;
	return NULL;
}

void groups_free(struct ruleset *rs)
{
	struct group *g;

	while ((g = rs->groups) != NULL) {
		rs->groups = g->next;
		free(g->items);
		free(g);
	}
}

/* NAME=NUMBER: for calls that this libseccomp may be too old to know. */
static int number_item(struct source *s, const char *name, const char *number, struct item *out)
{
	enum arch_id arch = s->rs->target.arch;
	char other[64];
	uint64_t value;
	uint32_t nr;

	if (value_parse(number, &value) != 0 || value >= CALL_LIMIT) {
		source_error(s, "%s=%s: a call number below %u is wanted (without ?)", name, number,
			     CALL_LIMIT);
		return -EINVAL;
	}
	switch (call_number(arch, name, &nr)) {
	case CALL_FOUND:
		if (nr == value)
			break;
		source_error(s, "%s is call %u on %s, not %s", name, nr, arch_name(arch), number);
		return -EINVAL;
	case CALL_OTHER_ARCH:
		source_error(s, "%s does not exist on %s, so it has no number there", name,
			     arch_name(arch));
		return -EINVAL;
	case CALL_UNKNOWN:
		call_name(arch, (uint32_t)value, other, sizeof(other));
		if (other[0] == '\0')
			break;
		source_error(s, "call %s of %s is %s, not %s", number, arch_name(arch), other,
			     name);
		return -EINVAL;
	}
	out->name = ruleset_string(s->rs, name);
	out->nr = (uint32_t)value;
	return 0;
}

static void unknown_call(struct source *s, const char *name)
{
	const char *arch = arch_name(s->rs->target.arch);
	char near[64];

	call_suggest(s->rs->target.arch, name, near, sizeof(near));
	if (near[0] != '\0')
		source_error(s, "%s is no known system call of %s (did you mean %s?)", name, arch,
			     near);
	else
		source_error(s,
			     "%s is no known system call of %s (%s=NUMBER gives its number, %s? "
			     "leaves it out where it is unknown)",
			     name, arch, name, name);
}

/* One word: NAME, NAME? or NAME=NUMBER. Returns 1 for a call, 0 when left out, -EINVAL. */
static int call_item(struct source *s, char *word, struct item *out)
{
	enum arch_id arch = s->rs->target.arch;
	size_t len = strlen(word);
	char *equals = strchr(word, '=');
	bool optional = word[len - 1] == '?' && equals == NULL;
	enum call_lookup found;

	if (equals != NULL) {
		*equals = '\0';
		return number_item(s, word, equals + 1, out) == 0 ? 1 : -EINVAL;
	}
	if (optional)
		word[len - 1] = '\0';
	found = call_number(arch, word, &out->nr);
	if (found == CALL_FOUND && out->nr >= CALL_LIMIT) {
		source_error(s, "%s has the number %u, beyond what policies cover", word, out->nr);
		return -EINVAL;
	}
	if (found == CALL_FOUND) {
		out->name = ruleset_string(s->rs, word);
		return 1;
	}
	if (optional) {
		if (s->rs->notes != NULL)
			fprintf(s->rs->notes, "%s:%u: note: %s is unknown on %s and left out\n",
				s->file, s->line, word, arch_name(arch));
		return 0;
	}
	if (found == CALL_OTHER_ARCH)
		source_error(s,
			     "%s does not exist on %s (begin the line with the architecture "
			     "that has it, as in [x86_64], or write %s?)",
			     word, arch_name(arch), word);
	else
		unknown_call(s, word);
	return -EINVAL;
}

static int append(struct item **list, size_t *count, struct item add)
{
	/* Grown one power of two at a time; a list is some hundred calls at most. */
	if ((*count & (*count - 1)) == 0) {
		size_t room = *count == 0 ? 1 : *count * 2;
		struct item *bigger = realloc(*list, room * sizeof(*bigger));

		if (bigger == NULL)
			abort();
		*list = bigger;
	}
	(*list)[(*count)++] = add;
	return 0;
}

/* Words from *at to the end or "if", with groups replaced by what they hold. */
static int item_list(struct source *s, unsigned int *at, struct item **list, size_t *count)
{
	struct group *g;
	struct item one;
	unsigned int first = *at;
	size_t i;
	int rc, bad = 0;

	for (; s->word[*at] != NULL && strcmp(s->word[*at], "if") != 0; ++*at) {
		char *word = s->word[*at];

		if (word[0] != '@') {
			rc = call_item(s, word, &one);
			if (rc == 1)
				append(list, count, one);
			else if (rc < 0)
				bad = rc;
			continue;
		}
		g = group_find(s->rs, word);
		if (g == NULL) {
			source_error(s, "%s is not defined above this line", word);
			bad = -EINVAL;
			continue;
		}
		for (i = 0; i < g->count; i++)
			append(list, count, g->items[i]);
	}
	if (*at == first) {
		source_error(s, "no system call is named");
		bad = -EINVAL;
	}
	return bad;
}

void parse_group(struct source *s, unsigned int at)
{
	const char *name = s->word[at], *how = s->word[at + 1];
	struct group *g = group_find(s->rs, name);
	struct item *list = NULL;
	size_t count = 0, i;

	if (name[1] == '\0' || how == NULL || (strcmp(how, "=") != 0 && strcmp(how, "+=") != 0)) {
		source_error(s, "a group is @NAME = CALL... or @NAME += CALL...");
		return;
	}
	if (how[0] == '=' && g != NULL) {
		source_error(s, "%s is already defined at %s:%u (+= adds to it)", name, g->file,
			     g->line);
		return;
	}
	if (how[0] == '+' && g == NULL) {
		source_error(s, "%s is not defined above this line", name);
		return;
	}
	at += 2;
	if (item_list(s, &at, &list, &count) == 0 && s->word[at] != NULL)
		source_error(s, "a group has no tests: put \"if\" on the rule that uses it");
	if (g == NULL) {
		g = calloc(1, sizeof(*g));
		if (g == NULL)
			abort();
		g->name = ruleset_string(s->rs, name);
		g->file = s->file;
		g->line = s->line;
		g->next = s->rs->groups;
		s->rs->groups = g;
	}
	for (i = 0; i < count; i++)
		append(&g->items, &g->count, list[i]);
	free(list);
}

/* Adds (argument n & mask) == value; false when that contradicts an earlier test. */
static bool match_add(struct match *m, unsigned int n, uint64_t mask, uint64_t value)
{
	if (((m->value[n] ^ value) & m->mask[n] & mask) != 0)
		return false;
	m->mask[n] |= mask;
	m->value[n] |= value;
	return true;
}

/*
 * One test at word[*at]: argN == V, argN low32 == V, argN & MASK == V, or
 * argN low32 in V... (to the line's end; *in is then the first V's index).
 */
static int parse_test(struct source *s, unsigned int *at, struct match *m, unsigned int *in)
{
	char **w = &s->word[*at];
	uint64_t mask = UINT64_MAX, value = 0;
	unsigned int n, i = 1;

	if (w[0] == NULL || strncmp(w[0], "arg", 3) != 0 || w[0][3] < '0' || w[0][3] > '5' ||
	    w[0][4] != '\0') {
		source_error(s, "\"%s\": a test begins with arg0 .. arg5", w[0] ? w[0] : "");
		return -EINVAL;
	}
	n = (unsigned int)(w[0][3] - '0');
	if (w[i] != NULL && strcmp(w[i], "low32") == 0) {
		mask = UINT32_MAX;
		i++;
	} else if (w[i] != NULL && strcmp(w[i], "&") == 0) {
		if (w[i + 1] == NULL || value_parse(w[i + 1], &mask) != 0 || mask == 0 ||
		    mask > UINT32_MAX) {
			source_error(s, "\"%s\" is no mask of the low 32 bits",
				     w[i + 1] ? w[i + 1] : "");
			return -EINVAL;
		}
		i += 2;
	}
	if (w[i] != NULL && strcmp(w[i], "in") == 0 && mask == UINT32_MAX && *in == 0 &&
	    w[i + 1] != NULL) {
		*in = *at + i + 1;
		while (s->word[*at] != NULL)
			++*at;
		return (int)n;
	}
	if (w[i] == NULL || strcmp(w[i], "==") != 0) {
		source_error(s, "a test is argN == V, argN low32 == V, argN & MASK == V or, at "
				"the end, argN low32 in V...");
		return -EINVAL;
	}
	if (w[i + 1] == NULL || value_parse(w[i + 1], &value) != 0) {
		source_error(s, "\"%s\" is no known value", w[i + 1] ? w[i + 1] : "");
		return -EINVAL;
	}
	if ((value & ~mask) != 0) {
		source_error(s, "%s can never equal %s: it has bits that are not looked at", w[0],
			     w[i + 1]);
		return -EINVAL;
	}
	if (!match_add(m, n, mask, value)) {
		source_error(s, "the tests of %s contradict each other", w[0]);
		return -EINVAL;
	}
	*at += i + 2;
	return (int)n;
}

static void add_rules(struct source *s, const struct item *list, size_t count, uint32_t action,
		      const struct match *m, const char *tests)
{
	struct ruleset *rs = s->rs;
	struct rule *r;
	size_t i;

	for (i = 0; i < count; i++) {
		if (rs->count == rs->room) {
			rs->room = rs->room == 0 ? 256 : rs->room * 2;
			rs->rules = realloc(rs->rules, rs->room * sizeof(*rs->rules));
			if (rs->rules == NULL)
				abort();
		}
		r = &rs->rules[rs->count++];
		memset(r, 0, sizeof(*r));
		r->nr = list[i].nr;
		r->name = list[i].name;
		r->action = action;
		r->tested = m != NULL;
		if (m != NULL)
			r->match = *m;
		r->tests = ruleset_string(rs, tests);
		r->file = s->file;
		r->line = s->line;
	}
}

/* The words from..to with blanks between. */
static void join(char *buf, size_t size, char **word, unsigned int from, unsigned int to)
{
	size_t used = 0;

	buf[0] = '\0';
	for (; from < to && used < size; from++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
					 word[from]);
}

void parse_rule(struct source *s, unsigned int at, uint32_t action)
{
	struct match m = {{0}, {0}}, with;
	struct item *list = NULL;
	unsigned int start, in = 0;
	char text[1024], one[1200];
	uint64_t value;
	size_t count = 0;
	int arg, bad = item_list(s, &at, &list, &count);

	if (bad != 0)
		goto out;
	if (s->word[at] == NULL) {
		add_rules(s, list, count, action, NULL, "");
		goto out;
	}
	start = ++at;
	for (;;) {
		arg = parse_test(s, &at, &m, &in);
		if (arg < 0)
			goto out;
		if (s->word[at] == NULL)
			break;
		if (strcmp(s->word[at], "&&") != 0) {
			source_error(s, "\"%s\" follows a test; && joins tests", s->word[at]);
			goto out;
		}
		at++;
	}
	join(text, sizeof(text), s->word, start, in != 0 ? in - 1 : at);
	if (in == 0)
		add_rules(s, list, count, action, &m, text);
	for (; in != 0 && s->word[in] != NULL; in++) {
		with = m;
		if (value_parse(s->word[in], &value) != 0 || value > UINT32_MAX) {
			source_error(s, "\"%s\" is no known value of 32 bits", s->word[in]);
			continue;
		}
		if (!match_add(&with, (unsigned int)arg, UINT32_MAX, value)) {
			source_error(s, "the tests of arg%d contradict each other", arg);
			continue;
		}
		snprintf(one, sizeof(one), "%s == %s", text, s->word[in]);
		add_rules(s, list, count, action, &with, one);
	}
out:
	free(list);
}
