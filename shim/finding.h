/* SPDX-License-Identifier: Apache-2.0 */
/* finding: what went wrong, where, and what a person can do about it. */
#ifndef SHIM_FINDING_H
#define SHIM_FINDING_H

/* Exit statuses of the program (README, "Exit codes"). 64-78 are sysexits.h's. */
enum shim_exit {
	EXIT_USAGE = 64,	/* the command line, its environment twins or the args file */
	EXIT_UNAVAILABLE = 69,	/* a required device is not good */
	EXIT_SETUP = 71,	/* the operating system refused something the launch needs */
	EXIT_CONFINE = 77,	/* a confinement step failed or did not verify */
	EXIT_CANNOT_EXEC = 126, /* the command exists and cannot be executed */
	EXIT_NOT_FOUND = 127,	/* no such command */
};

/*
 * One failure, ready to be printed. No pointers inside, so that the launched
 * child can hand it to PID 1 through a pipe as it is (it stays below PIPE_BUF,
 * hence one write is one read, pipe(7)).
 */
struct finding {
	int status;	/* enum shim_exit */
	int err;	/* errno value, 0 when there is none to tell */
	char step[24];	/* which step of the launch: "groups", "filter", ... */
	char what[448]; /* what happened */
	char hint[448]; /* what to do about it; may be empty */
};

/**
 * finding_set() - fill a finding.
 * @f: out.
 * @status: the exit status it leads to.
 * @step: name of the step, a constant.
 * @err: errno value (positive), or 0.
 * @what: what happened, a constant.
 * @arg: the value concerned, quoted after @what, or NULL. May come from outside:
 *	control characters are replaced, overlong text is cut.
 * @hint: the remedy, a constant, or NULL.
 *
 * Return: -@err, or -EINVAL when @err is 0: always negative, so that
 * `return finding_set(...)` is the error path of any function here.
 */
int finding_set(struct finding *f, int status, const char *step, int err, const char *what,
		const char *arg, const char *hint);

enum log_level { LOG_QUIET = -1, LOG_NORMAL = 0, LOG_VERBOSE = 1 };

/**
 * log_set_level() - choose what reaches stderr.
 * @level: LOG_QUIET: failures only; LOG_NORMAL: warnings too; LOG_VERBOSE: each step.
 */
void log_set_level(enum log_level level);

/** log_verbose() - tell whether each step is reported. Return: nonzero if so. */
int log_verbose(void);

/**
 * log_finding() - print a failure as one line on stderr, at any level:
 * `stremio-shim: STEP: what happened: errno text (remedy)`.
 * @f: the failure.
 */
void log_finding(const struct finding *f);

/**
 * log_warn() - print a line for something that is weaker than wished but not fatal.
 * @step, @what, @arg, @err, @hint: as for finding_set(); @arg and @hint may be NULL.
 * Silent at LOG_QUIET.
 */
void log_warn(const char *step, int err, const char *what, const char *arg, const char *hint);

/**
 * log_info() - print a line about a step that was done. Only at LOG_VERBOSE.
 * @step, @what, @arg: as for finding_set(); @arg may be NULL.
 */
void log_info(const char *step, const char *what, const char *arg);

#endif
