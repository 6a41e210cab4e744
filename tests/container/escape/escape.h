/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The escape suite: what every file of it shares.
 *
 * An attempt is a function that runs in a process of its own, tries one way out of (or up in)
 * the confinement it was started in, and ends with one of the verdicts below, none of which
 * returns. `reached` is for an effect that was observed (a byte read, a mount seen, a
 * descriptor held), never for a call that merely was not refused.
 */
#ifndef ESCAPE_H
#define ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum kind {
	BLOCK,	 /* must not be reached */
	LATENT,	 /* harmless by itself, but what the next bug would build on: must not be reached */
	OPEN,	 /* open by design: said, not counted */
	CONTROL, /* legitimate: must be reached, or the suite proves nothing */
};

enum flags {
	NEEDS_LANDLOCK = 1,    /* only Landlock can block it */
	NEEDS_USERNS_DENY = 2, /* --userns=allow lets it through on purpose */
	HARMFUL = 4,	       /* would act on the machine: not outside of a user namespace */
	SIGNAL_IS_BLOCK = 8,   /* may be stopped by SIGSEGV or SIGILL as well as SIGSYS */
	KEEP_SESSION = 16,     /* keeps the terminal it was started on */
};

struct run;

struct attempt {
	const char *id; /* GROUP.NAME */
	const char *what;
	void (*function)(struct run *r);
	long number;	  /* for functions that serve several attempts */
	const char *text; /* likewise */
	enum kind kind;
	unsigned int flags;
};

/* What the command line said and what was found at the start. */
struct config {
	const char *helpers;  /* directory that --prepare filled */
	const char *shim;     /* the supervisor's own program */
	const char *abstract; /* name of an abstract socket of another network namespace */
	pid_t victim;	      /* a process of another user, 0 none, or VICTIM_UNSEEN */
	bool in_user_namespace;
	bool is_init;	  /* this program itself is PID 1 */
	int seccomp_mode; /* 0 none, 2 filter */
	unsigned long long effective;
	int inherited[8]; /* descriptors above 2 at the start */
	int inherited_count;
	int pdeathsig;
	pid_t parent; /* of the suite: the supervisor */
};

#define VICTIM_UNSEEN (-1) /* it was looked for, and /proc does not show it */

enum outcome { BROKEN, BLOCKED, REACHED, SKIPPED };

struct verdict {
	enum outcome outcome;
	char text[240];
};

struct run {
	const struct attempt *attempt;
	const struct config *config;
	int report;  /* the pipe of the verdict */
	long number; /* the last system call made with call(), -1 none */
	long args[6];
	int err; /* its errno */
};

#define PRINTF(at) __attribute__((format(printf, at, at + 1)))

/* As an attribute: static analysers know that better than the keyword. */
#define NORETURN __attribute__((noreturn))

/* Verdicts: none returns. */
NORETURN void reached(struct run *r, const char *fmt, ...) PRINTF(2);
NORETURN void blocked(struct run *r, const char *fmt, ...) PRINTF(2);
NORETURN void skip(struct run *r, const char *fmt, ...) PRINTF(2);
NORETURN void broken(struct run *r, const char *fmt, ...) PRINTF(2);
/* Blocked by what the last call() failed with; says whether a seccomp filter answered. */
NORETURN void refused(struct run *r);
/* The same for a path: tells Landlock from the file's mode. @mode: R_OK, W_OK, X_OK. */
NORETURN void refused_path(struct run *r, const char *path, int mode);

/*
 * A raw system call, remembered for refused(). Return: its result, -1 with errno set; missing
 * arguments are 0.
 */
long call_(struct run *r, long number, const long args[6]);
#define call(r, ...)                         \
	call_(r, CALL_FIRST(__VA_ARGS__, 0), \
	      (const long[6]){CALL_REST(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)})
#define CALL_FIRST(n, ...) (n)
#define CALL_REST(n, a, b, c, d, e, f, ...) \
	(long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)

/* judge.c: run one attempt in its own process. */
struct verdict judge(const struct attempt *a, const struct config *c, int deadline_ms);

/*
 * oracle.c: would a seccomp filter answer this call, and how? Return: the errno, 0 when the
 * filters let it through, -1 when it cannot be found out. The call is not executed.
 */
int oracle_ask(long number, const long args[6]);

/* names.c: "EPERM", "SIGSYS"; a number in decimal for those without a name. */
const char *errno_name(int err);
const char *signal_name(int signum);

/* The abstract socket on which --sit listens. */
#define SIT_SOCKET "escape-sit"

/* helper.c: the files the attempts need, made by the container's root; and the small modes. */
int helper_prepare(const char *dir, const char *self);
int helper_gain(void);
int helper_sit(void);

/* Return: the value of a line of /proc/PID/status as hexadecimal or decimal, or -errno. */
long long status_value(const char *pid, const char *key, int base);
/* Fork, and in the child call @child; return: its exit status, 128+signal, or -errno. */
int in_child(int (*child)(void *arg), void *arg);
/* Read at most @size - 1 bytes of a file. Return: bytes or -errno. */
ssize_t slurp(const char *path, char *buf, size_t size);

/* The tables, one a concern; each ends with an attempt without an id. */
extern const struct attempt attempts_controls[], attempts_devices[], attempts_entry[],
	attempts_files[], attempts_identity[], attempts_kernel[], attempts_limits[],
	attempts_machine[], attempts_memory[], attempts_mounts[], attempts_namespaces[],
	attempts_processes[], attempts_proc[], attempts_seccomp[], attempts_sockets[],
	attempts_state[], attempts_terminal[], attempts_uring[];

#endif
