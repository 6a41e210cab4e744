/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "hook_report.h"
#include "state.h"
#include "verbs.h"
#include "worker.h"

struct stop {
	const struct call *call;
	struct report rep;
};

/*
 * The mounts are in the namespace of a container that has ended and go with it, and the nodes
 * with the mounts. What is left of it on the host is the directory.
 */
static int work(void *arg)
{
	struct stop *s = arg;
	struct state state;
	struct finding f;
	int r = state_open(s->call->rq.name, false, &state, &f);

	if (r == 0)
		r = state_remove(&state, &f);
	state_close(&state);
	if (r == 0 || r == -ENOENT)
		return 0;
	report(&s->rep, REPORT_WARN, &f);
	return EXIT_SETUP;
}

int verb_stop(const struct call *c)
{
	struct stop s = {.call = c};
	struct finding f;
	struct worker worker;
	int r;

	report_open(&s.rep, c->rq.name, c->rq.log);
	if (!c->rq.name[0]) {
		(void)finding_set(&f, 0, "environment", 0, "no usable LXC_NAME", NULL,
				  "this is for lxc.hook.stop");
		report(&s.rep, REPORT_ERROR, &f);
		r = EXIT_USAGE;
	} else if (c->dry_run) {
		printf("remove " STATE_DIR "/%s\n", c->rq.name);
		r = 0;
	} else {
		(void)worker_start(work, &s, WORKER_DEADLINE_MS, &worker);
		r = worker_wait(&worker);
		worker_gone(&worker);
		if (r < 0) {
			(void)finding_set(&f, 0, "worker", -r, "did not finish", NULL, NULL);
			report(&s.rep, REPORT_ERROR, &f);
			r = EXIT_SETUP;
		}
	}
	report_close(&s.rep);
	return r;
}
