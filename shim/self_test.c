/* SPDX-License-Identifier: Apache-2.0 */
#include "self_test.h"

#include <string.h>
#include <unistd.h>

#include "environment.h"
#include "inspect.h"
#include "probe_run.h"
#include "report.h"
#include "signals.h"
#include "sys.h"

/* How often is looked again where nothing tells of a change; a check opens devices. */
#define WATCH_MS 30000

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
			    "run the self-test as root of the container");
		return;
	}
}

static void look(struct inspection *i)
{
	probe_run(i->probe, i->env,
		  i->launch->options->devices | GROUP_BIT(GROUP_SYSTEM) | GROUP_BIT(GROUP_SANDBOX),
		  PROBE_DEADLINE_MS, i->now);
	if (i->as_caller)
		forgive(i->now);
}

static int watch(struct inspection *i)
{
	int watches = inspect_watch(i->env);
	int r = 0;

	while (r == 0) {
		struct records *before = i->now;

		inspect_pause(watches, WATCH_MS);
		watches = inspect_watch(i->env);
		i->now = i->before;
		i->before = before;
		look(i);
		r = report_changes(i);
	}
	return r;
}

static int look_and_tell(struct inspection *i)
{
	int r;

	i->colour = shows_colour(i->launch->environment);
	look(i);
	r = report_all(i);
	if (r == 0 && i->launch->options->watch)
		r = watch(i);
	if (r < 0)
		return EXIT_SETUP;
	return report_good(i) ? 0 : EXIT_UNAVAILABLE;
}

int self_test(const struct launch *l, struct finding *f)
{
	signal_set stops =
		signals_stop_requests(true) | SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGQUIT);

	return inspect_with(l, look_and_tell, stops, f);
}
