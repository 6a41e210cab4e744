/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <string.h>

#include "output.h"
#include "text.h"

#ifndef SHIM_VERSION
#define SHIM_VERSION "0.1.0"
#endif

#define TARGET_WIDTH_MAX 40

/* The sandbox counts always, a device only if it is required. */
static bool is_required(const struct inspection *i, enum wire_check check)
{
	return (i->launch->options->require | GROUP_BIT(GROUP_SANDBOX)) &
	       GROUP_BIT(wire_group_of[check]);
}

bool report_good(const struct inspection *i)
{
	const struct options *o = i->launch->options;

	return records_good(i->now, o->require, o->require_named) &&
	       records_good(i->now, GROUP_BIT(GROUP_SANDBOX), false);
}

/* Called for each result, in the order of the checks. */
typedef void (*row)(struct output *o, const struct inspection *i, const struct wire_record *w);

static void each(struct output *o, const struct inspection *i, row write)
{
	for (unsigned int check = 0; check < CHECKS; check++)
		for (size_t n = 0; n < i->now->count; n++)
			if (i->now->record[n].check == check)
				write(o, i, &i->now->record[n]);
}

/* ---------------------------------------------------------------------- text */

static void pad(struct output *o, size_t from, size_t to)
{
	while (from++ < to)
		output_str(o, " ");
}

/* Characters, not bytes; escapes are counted too short, which only shifts a column. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static size_t target_column(const struct records *r)
{
	size_t widest = 0;

	for (size_t n = 0; n < r->count; n++) {
		size_t w = width(r->record[n].target);

		if (w > widest && w <= TARGET_WIDTH_MAX)
			widest = w;
	}
	return widest;
}

static void text_finding(struct output *o, const struct inspection *i, const struct wire_record *w)
{
	output_str(o, wire_names[w->check]);
	pad(o, strlen(wire_names[w->check]), 18);
	output_shown(o, w->target, false);
	pad(o, width(w->target), target_column(i->now));
	output_str(o, "  ");
	output_shown(o, w->summary, false);
	output_str(o, "\n");
}

static void text_row(struct output *o, const struct inspection *i, const struct wire_record *w)
{
	static const char *const colours[STATUSES] = {"\033[32m", "\033[33m", "\033[31m",
						      "\033[2m"};

	if (i->colour)
		output_str(o, colours[w->status]);
	output_str(o, wire_status_names[w->status]);
	if (i->colour)
		output_str(o, "\033[0m");
	pad(o, strlen(wire_status_names[w->status]), 6);
	text_finding(o, i, w);
	if (!w->hint[0])
		return;
	output_str(o, "      -> ");
	output_shown(o, w->hint, false);
	output_str(o, "\n");
}

static void text(struct output *o, const struct inspection *i)
{
	unsigned int count[STATUSES] = {0};

	each(o, i, text_row);
	for (size_t n = 0; n < i->now->count; n++)
		count[i->now->record[n].status]++;
	output_str(o, report_good(i) ? "good:" : "not good:");
	for (unsigned int status = 0; status < STATUSES; status++) {
		output_str(o, status ? ", " : " ");
		output_num(o, count[status]);
		output_str(o, " ");
		output_str(o, wire_status_names[status]);
	}
	output_str(o, "\n");
}

/* ---------------------------------------------------------------------- JSON */

static void json_number(struct output *o, const char *key, uint64_t n)
{
	output_str(o, key);
	output_num(o, n);
}

static void json_string(struct output *o, const char *key, const char *s)
{
	output_str(o, key);
	if (s)
		output_json(o, s);
	else
		output_str(o, "null");
}

static void json_bool(struct output *o, const char *key, bool value)
{
	output_str(o, key);
	output_str(o, value ? "true" : "false");
}

/* As text has it, so that a program that prints it steers no terminal either. */
static void json_shown(struct output *o, const char *key, const char *s)
{
	char shown[OUTPUT_SHOWN];
	struct text t;

	text_begin(&t, shown, sizeof(shown));
	text_shown(&t, s);
	json_string(o, key, shown);
}

static void json_row(struct output *o, const struct inspection *i, const struct wire_record *w)
{
	json_string(o, "{\"id\":", wire_names[w->check]);
	json_shown(o, ",\"target\":", w->target);
	json_bool(o, ",\"required\":", is_required(i, w->check));
	json_string(o, ",\"status\":", wire_status_names[w->status]);
	json_shown(o, ",\"summary\":", w->summary);
	if (w->hint[0])
		json_shown(o, ",\"hint\":", w->hint);
	else
		json_string(o, ",\"hint\":", NULL);
	json_number(o, ",\"us\":", w->us);
	output_str(o, "},");
}

static void json(struct output *o, const struct inspection *i)
{
	const struct launch *l = i->launch;

	json_bool(o, "{\"schema\":1,\"version\":\"" SHIM_VERSION "\",\"ok\":", report_good(i));
	json_number(o, ",\"user\":{\"uid\":", l->account.uid);
	json_number(o, ",\"gid\":", l->account.gid);
	output_str(o, ",\"groups\":[");
	for (size_t n = 0; n < l->groups.count; n++)
		json_number(o, n ? "," : "", l->groups.gid[n]);
	output_str(o, "]},\"checks\":[");
	each(o, i, json_row);
	output_unput(o, ',');
	json_bool(o, "],\"sandbox\":{\"no_new_privs\":", i->in_force.no_new_privs);
	json_string(o, ",\"seccomp\":", l->policy && i->in_force.filtered ? l->policy->name : NULL);
	json_number(o, ",\"landlock_abi\":", (uint64_t)l->landlock_abi);
	json_number(o, ",\"bounding\":", i->in_force.bounding);
	output_str(o, "}}\n");
}

/* --------------------------------------------------------------- OpenMetrics */

/* Gauges only: promtool and node_exporter's text files know neither info nor stateset. */
static void family(struct output *o, const char *name, const char *help)
{
	output_str(o, "# TYPE stremio_");
	output_str(o, name);
	output_str(o, " gauge\n# HELP stremio_");
	output_str(o, name);
	output_str(o, help);
	output_str(o, "\n");
}

/* Is there a result of what this one is about, from one on and before another? */
static bool is_told(const struct wire_record *at, const struct wire_record *end,
		    const struct wire_record *w)
{
	for (; at < end; at++)
		if (at->check == w->check && !strcmp(at->target, w->target))
			return true;
	return false;
}

/* A sample is told from another by its labels: the second of two equal ones is left out. */
static bool is_first(const struct inspection *i, const struct wire_record *w)
{
	return !is_told(i->now->record, w, w);
}

static void labels(struct output *o, const struct inspection *i, const struct wire_record *w)
{
	output_str(o, "{check=\"");
	output_str(o, wire_names[w->check]);
	output_str(o, "\",target=\"");
	output_shown(o, w->target, true);
	output_str(o, "\",required=\"");
	output_str(o, is_required(i, w->check) ? "1\"" : "0\"");
}

static void metrics_status(struct output *o, const struct inspection *i,
			   const struct wire_record *w)
{
	for (unsigned int status = 0; status < STATUSES && is_first(i, w); status++) {
		output_str(o, "stremio_check");
		labels(o, i, w);
		output_str(o, ",status=\"");
		output_str(o, wire_status_names[status]);
		output_str(o, status == w->status ? "\"} 1\n" : "\"} 0\n");
	}
}

static void metrics_time(struct output *o, const struct inspection *i, const struct wire_record *w)
{
	if (!is_first(i, w))
		return;
	output_str(o, "stremio_check_duration_seconds");
	labels(o, i, w);
	output_str(o, "} ");
	output_num(o, w->us / 1000000);
	output_str(o, ".");
	for (uint32_t unit = 100000; unit; unit /= 10)
		output_num(o, w->us / unit % 10);
	output_str(o, "\n");
}

static void openmetrics(struct output *o, const struct inspection *i)
{
	family(o, "shim_info", " The program that has made the report.");
	output_str(o, "stremio_shim_info{version=\"" SHIM_VERSION "\"} 1\n");
	family(o, "self_test_ok", " 1 when what is required is good.");
	output_str(o, report_good(i) ? "stremio_self_test_ok 1\n" : "stremio_self_test_ok 0\n");
	family(o, "check", " What each check has found.");
	each(o, i, metrics_status);
	family(o, "check_duration_seconds", " How long it took.");
	output_str(o, "# UNIT stremio_check_duration_seconds seconds\n");
	each(o, i, metrics_time);
	output_str(o, "# EOF\n");
}

int report_all(const struct inspection *i)
{
	static void (*const formats[])(struct output * o, const struct inspection *i) = {
		[REPORT_TEXT] = text,
		[REPORT_JSON] = json,
		[REPORT_OPENMETRICS] = openmetrics,
	};
	struct output o;

	output_begin(&o);
	formats[i->launch->options->format](&o, i);
	return output_end(&o);
}

/* Did the other list say the same? */
static bool says(const struct records *r, const struct wire_record *w)
{
	for (size_t n = 0; n < r->count; n++)
		if (records_equal(&r->record[n], w))
			return true;
	return false;
}

static void row_if_new(struct output *o, const struct inspection *i, const struct wire_record *w)
{
	if (!says(i->before, w))
		text_row(o, i, w);
}

static void row_if_gone(struct output *o, const struct inspection *i, const struct wire_record *w)
{
	if (is_told(i->before->record, &i->before->record[i->before->count], w))
		return;
	output_str(o, "gone  ");
	text_finding(o, i, w);
}

int report_changes(const struct inspection *i)
{
	/* What was there then, beside what is there now. */
	struct inspection back = {.now = i->before, .before = i->now};
	bool changed = i->now->count != i->before->count;
	struct output o;

	for (size_t n = 0; n < i->now->count && !changed; n++)
		changed = !says(i->before, &i->now->record[n]);
	if (!changed)
		return 0;
	if (i->launch->options->format == REPORT_JSON)
		return report_all(i);
	output_begin(&o);
	each(&o, i, row_if_new);
	each(&o, &back, row_if_gone);
	return output_end(&o);
}
