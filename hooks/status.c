/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "hook_report.h"
#include "instance.h"
#include "output.h"
#include "state.h"
#include "verbs.h"

struct listing {
	const struct call *call;
	struct output out;
	size_t instances;
};

static bool is_running(const struct wired *w)
{
	struct instance i;
	struct finding f;
	bool running = instance_open(w->pid, &i, &f) == 0 && i.start == w->start;

	instance_close(&i);
	return running;
}

static void put_padded(struct output *o, const char *s, size_t width)
{
	output_str(o, s);
	for (size_t len = strlen(s); len < width; len++)
		output_str(o, " ");
	output_str(o, " ");
}

static void put_text(struct listing *l, const char *name, const struct wired *w)
{
	const char *state = is_running(w) ? "running" : "gone";

	if (!l->instances)
		output_str(&l->out, "INSTANCE             STATE   NODE                 NUMBER   "
				    "OWNER INSIDE\n");
	for (size_t i = 0; i < w->nodes.count; i++) {
		const struct node *n = &w->nodes.node[i];
		char number[32];

		(void)snprintf(number, sizeof(number), "%u:%u", major(n->rdev), minor(n->rdev));
		put_padded(&l->out, name, 20);
		put_padded(&l->out, state, 7);
		put_padded(&l->out, n->name, 20);
		put_padded(&l->out, number, 8);
		if (n->name_only) {
			output_str(&l->out, "name only\n");
			continue;
		}
		output_str(&l->out, "0:");
		output_num(&l->out, w->gid);
		output_str(&l->out, "\n");
	}
	if (w->nodes.count)
		return;
	put_padded(&l->out, name, 20);
	put_padded(&l->out, state, 7);
	output_str(&l->out, "none\n");
}

static void put_json(struct listing *l, const char *name, const struct wired *w)
{
	struct output *o = &l->out;

	output_str(o, l->instances ? ",{\"instance\":" : "{\"instance\":");
	output_json(o, name);
	output_str(o, ",\"running\":");
	output_str(o, is_running(w) ? "true" : "false");
	output_str(o, ",\"pid\":");
	output_num(o, (uint64_t)w->pid);
	output_str(o, ",\"devices\":");
	output_json(o, w->devices);
	output_str(o, ",\"gid\":");
	output_num(o, w->gid);
	output_str(o, ",\"nodes\":[");
	for (size_t i = 0; i < w->nodes.count; i++) {
		const struct node *n = &w->nodes.node[i];

		output_str(o, i ? ",{\"path\":\"/dev/" : "{\"path\":\"/dev/");
		output_str(o, n->name);
		output_str(o, "\",\"major\":");
		output_num(o, major(n->rdev));
		output_str(o, ",\"minor\":");
		output_num(o, minor(n->rdev));
		output_str(o, n->name_only ? ",\"name_only\":true}" : ",\"name_only\":false}");
	}
	output_str(o, "]}");
}

static int list_one(const char *name, void *arg)
{
	struct listing *l = arg;
	static struct wired w;
	struct state s;
	struct finding f;
	int r;

	if (l->call->instance && strcmp(l->call->instance, name) != 0)
		return 0;
	r = state_look(name, &s, &f);
	if (r == 0)
		r = state_read(&s, &w);
	state_close(&s);
	/* Gone since the listing, or not there yet. */
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (l->call->json)
		put_json(l, name, &w);
	else
		put_text(l, name, &w);
	l->instances++;
	return 0;
}

int verb_status(const struct call *c)
{
	struct listing l = {.call = c};
	struct report rep;
	struct finding f;
	int r;

	report_open(&rep, "", "");
	output_begin(&l.out);
	if (c->json)
		output_str(&l.out, "{\"schema\":1,\"instances\":[");
	r = state_each(list_one, &l);
	if (c->json)
		output_str(&l.out, "]}\n");
	if (r == 0)
		r = output_end(&l.out);
	if (r < 0) {
		(void)finding_set(&f, 0, "status", -r, "cannot read", STATE_DIR,
				  r == -EACCES ? "run as root" : NULL);
		report(&rep, REPORT_ERROR, &f);
		return EXIT_SETUP;
	}
	if (!c->instance || l.instances)
		return 0;
	(void)finding_set(&f, 0, "status", 0, "nothing is wired in", c->instance,
			  "is it running, with the profile's hooks?");
	report(&rep, REPORT_ERROR, &f);
	return EXIT_NO_INSTANCE;
}
