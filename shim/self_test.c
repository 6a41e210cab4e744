/* SPDX-License-Identifier: Apache-2.0 */
#include "self_test.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "changes.h"
#include "environment.h"
#include "inspect.h"
#include "probe_run.h"
#include "report.h"
#include "signals.h"
#include "sys.h"

/* How often is looked again where nothing tells of a change; a check opens devices. */
#define WATCH_MS 30000
/* A check of a sound card keeps others from it for a moment: no more than one a second. */
#define SETTLE_MS 1000

static bool shows_colour(char **env)
{
	const char *none = environment_get(env, "NO_COLOR");
	const char *term = environment_get(env, "TERM");

	return isatty(STDOUT_FILENO) && !(none && *none) && term && strcmp(term, "dumb") != 0;
}

/* Without root, capabilities and groups are what the caller has. */
static void forgive(struct records *r)
{
	for (size_t n = 0; n < r->count; n++) {
		struct wire_record *w = &r->record[n];

		if (w->check != CHECK_SANDBOX_CAPS)
			continue;
		*w = r->record[--r->count];
		records_add(r, CHECK_SANDBOX_CAPS, STATUS_SKIP, "needs root",
			    "run it as root with SETUID SETGID SETPCAP");
		return;
	}
}

static void look(struct inspection *i)
{
	probe_run(i->probe, i->env,
		  i->launch->options->devices | GROUP_BIT(GROUP_SYSTEM) | GROUP_BIT(GROUP_SANDBOX),
		  0, PROBE_DEADLINE_MS, i->now);
	(void)probe_end();
	if (i->as_caller)
		forgive(i->now);
}

/* @changes: what has changed since the first look. Return: -errno, or INSPECT_ANEW. */
static int watch(struct inspection *i, struct changes changes)
{
	int r = 0;

	while (r == 0) {
		struct records *before = i->now;

		changes_await(&changes, SETTLE_MS, WATCH_MS);
		if (inspect_out_of_date(i)) {
			*i->before = *i->now;
			return INSPECT_ANEW;
		}
		changes_begin(&changes, i->env);
		i->now = i->before;
		i->before = before;
		look(i);
		r = report_changes(i);
	}
	return r;
}

static int look_and_tell(struct inspection *i)
{
	struct changes changes = {.fd = -1};
	struct finding f;
	int r;

	i->colour = shows_colour(i->launch->environment);
	if (i->launch->options->watch)
		changes_begin(&changes, i->env);
	look(i);
	r = i->launch->waiting.told ? report_changes(i) : report_all(i);
	if (r == 0 && i->launch->options->watch)
		r = watch(i, changes);
	if (r < 0) {
		(void)finding_set(&f, EXIT_SETUP, "self-test", -r, "cannot write the report", NULL,
				  NULL);
		log_finding(&f);
		return f.status;
	}
	if (r > 0)
		return r;
	return report_good(i) ? 0 : EXIT_UNAVAILABLE;
}

int self_test(struct launch *l, struct finding *f)
{
	signal_set stops = signals_stop_requests(true) | SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGQUIT);

	/* Of its own it takes no longer than a run of the probe; --watch goes on for ever. */
	int64_t most_ms = l->options->watch ? 0 : 2 * PROBE_DEADLINE_MS;
	int status;

	/* What it has found, for an inspector that goes on in the place of another: what has not
	 * changed is not told again. This process never looks at it. */
	if (l->options->watch)
		l->waiting.records = mmap(NULL, 2 * sizeof(struct records), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l->waiting.records == MAP_FAILED) {
		(void)finding_set(f, EXIT_SETUP, "inspect", errno, "no memory", NULL, NULL);
		return f->status;
	}
	while ((status = inspect_with(l, look_and_tell, stops, most_ms, f)) == INSPECT_ANEW)
		inspect_renew(l);
	return status;
}
