/* SPDX-License-Identifier: Apache-2.0 */
#include "finding.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

static enum log_level log_level = LOG_NORMAL;

int finding_set(struct finding *f, int status, const char *step, int err, const char *what,
		const char *arg, const char *hint)
{
	struct text t;

	f->status = status;
	f->err = err;
	text_begin(&t, f->step, sizeof(f->step));
	text_str(&t, step);
	text_begin(&t, f->what, sizeof(f->what));
	text_str(&t, what);
	if (arg) {
		text_str(&t, " '");
		text_safe(&t, arg);
		text_str(&t, "'");
	}
	text_begin(&t, f->hint, sizeof(f->hint));
	text_safe(&t, hint);
	return err ? -err : -EINVAL;
}

void log_set_level(enum log_level level)
{
	log_level = level;
}

int log_verbose(void)
{
	return log_level >= LOG_VERBOSE;
}

void log_finding(const struct finding *f)
{
	char line[1024];
	struct text t;
	ssize_t r;

	text_begin(&t, line, sizeof(line) - 1);
	text_str(&t, "stremio-shim: ");
	text_safe(&t, f->step);
	text_str(&t, ": ");
	text_safe(&t, f->what);
	if (f->err) {
		text_str(&t, ": ");
		text_safe(&t, strerror(f->err));
	}
	if (f->hint[0]) {
		text_str(&t, " (");
		text_safe(&t, f->hint);
		text_str(&t, ")");
	}
	line[t.len] = '\n';
	/* One write, so that lines of several processes do not mix. Nothing can be
	 * done about a stderr that is gone. */
	r = write(STDERR_FILENO, line, t.len + 1);
	(void)r;
}

void log_warn(const char *step, int err, const char *what, const char *arg, const char *hint)
{
	struct finding f;

	if (log_level <= LOG_QUIET)
		return;
	(void)finding_set(&f, 0, step, err, what, arg, hint);
	log_finding(&f);
}

void log_info(const char *step, const char *what, const char *arg)
{
	if (log_level >= LOG_VERBOSE)
		log_warn(step, 0, what, arg, NULL);
}
