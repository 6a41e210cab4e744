/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <signal.h>
#include <unistd.h>

#include "changes.h"
#include "environment.h"
#include "probe_run.h"
#include "signals.h"
#include "supervise.h"
#include "sys.h"
#include "text.h"

#define STEP "inspect"
#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 1000
#define PROBE_DEADLINE_MIN_MS 1000

/* One line, in the place of an errno text what the probe says. */
static void describe(const struct wire_record *w, struct finding *f)
{
	struct text t;

	(void)finding_set(f, EXIT_UNAVAILABLE, wire_names[w->check], 0, "", NULL, NULL);
	text_begin(&t, f->what, sizeof(f->what));
	if (w->target[0]) {
		text_shown(&t, w->target);
		text_str(&t, ": ");
	}
	text_shown(&t, w->summary);
	text_begin(&t, f->hint, sizeof(f->hint));
	text_shown(&t, w->hint);
}

static bool is_required(const struct inspection *i, const struct wire_record *w)
{
	return i->launch->options->require & GROUP_BIT(w->group);
}

/* Is this what keeps the launch back? */
static bool is_in_the_way(const struct inspection *i, const struct wire_record *w)
{
	if (!is_required(i, w))
		return false;
	if (w->status == STATUS_FAIL)
		return records_check_failed(i->now, w->check);
	return i->launch->options->require_named && records_group_skipped(i->now, w->group);
}

/* The first thing of each group that is waited for. */
static void tell_waiting(const struct inspection *i)
{
	uint32_t told = 0;
	struct finding f;
	char what[80];
	struct text t;

	for (size_t n = 0; n < i->now->count; n++) {
		const struct wire_record *w = &i->now->record[n];

		if (told & GROUP_BIT(w->group) || !is_in_the_way(i, w))
			continue;
		told |= GROUP_BIT(w->group);
		describe(w, &f);
		text_begin(&t, what, sizeof(what));
		text_str(&t, "waits up to ");
		text_num(&t, (i->launch->options->wait_ms + 999) / 1000);
		text_str(&t, " s for ");
		text_str(&t, f.step);
		log_warn(STEP, 0, what, NULL, f.what);
	}
}

/*
 * One line for what is not good; of a group that was not checked at all, its first.
 * @required: of the required groups, or of the others. @refused: these are why nothing is started.
 */
static void tell(const struct inspection *i, bool required, bool refused)
{
	uint32_t told = 0;
	struct finding f;

	for (size_t n = 0; n < i->now->count; n++) {
		const struct wire_record *w = &i->now->record[n];
		bool skipped = records_group_skipped(i->now, w->group);

		if (is_required(i, w) != required || (skipped && told & GROUP_BIT(w->group)))
			continue;
		told |= GROUP_BIT(w->group);
		describe(w, &f);
		if (refused && is_in_the_way(i, w))
			log_finding(&f);
		else if (log_verbose() || skipped || w->status == STATUS_WARN ||
			 w->status == STATUS_FAIL)
			log_warn(f.step, 0, f.what, NULL, f.hint);
	}
}

/* What hangs does not hold things up much longer than --wait, but has a fair chance. */
static uint32_t deadline(int64_t left)
{
	if (left > PROBE_DEADLINE_MS)
		return PROBE_DEADLINE_MS;
	return left < PROBE_DEADLINE_MIN_MS ? PROBE_DEADLINE_MIN_MS : (uint32_t)left;
}

/*
 * What is checked beside the required groups: the rest of --devices. Of the default list only
 * what there is a trace of, for nobody has asked for it.
 */
static uint32_t others(const struct inspection *i)
{
	const struct options *o = i->launch->options;
	const char *display = environment_get(i->env, "DISPLAY");
	uint32_t set = o->devices & ~o->require;

	if (o->devices_named)
		return set;
	/* The directories alone are none: the host's hook makes them for what may yet come. */
	set &= i->launch->groups.nodes | ~(GROUP_BIT(GROUP_GPU) | GROUP_BIT(GROUP_SOUND));
	if (!display || !*display)
		set &= ~GROUP_BIT(GROUP_X11);
	return set;
}

static int64_t longer(int64_t pause)
{
	return pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
}

static int gate(struct inspection *i)
{
	const struct options *o = i->launch->options;
	int64_t end = i->launch->waiting.end_ms;
	int64_t pause = i->launch->waiting.pause_ms;
	uint32_t beside = others(i);

	for (bool first = !i->launch->waiting.told;; first = false) {
		struct changes changes;
		int64_t left = end - sys_now_ms();
		bool good;

		/* The kernel takes its time to begin with it: not where the first look is enough. */
		if (!first)
			changes_begin(&changes, i->env);
		probe_run(i->probe, i->env, o->require, first ? beside : beside & PRIMARY_WANTED,
			  deadline(left), i->now);
		if (first)
			tell(i, false, false);
		left = end - sys_now_ms();
		/* What could not be checked will not be there later either. */
		if (left <= 0 || records_good(i->now, o->require, false)) {
			good = records_good(i->now, o->require, o->require_named);
			tell(i, true, !good);
			return good ? 0 : EXIT_UNAVAILABLE;
		}
		(void)probe_end();
		if (first) {
			/* And once more at once, for what has changed before anybody watched. */
			tell_waiting(i);
			continue;
		}
		changes_await(&changes, PAUSE_FIRST_MS, left < pause ? left : pause);
		pause = longer(pause);
		if (inspect_out_of_date(i))
			return INSPECT_ANEW;
	}
}

int gate_pass(struct launch *l, struct finding *f)
{
	signal_set stops = signals_stop_requests(l->init) | SIGNAL_BIT(SIGINT);
	struct waiting *w = &l->waiting;
	int status;

	if (!l->options->require)
		return 0;
	if (!l->init)
		stops |= SIGNAL_BIT(SIGHUP) | SIGNAL_BIT(SIGQUIT);
	*w = (struct waiting){.end_ms = sys_now_ms() + l->options->wait_ms,
			      .pause_ms = PAUSE_FIRST_MS};
	for (;;) {
		int64_t left = w->end_ms - sys_now_ms();

		status = inspect_with(l, gate, stops, (left > 0 ? left : 0) + 2 * PROBE_DEADLINE_MS,
				      f);
		if (status != INSPECT_ANEW)
			break;
		inspect_renew(l);
		w->pause_ms = longer(w->pause_ms);
	}
	if (status == 128 + SIGINT && l->init)
		supervise_restart();
	if (status < 128)
		return status;
	(void)finding_set(f, EXIT_SETUP, STEP, 0, "a stop was asked for meanwhile", NULL, NULL);
	return f->status;
}
