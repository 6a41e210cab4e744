/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: the findings of one group, written as records as soon as they are known.
 *
 * Each group has a process of its own, so there is one finding in the making at a time, and it
 * lives here. It has to: when the group's time is up a signal handler ends it, and must know
 * which check it was that did not answer.
 */
#ifndef SHIM_PROBE_REPORT_H
#define SHIM_PROBE_REPORT_H

#include <stdint.h>

#include "hints.h"
#include "wire.h"

/**
 * report_open() - begin a group.
 * @group: which. @fd: where records go. @limit_ms: time for all of it; when it is over, or
 *	SIGXCPU comes, the check that is being made is reported as failed, those behind it as
 *	not reached, and the process ends.
 */
void report_open(enum wire_group group, int fd, uint32_t limit_ms);

/** report_left_ms() - what is left of the group's time, for poll(2). Return: milliseconds. */
int report_left_ms(void);

/**
 * report_begin() - begin a finding; what is said next is its summary.
 * @check: of this group. @target: what is looked at; may come from outside.
 */
void report_begin(enum wire_check check, const char *target);

/** report_say() - add words of this program's own to the summary. */
void report_say(const char *words);

/** report_quote() - add a text from outside, escaped. */
void report_quote(const char *text);

/** report_number() - add a number. */
void report_number(uint64_t n);

/** report_octal() - add a file's mode, as ls -l users write it: 0660. */
void report_octal(unsigned int mode);

/** report_error() - add a colon and what an errno value means. */
void report_error(int err);

/** report_owner_gid() - keep a group's number for the hint (%O). */
void report_owner_gid(unsigned int gid);

/**
 * report_end() - send the finding.
 * @status: its outcome. @hint: what to do about it; HINT_NONE when there is nothing to.
 */
void report_end(enum wire_status status, enum hint hint);

/** report_drop() - forget the finding that was begun: there is nothing to say of it. */
void report_drop(void);

/**
 * report_skip() - a finding in one line: not looked at.
 * @check: which. @target: what it would have been. @why: a constant.
 */
void report_skip(enum wire_check check, const char *target, const char *why);

/**
 * report_close() - end the group: its checks of which nothing was said are reported as not
 * reached, and the group as done. Does not return.
 */
_Noreturn void report_close(void);

#endif
