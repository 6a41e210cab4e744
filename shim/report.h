/* SPDX-License-Identifier: Apache-2.0 */
/* report: what an inspection has found, for people and for programs. */
#ifndef SHIM_REPORT_H
#define SHIM_REPORT_H

#include "inspect.h"

/** report_good() - what the exit status says: may a launch rely on what it requires? */
bool report_good(const struct inspection *i);

/**
 * report_all() - write all of @i->now to stdout in the format that was asked for.
 * Return: 0 or -errno of write(2).
 */
int report_all(const struct inspection *i);

/**
 * report_changes() - write what differs between @i->before and @i->now: a line for each
 * result that is new and for each target that is gone, as text; the whole object once more, as JSON.
 * Return: 0 or -errno of write(2).
 */
int report_changes(const struct inspection *i);

#endif
