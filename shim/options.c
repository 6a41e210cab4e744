/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "args_file.h"
#include "text.h"

#ifndef SHIM_VERSION
#define SHIM_VERSION "0.1.0"
#endif

#define STEP "options"
#define STOP_TIMEOUT_MAX_S 86400

/* Each option's setter returns 0, or -EINVAL when the value is none of its own. */
typedef int (*setter)(struct options *o, const char *value);

enum arity { NO_VALUE, VALUE, MAY_HAVE_VALUE };

struct option_spec {
	char letter; /* 0: none */
	const char *name;
	enum arity arity;
	bool repeats;	     /* values add up; the twin holds several, separated by ';' */
	bool no_twin;	     /* --help and --version are no settings */
	const char *value;   /* how help shows the value */
	const char *expects; /* what an error says about the value */
	setter set;
	const char *help;
};

static int set_user(struct options *o, const char *value)
{
	o->user = value;
	return *value ? 0 : -EINVAL;
}

static int set_policy(struct options *o, const char *value)
{
	o->policy = value;
	return *value ? 0 : -EINVAL;
}

static int choose(const char *value, const char *const *names, int *out)
{
	for (int i = 0; names[i]; i++) {
		if (!strcmp(value, names[i])) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_userns(struct options *o, const char *value)
{
	static const char *const names[] = {"deny", "allow", NULL};
	int chosen;

	if (choose(value, names, &chosen) < 0)
		return -EINVAL;
	o->userns_allow = chosen == 1;
	return 0;
}

static int set_landlock(struct options *o, const char *value)
{
	static const char *const names[] = {"auto", "require", "off", NULL};
	int chosen;

	if (choose(value, names, &chosen) < 0)
		return -EINVAL;
	o->landlock = (enum landlock)chosen;
	return 0;
}

static int add_path(const char **paths, size_t *count, const char *value)
{
	if (value[0] != '/' || *count == OPTIONS_PATHS_MAX)
		return -EINVAL;
	paths[(*count)++] = value;
	return 0;
}

static int set_rw(struct options *o, const char *value)
{
	return add_path(o->rw, &o->rw_count, value);
}

static int set_ro(struct options *o, const char *value)
{
	return add_path(o->ro, &o->ro_count, value);
}

static int set_tmpfs(struct options *o, const char *value)
{
	if (value[0] != '/' || o->tmpfs_count == OPTIONS_TMPFS_MAX)
		return -EINVAL;
	o->tmpfs[o->tmpfs_count++] = value;
	return 0;
}

static int set_exec_bounding(struct options *o, const char *value)
{
	static const char *const names[] = {"none", "launch", "full", NULL};
	int chosen;

	if (choose(value, names, &chosen) < 0)
		return -EINVAL;
	o->exec_bounding = (enum exec_bounding)chosen;
	return 0;
}

static int set_stop_timeout(struct options *o, const char *value)
{
	return parse_seconds(value, STOP_TIMEOUT_MAX_S, &o->stop_timeout_ms);
}

static int set_ready(struct options *o, const char *value)
{
	static const char *const names[] = {"auto", "yes", "no", NULL};
	int chosen = READY_YES;

	if (value && choose(value, names, &chosen) < 0)
		return -EINVAL;
	o->ready = (enum ready)chosen;
	return 0;
}

/* Switches have no value on the command line; their twins say 1 or 0. */
static int switch_on(const char *value, bool *on)
{
	if (!value || !strcmp(value, "1"))
		*on = true;
	else if (!*value || !strcmp(value, "0"))
		*on = false;
	else
		return -EINVAL;
	return 0;
}

static int set_audit(struct options *o, const char *value)
{
	return switch_on(value, &o->audit);
}

static int set_verbose(struct options *o, const char *value)
{
	bool on;

	if (switch_on(value, &on) < 0)
		return -EINVAL;
	if (on)
		o->level = LOG_VERBOSE;
	return 0;
}

static int set_quiet(struct options *o, const char *value)
{
	bool on;

	if (switch_on(value, &on) < 0)
		return -EINVAL;
	if (on)
		o->level = LOG_QUIET;
	return 0;
}

static int set_help(struct options *o, const char *value)
{
	(void)value;
	o->action = ACTION_HELP;
	return 0;
}

static int set_version(struct options *o, const char *value)
{
	(void)value;
	o->action = ACTION_VERSION;
	return 0;
}

/* clang-format off */
static const struct option_spec specs[] = {
	{ 'u', "user", VALUE, false, false, "USER[:GROUP]", "USER[:GROUP]", set_user,
	  "who the application runs as: a name or a number\n"
	  "(default auto: stremio, nonroot, uid 1000 if listed, 65532)" },
	{ 'p', "policy", VALUE, false, false, "NAME|FILE", "a policy's name or file", set_policy,
	  "system call policy: stremio (default), server, none,\n"
	  "or a file that stremio-policy compiled" },
	{ 0, "userns", VALUE, false, false, "deny|allow", "deny or allow", set_userns,
	  "namespaces made by the application's own sandbox\n"
	  "(default deny)" },
	{ 0, "audit", NO_VALUE, false, false, NULL, "1 or 0", set_audit,
	  "name each system call that the policy denies in the\n"
	  "log, once a program" },
	{ 0, "landlock", VALUE, false, false, "auto|require|off", "auto, require or off",
	  set_landlock,
	  "restrict which files are reached (default auto: as\n"
	  "far as the kernel can; require: wholly or not at all)" },
	{ 0, "rw", VALUE, true, false, "PATH", "an absolute path, at most 128 of them", set_rw,
	  "a path to read and write, for Landlock; repeatable" },
	{ 0, "ro", VALUE, true, false, "PATH", "an absolute path, at most 128 of them", set_ro,
	  "a path to read and execute; repeatable" },
	{ 0, "tmpfs", VALUE, true, false, "PATH[:OPTIONS]",
	  "an absolute PATH[:OPTIONS], at most 16 of them", set_tmpfs,
	  "mount a private tmpfs there first; repeatable" },
	{ 0, "exec-bounding", VALUE, false, false, "SET", "none, launch or full", set_exec_bounding,
	  "capabilities left to a later `incus exec`: none,\n"
	  "launch (default: enough to launch through this\n"
	  "program) or full" },
	{ 't', "stop-timeout", VALUE, false, false, "SECONDS", "seconds, 0 to 86400",
	  set_stop_timeout,
	  "time between TERM and KILL (default 10)" },
	{ 0, "ready", MAY_HAVE_VALUE, false, false, "auto|yes|no", "auto, yes or no", set_ready,
	  "report the instance ready to Incus after the launch\n"
	  "(default auto: when it is PID 1 and Incus listens)" },
	{ 'v', "verbose", NO_VALUE, false, false, NULL, "1 or 0", set_verbose,
	  "report each step" },
	{ 'q', "quiet", NO_VALUE, false, false, NULL, "1 or 0", set_quiet,
	  "report failures only, no warnings" },
	{ 'h', "help", NO_VALUE, false, true, NULL, NULL, set_help,
	  "show this text" },
	{ 'V', "version", NO_VALUE, false, true, NULL, NULL, set_version,
	  "show the version" },
};
/* clang-format on */

#define SPEC_COUNT (sizeof(specs) / sizeof(specs[0]))
#define SEE_HELP "see stremio-shim --help"

static int unknown(struct finding *f, const char *word)
{
	return finding_set(f, EXIT_USAGE, STEP, 0, "unknown option", word, SEE_HELP);
}

/* @name: how the user wrote it, `--user` or STREMIO_USER. */
static int set_option(struct options *o, const struct option_spec *spec, const char *name,
		      const char *value, struct finding *f)
{
	char what[128];
	struct text t;

	if (!spec->set(o, value))
		return 0;
	text_begin(&t, what, sizeof(what));
	text_safe(&t, name);
	text_str(&t, " takes ");
	text_str(&t, spec->expects);
	text_str(&t, ", not");
	return finding_set(f, EXIT_USAGE, STEP, 0, what, value, SEE_HELP);
}

static int missing_value(struct finding *f, const char *name)
{
	return finding_set(f, EXIT_USAGE, STEP, 0, "a value is missing after", name, SEE_HELP);
}

/* --name, --name=value, --name value. Return: words used up, or -errno. */
static int long_option(struct options *o, char **argv, struct finding *f)
{
	const char *word = argv[0] + 2;
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct option_spec *spec = NULL;
	const char *value = equals ? equals + 1 : NULL;
	int used = 1;
	char name[48];
	struct text t;
	int r;

	for (size_t i = 0; i < SPEC_COUNT && !spec; i++)
		if (strlen(specs[i].name) == len && !strncmp(specs[i].name, word, len))
			spec = &specs[i];
	if (!spec)
		return unknown(f, argv[0]);
	text_begin(&t, name, sizeof(name));
	text_str(&t, "--");
	text_str(&t, spec->name);

	if (spec->arity == NO_VALUE && value)
		return finding_set(f, EXIT_USAGE, STEP, 0, "takes no value:", name, SEE_HELP);
	if (spec->arity == VALUE && !value) {
		value = argv[1];
		used = 2;
		if (!value)
			return missing_value(f, name);
	}
	r = set_option(o, spec, name, value, f);
	return r < 0 ? r : used;
}

/* -v, -vq, -u value, -uvalue. Return: words used up, or -errno. */
static int short_options(struct options *o, char **argv, struct finding *f)
{
	for (const char *at = argv[0] + 1; *at; at++) {
		const struct option_spec *spec = NULL;
		char name[3] = {'-', *at, '\0'};
		const char *value = NULL;
		int r;

		for (size_t i = 0; i < SPEC_COUNT && !spec; i++)
			if (specs[i].letter == *at)
				spec = &specs[i];
		if (!spec)
			return unknown(f, argv[0]);
		if (spec->arity == VALUE) {
			value = at[1] ? at + 1 : argv[1];
			if (!value)
				return missing_value(f, name);
		}
		r = set_option(o, spec, name, value, f);
		if (r < 0)
			return r;
		if (value)
			return at[1] ? 1 : 2;
	}
	return 1;
}

/* Read the options in front of a command. @rest: out, the first other word. */
static int parse_words(struct options *o, char **argv, char ***rest, struct finding *f)
{
	while (*argv && argv[0][0] == '-' && argv[0][1]) {
		int used;

		if (!strcmp(*argv, "--")) {
			argv++;
			break;
		}
		used = argv[0][1] == '-' ? long_option(o, argv, f) : short_options(o, argv, f);
		if (used < 0)
			return used;
		argv += used;
	}
	*rest = argv;
	return 0;
}

/* STREMIO_STOP_TIMEOUT for stop-timeout. */
static void twin_name(const struct option_spec *spec, char *buf, size_t size)
{
	struct text t;

	text_begin(&t, buf, size);
	text_str(&t, "STREMIO_");
	text_str(&t, spec->name);
	for (char *c = buf; *c; c++) {
		if (*c == '-')
			*c = '_';
		else if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
}

/* Cuts `a;b` in place: the values live on in the environment block. */
static int set_each(struct options *o, const struct option_spec *spec, const char *name,
		    char *values, struct finding *f)
{
	int r = 0;

	while (!r && values && *values) {
		char *next = strchr(values, ';');

		if (next)
			*next++ = '\0';
		r = set_option(o, spec, name, values, f);
		values = next;
	}
	return r;
}

static int parse_twin(struct options *o, char *entry, char *value, struct finding *f)
{
	char name[48];

	for (size_t i = 0; i < SPEC_COUNT; i++) {
		const struct option_spec *spec = &specs[i];

		twin_name(spec, name, sizeof(name));
		if (spec->no_twin || strlen(name) != (size_t)(value - entry - 1) ||
		    strncmp(name, entry, strlen(name)) != 0)
			continue;
		if (spec->repeats)
			return set_each(o, spec, name, value, f);
		return set_option(o, spec, name, value, f);
	}
	/* Not fatal, the application may have variables of that name; but a
	 * misspelt one must not pass for a setting. */
	if (o->level > LOG_QUIET)
		log_warn(STEP, 0, "no option of this program, left to the application:", entry,
			 SEE_HELP);
	return 0;
}

static int parse_environment(struct options *o, char **envp, struct finding *f)
{
	for (; *envp; envp++) {
		char *value = strchr(*envp, '=');
		int r;

		if (!value || strncmp(*envp, "STREMIO_", 8) != 0)
			continue;
		r = parse_twin(o, *envp, value + 1, f);
		if (r < 0)
			return r;
	}
	return 0;
}

static const struct options defaults = {
	.action = ACTION_LAUNCH,
	.user = "auto",
	.policy = "stremio",
	.exec_bounding = BOUNDING_LAUNCH,
	.stop_timeout_ms = 10000,
	.ready = READY_AUTO,
	.level = LOG_NORMAL,
};

int options_parse(char **argv, char **envp, const char *args_file, struct options *o,
		  struct finding *f)
{
	char **words = argv[0] ? argv + 1 : argv;
	char **file_words = NULL;
	struct options probe = defaults;
	char **rest;
	int r;

	/* A first reading finds out whether there is a command, which decides about
	 * the args file. Its options rank below the command line's, and --tmpfs adds
	 * up in the order environment, file, command line. */
	r = parse_words(&probe, words, &rest, f);
	if (r < 0)
		return r;
	*o = defaults;
	o->action = probe.action;
	if (o->action != ACTION_LAUNCH)
		return 0;
	o->level = probe.level;
	r = parse_environment(o, envp, f);
	if (r < 0)
		return r;
	if (!*rest) {
		r = args_file_read(args_file, &file_words, f);
		if (r < 0)
			return r;
	}
	if (file_words) {
		r = parse_words(o, file_words, &rest, f);
		if (r < 0)
			return r;
		o->command = *rest ? rest : NULL;
	}
	r = parse_words(o, words, &rest, f);
	if (r < 0)
		return r;
	if (*rest)
		o->command = rest;
	return 0;
}

static int write_all(const char *s, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, s, len);

		if (n < 0)
			return -errno;
		s += n;
		len -= (size_t)n;
	}
	return 0;
}

static void help_option(struct text *t, const struct option_spec *spec)
{
	size_t start = t->len;

	text_str(t, "  ");
	if (spec->letter) {
		char letter[] = {'-', spec->letter, ',', ' ', '\0'};

		text_str(t, letter);
	} else {
		text_str(t, "    ");
	}
	text_str(t, "--");
	text_str(t, spec->name);
	if (spec->value) {
		text_str(t, spec->arity == MAY_HAVE_VALUE ? "[=" : "=");
		text_str(t, spec->value);
		text_str(t, spec->arity == MAY_HAVE_VALUE ? "]" : "");
	}
	for (const char *line = spec->help; line;) {
		const char *end = strchr(line, '\n');
		char part[80];
		struct text p;

		if (t->len - start > 28) {
			text_str(t, "\n");
			start = t->len;
		}
		while (t->len - start < 30)
			text_str(t, " ");
		text_begin(&p, part, end ? (size_t)(end - line) + 1 : sizeof(part));
		text_str(&p, line);
		text_str(t, part);
		text_str(t, "\n");
		start = t->len;
		line = end ? end + 1 : NULL;
	}
}

int options_help(void)
{
	char buf[4096];
	struct text t;

	text_begin(&t, buf, sizeof(buf));
	text_str(&t,
		 "Usage: stremio-shim [OPTION]... [--] [COMMAND [ARG]...]\n"
		 "\n"
		 "Starts COMMAND as an unprivileged user, without capabilities and behind a\n"
		 "system call filter, and looks after it as PID 1 of a container: passes signals\n"
		 "on, reaps, and stops everything in order. Nothing is started half-confined.\n"
		 "\n"
		 "Without COMMAND: the words of " OPTIONS_ARGS_FILE " (one a line, options\n"
		 "first), else /app/bin/stremio, /usr/bin/stremio, or stremio in PATH.\n"
		 "\n");
	for (size_t i = 0; i < SPEC_COUNT; i++)
		help_option(&t, &specs[i]);
	text_str(&t,
		 "\n"
		 "Each option but the last two has an environment twin, --stop-timeout=5 is\n"
		 "STREMIO_STOP_TIMEOUT=5; the command line wins. Repeatable ones hold\n"
		 "several values separated by ';', switches are 1 or 0.\n"
		 "\n"
		 "Stop: SIGTERM, SIGPWR, 37, 38. Restart as PID 1: SIGINT. All other signals are\n"
		 "passed on.\n"
		 "\n"
		 "Exit status: the command's own; 128+N when signal N ended it; 64 usage;\n"
		 "71 set-up failed; 77 confinement failed or did not verify; 126 cannot\n"
		 "execute; 127 not found.\n");
	return write_all(buf, t.len);
}

int options_version(void)
{
	return write_all("stremio-shim " SHIM_VERSION "\n", sizeof("stremio-shim " SHIM_VERSION));
}
