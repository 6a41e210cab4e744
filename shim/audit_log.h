/* SPDX-License-Identifier: Apache-2.0 */
/* audit_log: each denied call named once a program, so many lines a second. */
#ifndef SHIM_AUDIT_LOG_H
#define SHIM_AUDIT_LOG_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

#define AUDIT_LINES_A_SECOND 20
#define AUDIT_NAMED_MAX 512   /* different programs and calls; the log cannot grow without bound */
#define AUDIT_PROGRAM_SIZE 16 /* TASK_COMM_LEN, proc(5) */

/* One denied call. */
struct audit_call {
	char program[AUDIT_PROGRAM_SIZE]; /* the process's name: its own choice, any bytes */
	uint32_t pid;			  /* the process, not the thread */
	uint32_t err;			  /* what it got */
	const struct seccomp_data *data;
};

/* What was named already. The names come first, for whole comparisons. */
struct audit_log {
	struct {
		char program[AUDIT_PROGRAM_SIZE];
		uint32_t arch;
		uint32_t nr;
	} named[AUDIT_NAMED_MAX];
	size_t count;
	int64_t second; /* when the present one began, ms of CLOCK_MONOTONIC */
	uint32_t lines; /* written in it */
	uint64_t left_out;
	bool closed; /* the table is full, and that was said */
};

/**
 * audit_log_call() - name a call, unless it was named before.
 * @log: all zero at first. @p: the policy that denied it. @call: the call.
 *
 * One line on stderr: program, pid, call, arguments, error, and the rule's file and line (where
 * two rules of one call give the same error, both). More than AUDIT_LINES_A_SECOND are
 * counted and told by audit_log_rest(); their calls are named another time. So is what a
 * full pipe has no room for: whoever reads the log slowly must not stop the application.
 */
void audit_log_call(struct audit_log *log, const struct policy *p, const struct audit_call *call);

/**
 * audit_log_rest() - tell how many were left out, when their second is over.
 * @now: nothing more will come: tell it now.
 * Return: ms until there is something to tell, or -1 for nothing.
 */
int audit_log_rest(struct audit_log *log, bool now);

/**
 * audit_log_line() - the text of a line, without its end.
 * @buf, @size: where to. Return: its length.
 */
size_t audit_log_line(char *buf, size_t size, const struct policy *p,
		      const struct audit_call *call);

#endif
