/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stremio-probe: tries what the application will want, as the application: started by the shim
 * with its uid, its groups and all of its confinement, and nothing to lose. Of several groups of
 * checks each runs in a process of its own, so they run side by side and one that hangs or
 * crashes takes none with it. Records go to standard output, a pipe (wire.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "filter.h"
#include "finding.h"
#include "groups.h"
#include "report.h"
#include "text.h"

#define DEADLINE_MS 2000
#define DEADLINE_MAX_MS 600000
#define HEAP_BYTES (96 << 10)
#define POPULATE_WRITE 23 /* linux/mman.h; headers of an older distribution lack it */
#define RECORDS_BYTES \
	(sizeof(struct wire_record) * WIRE_RECORDS_MAX) /* of an output that is a file */

struct arguments {
	uint32_t deadline_ms;
	bool primary;
	bool wanted[GROUPS_OF_CHECKS];
};

static const struct {
	void (*check)(const struct probe *p);
	bool bare;   /* is about the application's filter: no other one on top */
	bool mortal; /* asks servers only, no driver and no file system: it ends when it is to */
} groups[GROUPS_OF_CHECKS] = {
	[GROUP_GPU] = {gpu_check, false, false},
	[GROUP_SOUND] = {sound_check, false, false},
	[GROUP_X11] = {x11_check, false, true},
	[GROUP_PULSE] = {pulse_check, false, true},
	[GROUP_WAYLAND] = {wayland_check, false, true},
	[GROUP_SYSTEM] = {system_check, false, false},
	[GROUP_SANDBOX] = {sandbox_check, true, false},
};

static const char help[] =
	"usage: stremio-probe [--deadline-ms=N] [--primary] GROUP... | --help | --version\n"
	"\n"
	"Tries devices, displays and sound servers as the user it runs as. stremio-shim starts\n"
	"it; what it writes, to a pipe or a file, is for programs (stremio-shim --self-test is\n"
	"for people).\n"
	"\n"
	"GROUP is one of: gpu sound x11 pulse wayland system sandbox\n"
	"\n"
	"  --deadline-ms=N   time for each group, in milliseconds (default 2000)\n"
	"  --primary         primary GPU nodes (card0) are meant to be used\n"
	"  -h, --help        this text\n"
	"  -V, --version     the version\n"
	"\n"
	"Exit status: 0 every group told its findings, 1 one did not, 64 wrong usage.\n";

static int refuse(const char *what, const char *arg, const char *remedy)
{
	char line[512];
	struct text t;

	text_begin(&t, line, sizeof(line));
	text_str(&t, "stremio-probe: usage: ");
	text_str(&t, what);
	if (arg) {
		text_str(&t, " '");
		text_escaped(&t, arg);
		text_str(&t, "'");
	}
	text_str(&t, " (");
	text_str(&t, remedy);
	text_str(&t, ")\n");
	(void)!write(STDERR_FILENO, line, t.len);
	return -EXIT_USAGE;
}

static int group_of(const char *name)
{
	for (int i = 0; i < GROUPS_OF_CHECKS; i++)
		if (!strcmp(wire_group_names[i], name))
			return i;
	return -ENOENT;
}

static int argument(struct arguments *a, const char *s)
{
	static const char deadline[] = "--deadline-ms=";
	int group;

	if (!strncmp(s, deadline, sizeof(deadline) - 1)) {
		if (parse_u32(s + sizeof(deadline) - 1, DEADLINE_MAX_MS, &a->deadline_ms) < 0 ||
		    a->deadline_ms == 0)
			return refuse("no such time:", s, "milliseconds, 1 to 600000");
		return 0;
	}
	if (!strcmp(s, "--primary")) {
		a->primary = true;
		return 0;
	}
	group = group_of(s);
	if (group < 0)
		return refuse(s[0] == '-' ? "unknown option" : "no such group:", s,
			      "stremio-probe --help lists them");
	if (a->wanted[group])
		return refuse("given twice:", s, "name each group once");
	a->wanted[group] = true;
	return 1;
}

/* Return: how many groups, 0 when there is nothing to do but exit well, -status. */
static int parse(int argc, char **argv, struct arguments *a)
{
	int count = 0;

	*a = (struct arguments){.deadline_ms = DEADLINE_MS};
	for (int i = 1; i < argc; i++) {
		int r;

		if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help"))
			return fputs(help, stdout) < 0 || fflush(stdout) ? -1 : 0;
		if (!strcmp(argv[i], "-V") || !strcmp(argv[i], "--version"))
			return puts("stremio-probe " SHIM_VERSION) < 0 || fflush(stdout) ? -1 : 0;
		r = argument(a, argv[i]);
		if (r < 0)
			return r;
		count += r;
	}
	if (!count)
		return refuse("no group was named", NULL, "stremio-probe --help lists them");
	if (isatty(STDOUT_FILENO))
		return refuse("the records are not for a terminal", NULL,
			      "stremio-shim --self-test shows them to people");
	return count;
}

/* Against servers that send without end. What follows cannot undo the hard limits; of CPU time
 * there is a second more, to tell in what came of it. */
static void limit(void)
{
	static const struct {
		int what;
		rlim_t soft, hard;
	} limits[] = {
#ifndef __SANITIZE_ADDRESS__ /* whose shadow takes terabytes of addresses */
		{RLIMIT_AS, 192ul << 20, 192ul << 20},
#endif
		{RLIMIT_CPU, 2, 3},
		{RLIMIT_NOFILE, 64, 64},
		{RLIMIT_FSIZE, RECORDS_BYTES, RECORDS_BYTES},
		{RLIMIT_CORE, 0, 0},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit r = {limits[i].soft, limits[i].hard};
		struct rlimit now;

		if (getrlimit((__rlimit_resource_t)limits[i].what, &now) < 0)
			continue;
		if (now.rlim_max < r.rlim_max)
			r.rlim_max = now.rlim_max;
		if (r.rlim_max < r.rlim_cur)
			r.rlim_cur = r.rlim_max;
		(void)setrlimit((__rlimit_resource_t)limits[i].what, &r);
	}
}

/* libX11 tells its user what it thinks of a server: not of use to anybody here. */
static void be_quiet(void)
{
#ifndef __SANITIZE_ADDRESS__ /* which must be heard */
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0)
		(void)dup2(null, STDERR_FILENO);
#endif
}

/* What libX11 and alsa-lib allocate, at once: a page fault costs more than all of these pages. */
static void have_memory(void)
{
	void *heap;

	(void)mallopt(M_TOP_PAD, HEAP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, 2 * HEAP_BYTES);
	heap = malloc(1);
	/* Where the kernel does not know it (before 5.14), each page comes when it is touched. */
	if (heap)
		(void)madvise((void *)(((uintptr_t)heap | 4095) + 1), HEAP_BYTES, POPULATE_WRITE);
	free(heap);
}

/* A group's limits, its filter, its checks. */
static _Noreturn void run_group(enum wire_group g, const struct arguments *a)
{
	struct probe p = {.primary = a->primary, .listener = -1, .client = -1};

	limit();
	have_memory();
	be_quiet();
	/* An eighth is kept back to tell what did not answer. */
	report_open(g, STDOUT_FILENO, a->deadline_ms - a->deadline_ms / 8);
	if (g == GROUP_SYSTEM)
		system_prepare(&p);
	if (!groups[g].bare && probe_filter_load() < 0)
		_exit(1);
	groups[g].check(&p);
	report_close();
}

/* The same in a process of its own. */
static _Noreturn void run_beside(enum wire_group g, const struct arguments *a, pid_t parent)
{
	/* Not to be left behind when the probe is killed; that may have happened already. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	run_group(g, a);
}

/* Waits until every group has ended, and no longer than until the deadline: each holds the
 * other end of a pipe. Return: 0 or -ETIMEDOUT. */
static int wait_groups(int ends, uint32_t deadline_ms)
{
	struct pollfd fd = {.fd = ends, .events = POLLIN};
	struct timespec start, t;
	int64_t left = deadline_ms;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (left > 0) {
		if (poll(&fd, 1, (int)left) > 0)
			return 0;
		clock_gettime(CLOCK_MONOTONIC, &t);
		left = deadline_ms -
		       ((t.tv_sec - start.tv_sec) * 1000 + (t.tv_nsec - start.tv_nsec) / 1000000);
	}
	return -ETIMEDOUT;
}

/* Return: 0 when each of the processes ended well, else 1. */
static int collect(const pid_t *pids, bool late)
{
	int result = 0;

	for (int i = 0; i < GROUPS_OF_CHECKS; i++) {
		int status = 1;

		if (!pids[i])
			continue;
		if (late)
			(void)kill(pids[i], SIGKILL);
		/* One that hangs in the kernel does not even die: it is left to its next parent. */
		if (waitpid(pids[i], &status, late ? WNOHANG : 0) != pids[i] || status != 0)
			result = 1;
	}
	return result;
}

int main(int argc, char **argv)
{
	pid_t pids[GROUPS_OF_CHECKS] = {0};
	struct arguments a;
	pid_t self = getpid();
	int ends[2];
	int failed = 0;
	int r = parse(argc, argv, &a);

	if (r <= 0)
		return -r;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return 1;
	for (int g = 0; g < GROUPS_OF_CHECKS; g++) {
		if (!a.wanted[g])
			continue;
		/* On its own it has nothing beside it to take along, and a fork is a third of it. */
		if (r == 1 && groups[g].mortal)
			run_group((enum wire_group)g, &a);
		pids[g] = fork();
		if (pids[g] == 0)
			run_beside((enum wire_group)g, &a, self);
		if (pids[g] < 0) {
			pids[g] = 0;
			failed = 1;
		}
	}
	close(ends[1]);
	r = wait_groups(ends[0], a.deadline_ms);
	return collect(pids, r < 0) | failed;
}
