// SPDX-License-Identifier: Apache-2.0
/*
 * What a filter costs to load and to pass: stremio-policy's, and libseccomp's of the same
 * rules in its list and tree layouts, in turns in one run. Usage: filter_load [LOADS]
 *
 * libseccomp has no "otherwise" after tested rules: where ours has one that differs from the
 * default, its filter lacks it (only ioctl's is put in otherwise), which makes its programs
 * slightly shorter. The filter of eight instructions shows what the kernel takes for any filter
 * (getppid) and for any that looks at an argument (ioctl): no policy can be below.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf_sim.h"
#include "policy/codegen.h"

/* How many numbers the kernel walks the filter for when it is loaded. */
#define WALKS 470
/* Rounds short enough that some meet a processor that nobody else has. */
#define CALLS 10000
#define ROUNDS 300

/* Calls that are timed: three that the filter allows by number, one whose argument it reads. */
enum { GETPPID, READ, FUTEX, IOCTL, KINDS };

static const char *const kinds[KINDS] = {"getppid", "read", "futex", "ioctl"};

enum { NONE, FLOOR, OURS, TREE, LIST, FILTERS };

static struct filter {
	const char *name;
	struct sock_filter code[POLICY_MAX_INSNS];
	unsigned int count;
	unsigned long steps; /* instructions in all walks */
	double load;	     /* the median, microseconds */
	double call[KINDS];  /* the best round's nanoseconds a call */
	double over[KINDS];  /* the median over the rounds: what it took by what NONE took there */
} filter[FILTERS] = {{.name = "none"},
		     {.name = "one test, no tree"},
		     {.name = "stremio-policy"},
		     {.name = "libseccomp, tree"},
		     {.name = "libseccomp, list"}};

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "filter_load: %s: %s\n", what, strerror(errno));
	exit(71);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void add_rule(scmp_filter_ctx ctx, const struct ruleset *rs, const struct rule *r)
{
	struct scmp_arg_cmp cmp[6];
	unsigned int i, n = 0;
	uint32_t action = (r->action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO
				  ? SCMP_ACT_ERRNO(r->action & SECCOMP_RET_DATA)
				  : r->action;

	for (i = 0; i < 6; i++)
		if (r->match.mask[i] != 0)
			cmp[n++] = SCMP_CMP(i, SCMP_CMP_MASKED_EQ, r->match.mask[i],
					    r->match.value[i]);
	if (r->action != rs->fallback)
		must(seccomp_rule_add_exact_array(ctx, action, (int)r->nr, n, cmp) == 0,
		     "seccomp_rule_add_exact_array");
}

static void build_libseccomp(struct filter *f, const struct ruleset *rs, uint32_t optimize)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int fd = memfd_create("filter", MFD_CLOEXEC);
	struct call c;
	size_t at = 0, i;
	ssize_t n;

	must(ctx != NULL && fd >= 0, "seccomp_init");
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, optimize);
	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	while (ruleset_next_call(rs, &at, &c)) {
		if (c.nr == SYS_ioctl) {
			struct scmp_arg_cmp not = SCMP_A1(SCMP_CMP_NE, TIOCSTI);

			add_rule(ctx, rs, &c.rule[0]);
			must(seccomp_rule_add_exact_array(ctx, SCMP_ACT_ALLOW, SYS_ioctl, 1,
							  &not ) == 0,
			     "seccomp_rule_add_exact_array");
			continue;
		}
		for (i = 0; i < c.count; i++)
			if (c.count == 1 || c.rule[i].tested)
				add_rule(ctx, rs, &c.rule[i]);
	}
	must(seccomp_export_bpf(ctx, fd) == 0, "seccomp_export_bpf");
	n = pread(fd, f->code, sizeof(f->code), 0);
	must(n > 0, "pread");
	f->count = (unsigned int)n / sizeof(f->code[0]);
	close(fd);
	seccomp_release(ctx);
}

static void build_floor(struct filter *f, uint32_t arch)
{
	const struct sock_filter code[] = {
		{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch)},
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 5, arch},
		{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 2, SYS_ioctl},
		{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args[1])},
		{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, TIOCSTI},
		{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
		{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
	};

	memcpy(f->code, code, sizeof(code));
	f->count = sizeof(code) / sizeof(code[0]);
}

static void build(void)
{
#if defined(__x86_64__)
	struct target t = {ARCH_X86_64, false};
#else
	struct target t = {ARCH_AARCH64, false};
#endif
	struct seccomp_data d = {.arch = arch_audit(t.arch)};
	struct ruleset rs;
	uint16_t count = 0;
	int i;

	must(ruleset_load(&rs, "shim/policy/stremio.policy", NULL, t, stderr, NULL) == 0 &&
		     codegen(&rs, filter[OURS].code, &count) == 0,
	     "shim/policy/stremio.policy");
	filter[OURS].count = count;
	build_floor(&filter[FLOOR], d.arch);
	build_libseccomp(&filter[TREE], &rs, 2);
	build_libseccomp(&filter[LIST], &rs, 1);
	ruleset_free(&rs);
	for (i = FLOOR; i < FILTERS; i++)
		for (d.nr = 0; d.nr < WALKS; d.nr++)
			filter[i].steps += bpf_sim(filter[i].code, filter[i].count, &d).steps;
}

struct times {
	double load;
	double call[KINDS];
};

static double time_calls(int kind, int fd, int calls)
{
	double start = now();
	uint32_t word = 0;
	char byte;
	int i;

	for (i = 0; i < calls; i++) {
		switch (kind) {
		case GETPPID:
			syscall(SYS_getppid);
			break;
		case READ:
			syscall(SYS_read, fd, &byte, 1);
			break;
		case FUTEX:
			syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
			break;
		default:
			syscall(SYS_ioctl, -1, TCGETS, NULL);
		}
	}
	return (now() - start) / calls;
}

static void measure(const struct filter *f, struct times *t, int calls)
{
	struct sock_fprog prog = {(unsigned short)f->count, (struct sock_filter *)f->code};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	double start;
	int kind;

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && fd >= 0, "no_new_privs");
	start = now();
	if (f->count > 0)
		must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0, "seccomp");
	t->load = now() - start;
	for (kind = 0; kind < KINDS && calls > 0; kind++)
		t->call[kind] = time_calls(kind, fd, calls);
}

static struct times in_child(const struct filter *f, int calls)
{
	struct times t = {.load = 0};
	int fds[2], status;
	pid_t pid;

	must(pipe(fds) == 0, "pipe");
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		measure(f, &t, calls);
		_exit(write(fds[1], &t, sizeof(t)) == sizeof(t) ? 0 : 1);
	}
	close(fds[1]);
	must(read(fds[0], &t, sizeof(t)) == sizeof(t), "the child ended early");
	close(fds[0]);
	must(waitpid(pid, &status, 0) == pid && status == 0, "the child failed");
	return t;
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), ascending);
	return v[n / 2];
}

static void time_loads(int loads)
{
	double *v = calloc((size_t)loads * FILTERS, sizeof(*v));
	int i, k;

	must(v != NULL, "memory");
	for (k = 0; k < loads; k++)
		for (i = 0; i < FILTERS; i++)
			v[i * loads + k] = in_child(&filter[i], 0).load / 1000;
	for (i = 0; i < FILTERS; i++)
		filter[i].load = median(v + i * loads, loads);
	free(v);
}

/* In turns, and each beside NONE of its own round, so that a noisy second hits all of them. */
static void time_all_calls(void)
{
	static double over[FILTERS][KINDS][ROUNDS];
	struct times t[FILTERS];
	int i, k, kind;

	for (k = 0; k < ROUNDS; k++) {
		/* Another one begins each time: what comes first finds the caches of the last. */
		for (i = 0; i < FILTERS; i++)
			t[(i + k) % FILTERS] = in_child(&filter[(i + k) % FILTERS], CALLS);
		for (i = 0; i < FILTERS; i++)
			for (kind = 0; kind < KINDS; kind++) {
				over[i][kind][k] = t[i].call[kind] / t[NONE].call[kind];
				if (k == 0 || t[i].call[kind] < filter[i].call[kind])
					filter[i].call[kind] = t[i].call[kind];
			}
	}
	for (i = 0; i < FILTERS; i++)
		for (kind = 0; kind < KINDS; kind++)
			filter[i].over[kind] = median(over[i][kind], ROUNDS);
}

int main(int argc, char **argv)
{
	int loads = argc > 1 ? atoi(argv[1]) : 300, i, kind;

	if (loads < 1 || loads > 100000) {
		fprintf(stderr, "filter_load: usage: filter_load [LOADS]\n");
		return 64;
	}
	build();
	time_loads(loads);
	time_all_calls();
	printf("policy stremio, userns=deny: median of %d loads; %d rounds of %d calls: the best, "
	       "and the median ratio to none of the same round\n\n",
	       loads, ROUNDS, CALLS);
	printf("%-18s %6s %12s %9s %6s", "filter", "insns", "walked/load", "load us", "ratio");
	for (kind = 0; kind < KINDS; kind++)
		printf(" %8s ns ratio", kinds[kind]);
	for (i = 0; i < FILTERS; i++) {
		printf("\n%-18s %6u %12lu %9.1f %6.2f", filter[i].name, filter[i].count,
		       filter[i].steps, filter[i].load, filter[i].load / filter[OURS].load);
		for (kind = 0; kind < KINDS; kind++)
			printf(" %11.1f %5.3f", filter[i].call[kind], filter[i].over[kind]);
	}
	printf("\n");
	return 0;
}
