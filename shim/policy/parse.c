// SPDX-License-Identifier: Apache-2.0
/* The policy language, line by line: files, conditions, statements. */
#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No policy comes near; it bounds what a wrong path can make us read. */
#define MAX_FILE (1u << 20)

struct chunk {
	struct chunk *next;
	char text[];
};

const char *ruleset_string(struct ruleset *rs, const char *s)
{
	size_t len = strlen(s) + 1;
	struct chunk *c = malloc(sizeof(*c) + len);

	if (c == NULL)
		abort();
	memcpy(c->text, s, len);
	c->next = rs->strings;
	rs->strings = c;
	return c->text;
}

void policy_error(struct ruleset *rs, const char *file, unsigned int line, const char *fmt, ...)
{
	va_list ap;

	if (rs->diag != NULL && rs->errors < 20) {
		fprintf(rs->diag, "stremio-policy: %s:", file);
		/* Line 0: the policy as a whole. */
		if (line != 0)
			fprintf(rs->diag, "%u:", line);
		fputc(' ', rs->diag);
		va_start(ap, fmt);
		vfprintf(rs->diag, fmt, ap);
		va_end(ap);
		fputc('\n', rs->diag);
	}
	rs->errors++;
}

void ruleset_free(struct ruleset *rs)
{
	struct chunk *c;

	groups_free(rs);
	free(rs->rules);
	rs->rules = NULL;
	while ((c = rs->strings) != NULL) {
		rs->strings = c->next;
		free(c);
	}
}

static void parse_text(struct source *s, const char *text, size_t len);

/* Reads a whole file; 0 or -errno. */
static int slurp(const char *path, char **text, size_t *len, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	ssize_t n;

	*text = NULL;
	*len = 0;
	memset(st, 0, sizeof(*st));
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) != 0)
		rc = -errno;
	else if (S_ISDIR(st->st_mode))
		rc = -EISDIR;
	else if ((*text = malloc(MAX_FILE + 1)) == NULL)
		rc = -ENOMEM;
	while (rc == 0) {
		n = read(fd, *text + *len, MAX_FILE + 1 - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = -errno;
		if (n <= 0)
			break;
		*len += (size_t)n;
		if (*len > MAX_FILE)
			rc = -EFBIG;
	}
	close(fd);
	if (rc != 0) {
		free(*text);
		*text = NULL;
	}
	return rc;
}

static void parse_include(struct source *s, const char *name)
{
	struct source *in;
	const struct source *up;
	const char *slash = strrchr(s->file, '/');
	char path[PATH_MAX], *text;
	struct stat st;
	size_t len;
	int n, rc;

	if (s->depth >= MAX_INCLUDES) {
		source_error(s, "includes are nested deeper than %d", MAX_INCLUDES);
		return;
	}
	n = name[0] == '/' || slash == NULL ? snprintf(path, sizeof(path), "%s", name)
					    : snprintf(path, sizeof(path), "%.*s/%s",
						       (int)(slash - s->file), s->file, name);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		source_error(s, "the included path is too long");
		return;
	}
	rc = slurp(path, &text, &len, &st);
	if (rc != 0) {
		source_error(s, "cannot include %s: %s", path, strerror(-rc));
		return;
	}
	for (up = s; up != NULL; up = up->parent) {
		if (up->ino != st.st_ino || up->dev != st.st_dev)
			continue;
		source_error(s, "%s includes itself%s", path, up == s ? "" : " through others");
		free(text);
		return;
	}
	in = calloc(1, sizeof(*in));
	if (in == NULL)
		abort();
	in->rs = s->rs;
	in->file = ruleset_string(s->rs, path);
	in->dev = st.st_dev;
	in->ino = st.st_ino;
	in->parent = s;
	in->depth = s->depth + 1;
	parse_text(in, text, len);
	free(in);
	free(text);
}

/*
 * [x86_64], [userns=deny], [aarch64 userns=allow]: *at moves behind it. Returns
 * whether the line is for the target; *bad is set when that cannot be told.
 */
static bool parse_condition(struct source *s, unsigned int *at, bool *bad)
{
	const struct target *t = &s->rs->target;
	bool holds = true, last = false, arch_seen = false, userns_seen = false;
	char *word;
	size_t len;
	int arch;

	*bad = false;
	if (s->word[0][0] != '[')
		return true;
	s->word[0]++;
	while (!last && (word = s->word[*at]) != NULL) {
		len = strlen(word);
		last = len > 0 && word[len - 1] == ']';
		if (last)
			word[len - 1] = '\0';
		arch = arch_by_name(word);
		if (arch >= 0 && !arch_seen) {
			arch_seen = true;
			holds = holds && arch == (int)t->arch;
		} else if (strcmp(word, "userns=deny") == 0 && !userns_seen) {
			userns_seen = true;
			holds = holds && !t->userns_allow;
		} else if (strcmp(word, "userns=allow") == 0 && !userns_seen) {
			userns_seen = true;
			holds = holds && t->userns_allow;
		} else {
			source_error(s,
				     "\"%s\" is no condition, or a second one of its kind "
				     "([x86_64], [aarch64], [userns=deny], [userns=allow])",
				     word);
			*bad = true;
			return false;
		}
		++*at;
	}
	if (!last || s->word[*at] == NULL) {
		source_error(s, "%s", last ? "nothing follows the condition" : "] is missing");
		*bad = true;
	}
	return holds && !*bad;
}

static void parse_role(struct source *s, unsigned int at)
{
	const char *word = s->word[at + 1];

	if (word == NULL || s->word[at + 2] != NULL ||
	    (strcmp(word, "application") != 0 && strcmp(word, "supervisor") != 0)) {
		source_error(s, "role is application or supervisor");
		return;
	}
	if (s->rs->has_role)
		source_error(s, "a second role");
	s->rs->has_role = true;
	s->rs->supervisor = strcmp(word, "supervisor") == 0;
}

static void parse_default(struct source *s, unsigned int at)
{
	uint32_t action;

	at++;
	if (parse_action(s, &at, &action) != 0)
		return;
	if (s->word[at] != NULL)
		source_error(s, "\"%s\" follows the default action", s->word[at]);
	if (s->rs->has_default)
		source_error(s, "a second default");
	s->rs->has_default = true;
	s->rs->fallback = action;
}

static void parse_statement(struct source *s)
{
	unsigned int at = 0;
	const char *word;
	uint32_t action;
	bool bad;

	if (!parse_condition(s, &at, &bad))
		return;
	word = s->word[at];
	if (strcmp(word, "include") == 0) {
		if (s->word[at + 1] == NULL || s->word[at + 2] != NULL)
			source_error(s, "include takes one file");
		else
			parse_include(s, s->word[at + 1]);
	} else if (strcmp(word, "role") == 0) {
		parse_role(s, at);
	} else if (strcmp(word, "default") == 0) {
		parse_default(s, at);
	} else if (word[0] == '@') {
		parse_group(s, at);
	} else if (parse_action(s, &at, &action) == 0) {
		parse_rule(s, at, action);
	}
}

/* Cuts a line into words; false when it cannot be one (said). */
static bool split(struct source *s, char *line, size_t len)
{
	char *save = NULL, *word;
	size_t i;

	s->words = 0;
	for (i = 0; i < len; i++) {
		if (line[i] == '#') {
			line[i] = '\0';
			break;
		}
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f) {
			source_error(s, "a control character (\\x%02x)", (unsigned char)line[i]);
			return false;
		}
	}
	for (word = strtok_r(line, " \t", &save); word != NULL;
	     word = strtok_r(NULL, " \t", &save)) {
		if (s->words == MAX_WORDS) {
			source_error(s, "more than %d words", MAX_WORDS);
			return false;
		}
		s->word[s->words++] = word;
	}
	s->word[s->words] = NULL;
	return s->words > 0;
}

static void parse_text(struct source *s, const char *text, size_t len)
{
	const char *end;
	char line[4096];
	size_t n;

	for (s->line = 1; len > 0; s->line++) {
		end = memchr(text, '\n', len);
		n = end != NULL ? (size_t)(end - text) : len;
		if (n >= sizeof(line)) {
			source_error(s, "the line is longer than %zu bytes", sizeof(line) - 1);
		} else {
			memcpy(line, text, n);
			line[n] = '\0';
			if (split(s, line, n))
				parse_statement(s);
		}
		len -= n + (end != NULL);
		text += n + (end != NULL);
	}
}

static void set_name(struct ruleset *rs, const char *file, const char *name)
{
	const char *base = strrchr(file, '/');
	size_t n;

	base = name != NULL ? name : base != NULL ? base + 1 : file;
	n = name != NULL ? strlen(name) : strcspn(base, ".");
	if (n == 0 || n >= sizeof(rs->name) ||
	    strspn(base, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") < n)
		policy_error(rs, file, 0,
			     "the policy's name must be 1 to %zu letters, digits, - _ . (--name)",
			     sizeof(rs->name) - 1);
	else
		memcpy(rs->name, base, n);
}

static int read_and_check(struct ruleset *rs, struct source *s, const char *text, size_t len)
{
	parse_text(s, text, len);
	if (!rs->has_default)
		policy_error(rs, s->file, s->line, "no default (\"default errno ENOSYS\")");
	ruleset_check(rs);
	if (rs->diag != NULL && rs->errors > 20)
		fprintf(rs->diag, "stremio-policy: %s: %u errors\n", s->file, rs->errors);
	return rs->errors == 0 ? 0 : -EINVAL;
}

static struct source *begin(struct ruleset *rs, const char *file, const char *name,
			    struct target target, FILE *diag, FILE *notes)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	memset(rs, 0, sizeof(*rs));
	rs->target = target;
	rs->diag = diag;
	rs->notes = notes;
	s->rs = rs;
	s->file = ruleset_string(rs, file);
	rs->file = s->file;
	set_name(rs, s->file, name);
	return s;
}

int ruleset_load(struct ruleset *rs, const char *path, const char *name, struct target target,
		 FILE *diag, FILE *notes)
{
	struct source *s = begin(rs, path, name, target, diag, notes);
	struct stat st;
	size_t len;
	char *text;
	int rc = slurp(path, &text, &len, &st);

	if (rc == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
		rc = read_and_check(rs, s, text, len);
		free(text);
	}
	free(s);
	return rc;
}

int ruleset_parse(struct ruleset *rs, const char *file, const char *text, size_t len,
		  struct target target, FILE *diag, FILE *notes)
{
	struct source *s = begin(rs, file, NULL, target, diag, notes);
	int rc = read_and_check(rs, s, text, len);

	free(s);
	return rc;
}
