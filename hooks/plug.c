/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "verbs.h"
#include "wire.h"
#include "worker.h"

#define AT_A_TIME 32

/* One instance and the process that sees to it: another's file system may hold it up. */
struct job {
	const struct call *call;
	char name[NAME_SIZE];
	struct worker worker;
};

struct jobs {
	const struct call *call;
	struct report rep;
	struct job job[AT_A_TIME];
	size_t count;
	bool failed;
};

/* Return: 0 it runs, -ESRCH it does not, any more; else why it cannot be told. */
static int open_running(const struct wired *w, struct instance *i, struct finding *f)
{
	int r = instance_open(w->pid, i, f);

	/* Who has its number now may be anything, and be refused. */
	return i->start && i->start != w->start ? -ESRCH : r;
}

static int bring_into_line(const struct job *j, struct state *s, struct wired *w)
{
	struct report rep;
	struct instance i;
	struct finding f;
	int r = open_running(w, &i, &f);

	report_open(&rep, j->name, w->log);
	if (r == 0) {
		/* What went wrong it has reported itself. */
		r = wire(&i, s, w, j->call->dry_run, &rep);
	} else {
		/* Its end was not told: liblxc's monitor was killed, too. */
		if (r == -ESRCH)
			r = j->call->dry_run ? 0 : state_remove(s, &f);
		if (r < 0)
			report(&rep, REPORT_WARN, &f);
	}
	report_close(&rep);
	instance_close(&i);
	return r < 0 ? EXIT_SETUP : 0;
}

static int work(void *arg)
{
	const struct job *j = arg;
	static struct wired w;
	struct state s;
	struct finding f;
	int r = state_open(j->name, false, &s, &f);

	if (r == 0) {
		r = state_read(&s, &w);
		/* No file yet: its start has not come so far, or was ended. */
		if (r == 0)
			r = bring_into_line(j, &s, &w);
		else if (r != -ENOENT)
			(void)finding_set(&f, 0, "state", -r, "cannot read what is wired in",
					  j->name, "restart the instance");
	}
	state_close(&s);
	if (r < 0 && r != -ENOENT) {
		struct report rep;

		report_open(&rep, j->name, "");
		report(&rep, REPORT_WARN, &f);
		r = EXIT_SETUP;
	}
	return r < 0 ? 0 : r;
}

static void finish(struct jobs *all)
{
	struct finding f;

	for (size_t i = 0; i < all->count; i++) {
		int r = worker_wait(&all->job[i].worker);

		all->failed |= r != 0;
		if (r >= 0)
			continue;
		(void)finding_set(&f, 0, "worker", -r, "did not finish for", all->job[i].name,
				  NULL);
		report(&all->rep, REPORT_ERROR, &f);
	}
	all->count = 0;
}

static int add_job(const char *name, void *arg)
{
	struct jobs *all = arg;
	struct job *j;

	if (all->count == AT_A_TIME)
		finish(all);
	j = &all->job[all->count++];
	j->call = all->call;
	memcpy(j->name, name, strlen(name) + 1);
	(void)worker_start(work, j, WORKER_DEADLINE_MS, &j->worker);
	return 0;
}

int verb_plug(const struct call *c)
{
	static struct jobs all;
	struct finding f;
	int r;

	all.call = c;
	report_open(&all.rep, "", "");
	r = state_each(add_job, &all);
	if (r < 0) {
		(void)finding_set(&f, 0, "state", -r, "cannot list", STATE_DIR, NULL);
		report(&all.rep, REPORT_ERROR, &f);
	}
	finish(&all);
	return r < 0 || all.failed ? EXIT_SETUP : 0;
}
