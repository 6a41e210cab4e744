/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "attach.h"
#include "discover.h"
#include "owner.h"
#include "text.h"
#include "verbs.h"
#include "wire.h"
#include "worker.h"

struct start {
	const struct call *call;
	struct devices devices;
	struct report rep;
};

static void copy_text(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	memcpy(dst, src, len < size ? len + 1 : 0);
}

/* Anybody may have written LXC_PID; what liblxc starts is its own child, and so is this. */
static int judge_parent(const struct start *s, const struct instance *i, struct finding *f)
{
	if (i->parent == s->call->monitor)
		return 0;
	return finding_set(f, 0, "instance", 0,
			   "LXC_PID is no child of the process that called this hook", NULL,
			   "only liblxc is to call this");
}

/* What it has now, and what of that its kernel may refuse all the same. */
static void tell(struct start *s, const struct instance *i, const struct wired *w)
{
	char nodes[96];
	size_t names = 0;
	struct finding f;
	struct text t;

	for (size_t n = 0; n < w->nodes.count; n++)
		names += w->nodes.node[n].name_only;
	text_begin(&t, nodes, sizeof(nodes));
	text_num(&t, w->nodes.count - names);
	text_str(&t, " nodes, group ");
	text_num(&t, w->gid);
	if (names) {
		text_str(&t, ", and by name only ");
		text_num(&t, names);
	}
	(void)finding_set(&f, 0, "wired", 0, nodes, NULL, NULL);
	report(&s->rep, REPORT_INFO, &f);
	if (i->own_users || !w->nodes.count)
		return;
	(void)finding_set(&f, 0, "wired", 0,
			  "the instance is privileged: its device cgroup refuses what is not in it",
			  NULL,
			  "security.privileged=false, or lxc.cgroup2.devices.allow = c 226:* rw");
	report(&s->rep, REPORT_WARN, &f);
}

/* Also where no device is yet. Where they may not be made, wire() tells of it, of its first node. */
static void make_directories(struct start *s, const struct instance *i)
{
	const struct devices *d = &s->devices;
	struct place place;
	struct finding f;
	int r;

	if (place_open(i, &place, &f) < 0) {
		place_close(&place);
		return;
	}
	r = instance_be_root(i);
	if (r == 0 && (d->gpu.wanted || d->primary.wanted))
		r = place_directory(&place, "dri");
	if (r == 0 && d->sound.wanted)
		r = place_directory(&place, "snd");
	instance_be_host();
	place_close(&place);
	if (r == 0)
		return;
	(void)finding_set(&f, 0, "attach", -r, "cannot make the devices' directories", NULL, NULL);
	report(&s->rep, REPORT_WARN, &f);
}

static int wire_instance(struct start *s, const struct instance *i)
{
	const struct request *rq = &s->call->rq;
	static struct wired w;
	struct state state = {.dir = -1};
	struct finding f;
	int r;

	w.pid = i->pid;
	w.start = i->start;
	copy_text(w.devices, rq->devices[0] ? rq->devices : DEVICES_DEFAULT, sizeof(w.devices));
	copy_text(w.log, rq->log, sizeof(w.log));
	if (owner_gid(i, rq->user, &w.gid, &f) < 0)
		report(&s->rep, REPORT_WARN, &f);
	/* Before the devices are listed: one that comes after that is udev's to tell, and
	 * `plug` waits for this lock. */
	if (!s->call->dry_run && state_open(rq->name, true, &state, &f) < 0) {
		report(&s->rep, REPORT_ERROR, &f);
		return 0;
	}
	if (!s->call->dry_run)
		make_directories(s, i);
	r = wire(i, &state, &w, s->call->dry_run, &s->rep);
	state_close(&state);
	if (!s->call->dry_run)
		tell(s, i, &w);
	return r;
}

static int work(void *arg)
{
	struct start *s = arg;
	struct instance i;
	struct finding f;
	int r = instance_open(s->call->rq.pid, &i, &f);

	if (r == 0)
		r = judge_parent(s, &i, &f);
	if (r == 0)
		(void)wire_instance(s, &i);
	else
		report(&s->rep, REPORT_ERROR, &f);
	instance_close(&i);
	return 0;
}

static int judge(const struct request *rq, bool listing, struct devices *d, struct finding *f)
{
	if (devices_parse(rq->devices, d, f) < 0)
		return -EINVAL;
	if (!listing && (!rq->name[0] || !rq->pid))
		return finding_set(f, 0, "environment", 0, "no usable LXC_NAME and LXC_PID", NULL,
				   "this is for lxc.hook.start-host");
	return 0;
}

/* By hand, without an instance: what one would get. */
static void list(struct start *s)
{
	static struct nodes nodes;
	struct finding f;

	if (discover(&s->devices, NULL, &nodes, &f) < 0)
		report(&s->rep, REPORT_WARN, &f);
	for (size_t i = 0; i < nodes.count; i++)
		printf("add /dev/%s %u:%u%s\n", nodes.node[i].name, major(nodes.node[i].rdev),
		       minor(nodes.node[i].rdev), nodes.node[i].name_only ? ", name only" : "");
}

int verb_start_host(const struct call *c)
{
	struct start s = {.call = c};
	const struct devices *d = &s.devices;
	struct finding f;
	struct worker worker;
	int r;

	report_open(&s.rep, c->rq.name, c->rq.log);
	/* An instance is needed to do it, not to list it. */
	if (judge(&c->rq, c->dry_run, &s.devices, &f) < 0) {
		report(&s.rep, REPORT_ERROR, &f);
	} else if (c->dry_run && !c->rq.pid) {
		list(&s);
	} else if (d->gpu.wanted || d->primary.wanted || d->sound.wanted) {
		(void)worker_start(work, &s, WORKER_DEADLINE_MS, &worker);
		r = worker_wait(&worker);
		if (r) {
			(void)finding_set(&f, 0, "worker", r < 0 ? -r : 0,
					  "did not finish, devices may be missing", NULL,
					  "restart the instance");
			report(&s.rep, REPORT_ERROR, &f);
		}
	}
	report_close(&s.rep);
	return 0;
}
