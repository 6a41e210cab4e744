/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <string.h>

#include "args_file.h"
#include "environment.h"
#include "options_table.h"
#include "probe/wire.h"
#include "text.h"

#define STEP "options"
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

	for (size_t i = 0; i < options_table_count && !spec; i++)
		if (strlen(options_table[i].name) == len &&
		    !strncmp(options_table[i].name, word, len))
			spec = &options_table[i];
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

		for (size_t i = 0; i < options_table_count && !spec; i++)
			if (options_table[i].letter == *at)
				spec = &options_table[i];
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

	for (size_t i = 0; i < options_table_count; i++) {
		const struct option_spec *spec = &options_table[i];

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
	.devices = GROUP_BIT(GROUP_GPU) | GROUP_BIT(GROUP_SOUND) | GROUP_BIT(GROUP_X11),
	.wait_ms = 10000,
	.ready = READY_AUTO,
	.level = LOG_NORMAL,
};

/* What one option says about another; and the default that depends on the environment. */
static int settle(struct options *o, char **envp, struct finding *f)
{
	const char *display = environment_get(envp, "DISPLAY");

	if (!o->require_named && display && *display)
		o->require = o->devices & GROUP_BIT(GROUP_X11);
	if (o->require & ~o->devices)
		return finding_set(f, EXIT_USAGE, STEP, 0,
				   "--require names what --devices does not", NULL, SEE_HELP);
	if (o->watch && (o->action != ACTION_SELF_TEST || o->format == REPORT_OPENMETRICS))
		return finding_set(f, EXIT_USAGE, STEP, 0,
				   "--watch goes with --self-test=text or json", NULL, SEE_HELP);
	return 0;
}

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
	if (o->action == ACTION_HELP || o->action == ACTION_VERSION)
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
	return settle(o, envp, f);
}
