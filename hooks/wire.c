/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "attach.h"

/* What is to come and what is to go. */
struct plan {
	struct nodes add;
	struct nodes remove;
	uid_t uid;
	gid_t gid;
};

static void collect(struct nodes *out, const struct node *n)
{
	out->node[out->count++] = *n;
}

static bool differ(const struct node *a, const struct node *b)
{
	return a->rdev != b->rdev || a->name_only != b->name_only;
}

static void compare(const struct nodes *have, const struct nodes *want, struct plan *p)
{
	for (size_t i = 0; i < want->count; i++) {
		const struct node *n = nodes_find(have, want->node[i].name);

		if (!n || differ(n, &want->node[i]))
			collect(&p->add, &want->node[i]);
	}
	for (size_t i = 0; i < have->count; i++) {
		const struct node *n = nodes_find(want, have->node[i].name);

		if (!n || differ(n, &have->node[i]))
			collect(&p->remove, &have->node[i]);
	}
}

static void leave_out_names(struct nodes *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->count; i++) {
		if (!n->node[i].name_only)
			n->node[kept++] = n->node[i];
	}
	n->count = kept;
}

/* Return: 0, or -1 when something was found wrong, which has been reported. */
static int plan(const struct instance *i, const struct wired *w, struct plan *p, struct report *rep)
{
	struct devices d;
	struct nodes want;
	struct finding f;
	int r = devices_parse(w->devices, &d, &f);

	/* Not all of it: it is 18 KiB, and a page not touched is a page fault less. */
	p->add.count = p->remove.count = 0;
	p->uid = p->gid = 0;
	if (r < 0) {
		report(rep, REPORT_ERROR, &f);
		return -1;
	}
	r = discover(&d, &w->nodes, &want, &f);
	if (r < 0)
		report(rep, REPORT_WARN, &f);
	/* Too many: those that are wired, then the first. A failure of another kind must not unwire anything. */
	if (r < 0 && r != -ENOSPC)
		return -1;
	/* Who can be the host's root in there, as in a privileged instance, could open them. */
	if (idmap_reaches(&i->uids, 0))
		leave_out_names(&want);
	compare(&w->nodes, &want, p);
	p->uid = i->root_uid;
	if (idmap_shift(&i->gids, w->gid, &p->gid) == 0)
		return r < 0 ? -1 : 0;
	(void)finding_set(&f, 0, "idmap", 0,
			  "the application's group is not in the id map, no device is wired", NULL,
			  "see security.idmap.size and raw.idmap of the instance");
	report(rep, REPORT_ERROR, &f);
	/* Nothing for a group that is not theirs: it would be the host's group 0. */
	p->add.count = 0;
	return -1;
}

static void show(const char *what, const struct nodes *n, const char *name, const struct wired *w,
		 const struct plan *p)
{
	for (size_t i = 0; i < n->count; i++) {
		printf("%s /dev/%s %u:%u, ", what, n->node[i].name, major(n->node[i].rdev),
		       minor(n->node[i].rdev));
		if (n->node[i].name_only)
			printf("name only, in %s\n", name);
		else
			printf("0:%u in %s, %u:%u here\n", w->gid, name, p->uid, p->gid);
	}
}

static void forget(struct nodes *nodes, const char *name)
{
	const struct node *n = nodes_find(nodes, name);
	size_t at = n ? (size_t)(n - nodes->node) : nodes->count;

	if (!n)
		return;
	memmove(&nodes->node[at], &nodes->node[at + 1],
		(nodes->count - at - 1) * sizeof(nodes->node[0]));
	nodes->count--;
}

static int carry_out(const struct place *place, const struct plan *p, struct staged *staged,
		     struct wired *w, struct report *rep)
{
	struct finding f;
	int bad = 0;

	for (size_t i = 0; i < p->remove.count; i++) {
		if (detach(place, &p->remove.node[i], &f) < 0) {
			report(rep, REPORT_WARN, &f);
			bad = -1;
		}
		forget(&w->nodes, p->remove.node[i].name);
	}
	for (size_t i = 0; i < staged->nodes.count && w->nodes.count < NODES_MAX; i++) {
		const struct node *n = &staged->nodes.node[i];
		int r = attach(place, n, staged->tree[i], &f);

		if (r == 0) {
			collect(&w->nodes, n);
		} else if (r < 0) {
			report(rep, REPORT_WARN, &f);
			bad = -1;
		}
	}
	return bad;
}

/* As the host, whose they become: it looks into the container's /dev, and is not in there yet. */
static int withdraw_all(const struct place *place, const struct plan *p, struct report *rep)
{
	struct finding f;
	int bad = 0;

	for (size_t i = 0; i < p->remove.count; i++) {
		if (withdraw(place, &p->remove.node[i], &f) == 0)
			continue;
		report(rep, REPORT_WARN, &f);
		bad = -1;
	}
	return bad;
}

static int apply(const struct instance *i, const struct plan *p, struct wired *w,
		 struct report *rep)
{
	static struct staged staged;
	struct place place;
	struct finding f;
	int bad = 0;
	int r = place_open(i, &place, &f);

	if (r == 0) {
		bad = withdraw_all(&place, p, rep);
		r = stage(&p->add, p->uid, p->gid, &staged, &f);
	}
	if (r == 0)
		r = instance_enter(i, &f);
	if (r == 0)
		r = carry_out(&place, p, &staged, w, rep);
	else
		report(rep, REPORT_WARN, &f);
	instance_be_host();
	stage_close(&staged);
	place_close(&place);
	return r < 0 ? -1 : bad;
}

int wire(const struct instance *i, const struct state *s, struct wired *w, bool dry_run,
	 struct report *rep)
{
	static struct plan p;
	struct finding f;
	int bad = plan(i, w, &p, rep);

	if (dry_run) {
		show("remove", &p.remove, rep->name, w, &p);
		show("add", &p.add, rep->name, w, &p);
		return bad;
	}
	if (p.add.count || p.remove.count)
		bad |= apply(i, &p, w, rep);
	if (state_write(s, w, &f) < 0) {
		report(rep, REPORT_WARN, &f);
		bad = -1;
	}
	return bad;
}
