/* SPDX-License-Identifier: Apache-2.0 */
/* filter: the probe's own system call filter, ../policy/probe.policy. */
#ifndef SHIM_PROBE_FILTER_H
#define SHIM_PROBE_FILTER_H

/**
 * probe_filter_load() - put it in force for this process.
 * Needs no_new_privs, which it sets. On top of the application's own: the stricter answer of
 * both counts. Return: 0 or -errno. Source: seccomp(2), prctl(2).
 */
int probe_filter_load(void);

#endif
