/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "options.h"
#include "options_table.h"
#include "output.h"
#include "text.h"

#ifndef SHIM_VERSION
#define SHIM_VERSION "0.1.0"
#endif

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
	char buf[6144];
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
	for (size_t i = 0; i < options_table_count; i++)
		help_option(&t, &options_table[i]);
	text_str(&t,
		 "\n"
		 "Each setting has an environment twin: STREMIO_STOP_TIMEOUT=5 for\n"
		 "--stop-timeout=5; the command line wins. Repeatable ones hold several values\n"
		 "separated by ';', switches are 1 or 0.\n"
		 "\n"
		 "Stop: SIGTERM, SIGPWR, 37, 38. Restart as PID 1: SIGINT. All other signals are\n"
		 "passed on.\n"
		 "\n"
		 "Exit status: the command's own; 128+N when signal N ended it; 64 usage;\n"
		 "69 a required device is not good; 71 set-up failed; 77 confinement failed or\n"
		 "did not verify; 126 cannot execute; 127 not found.\n");
	return output_write(buf, t.len);
}

int options_version(void)
{
	return output_write("stremio-shim " SHIM_VERSION "\n",
			    sizeof("stremio-shim " SHIM_VERSION));
}
