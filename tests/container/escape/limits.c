/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and scheduling, and the odder options of prctl. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escape.h"

static void raise_limit(struct run *r)
{
	struct rlimit l;
	int which = (int)r->attempt->number;

	if (getrlimit(which, &l) < 0)
		broken(r, "getrlimit: %s", errno_name(errno));
	if (l.rlim_max == RLIM_INFINITY)
		skip(r, "there is no hard limit");
	l.rlim_max++;
	l.rlim_cur = l.rlim_max;
	if (call(r, SYS_prlimit64, 0, which, &l, NULL) < 0)
		refused(r);
	reached(r, "the hard limit is %llu now", (unsigned long long)l.rlim_max);
}

static void nice_up(struct run *r)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NICE, &l) == 0 && l.rlim_cur >= 40)
		skip(r, "RLIMIT_NICE gives every priority");
	if (call(r, SYS_setpriority, PRIO_PROCESS, 0, -20) < 0)
		refused(r);
	reached(r, "nice -20");
}

static void realtime(struct run *r)
{
	struct sched_param p = {.sched_priority = 50};
	struct rlimit l;

	if (getrlimit(RLIMIT_RTPRIO, &l) == 0 && l.rlim_cur >= 50)
		skip(r, "RLIMIT_RTPRIO gives priority 50");
	if (call(r, SYS_sched_setscheduler, 0, r->attempt->number, &p) < 0)
		refused(r);
	reached(r, "%s, priority 50", r->attempt->text);
}

static void deadline(struct run *r)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} a = {.size = 48, .policy = 6, .runtime = 1000000, .deadline = 9000000, .period = 9000000};

	if (call(r, SYS_sched_setattr, 0, &a, 0) < 0)
		refused(r);
	reached(r, "deadline scheduling");
}

static void io_priority(struct run *r)
{
	if (call(r, SYS_ioprio_set, 1, 0, 1 << 13 /* real time, highest */) < 0)
		refused(r);
	reached(r, "real-time disk priority");
}

static void option(struct run *r)
{
	unsigned long value = 1;

	if (r->attempt->text)
		(void)sscanf(r->attempt->text, "%lu", &value);
	if (call(r, SYS_prctl, r->attempt->number, value, 0, 0, 0) < 0)
		refused(r);
	reached(r, "prctl(%ld, %lu) works", r->attempt->number & 0xffffffff, value);
}

/* Lets another process of the same user look in: its own to give away. */
static void let_trace(struct run *r)
{
	if (call(r, SYS_prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0) < 0)
		refused(r);
	reached(r, "any process of its own user may trace it");
}

static void dumpable_two(struct run *r)
{
	if (call(r, SYS_prctl, PR_SET_DUMPABLE, 2, 0, 0, 0) < 0)
		refused(r);
	reached(r, "its core dumps belong to root");
}

#define LIMIT(name, which)                                                         \
	{                                                                          \
		"limit." name, "raise " #which, raise_limit, which, NULL, BLOCK, 0 \
	}

const struct attempt attempts_limits[] = {
	LIMIT("files", RLIMIT_NOFILE),
	LIMIT("processes", RLIMIT_NPROC),
	LIMIT("locked-memory", RLIMIT_MEMLOCK),
	LIMIT("realtime", RLIMIT_RTPRIO),
	LIMIT("nice", RLIMIT_NICE),
	LIMIT("queues", RLIMIT_MSGQUEUE),
	LIMIT("signals", RLIMIT_SIGPENDING),
	{"limit.nice-up", "nice -20", nice_up, 0, NULL, BLOCK, 0},
	{"limit.fifo", "SCHED_FIFO", realtime, SCHED_FIFO, "SCHED_FIFO", BLOCK, 0},
	{"limit.round-robin", "SCHED_RR", realtime, SCHED_RR, "SCHED_RR", BLOCK, 0},
	{"limit.deadline", "SCHED_DEADLINE", deadline, 0, NULL, BLOCK, 0},
	{"limit.io-priority", "ioprio_set to real time", io_priority, 0, NULL, BLOCK, 0},
	{"prctl.dumpable", "PR_SET_DUMPABLE to 2", dumpable_two, 0, NULL, BLOCK, 0},
	{"prctl.io-flusher", "PR_SET_IO_FLUSHER", option, 57, NULL, BLOCK, 0},
	{"prctl.io-flusher-high-bits", "PR_SET_IO_FLUSHER with a bit above", option, 1L << 32 | 57,
	 NULL, BLOCK, 0},
	{"prctl.perf", "PR_TASK_PERF_EVENTS_DISABLE", option, 31, "0", LATENT, 0},
#ifdef __x86_64__
	{"prctl.time-stamp", "PR_SET_TSC", option, PR_SET_TSC, "1", LATENT, 0},
#endif
	{"prctl.machine-check", "PR_MCE_KILL", option, PR_MCE_KILL, "0", LATENT, 0},
	{"prctl.core-scheduling", "PR_SCHED_CORE", option, 62, "1", LATENT, 0},
	{"prctl.tracer", "PR_SET_PTRACER", let_trace, 0, NULL, OPEN, 0},
	{0},
};
