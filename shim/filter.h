/* SPDX-License-Identifier: Apache-2.0 */
/* filter: choosing, loading and trying a system call filter. */
#ifndef SHIM_FILTER_H
#define SHIM_FILTER_H

#include "finding.h"
#include "options.h"
#include "policy/policy.h"

/**
 * filter_choose() - find what --policy and --userns ask for.
 * @o: the options.
 * @out: out, the policy; NULL for `none`. Lives as long as the program.
 * @f: out, on failure, step "policy".
 *
 * A name with a '/' or ending in ".bpf" is a file, which is read and checked here.
 * --userns has no say over a file: it was decided when the file was compiled.
 * Return: 0; -errno with EXIT_USAGE (no such policy) or EXIT_CONFINE (a file that
 * is not to be trusted or not for this machine).
 */
int filter_choose(const struct options *o, const struct policy **out, struct finding *f);

/**
 * filter_load() - put a filter in force for this process and all its descendants.
 * @p: the policy. Needs no_new_privs.
 * Return: 0 or -errno with EXIT_CONFINE, step "filter". Source: seccomp(2).
 */
int filter_load(const struct policy *p, struct finding *f);

/**
 * filter_try() - call the filter's canaries and see that it answers as compiled.
 * @p: the policy in force.
 * Return: 0 or -EPERM with EXIT_CONFINE, step "filter".
 */
int filter_try(const struct policy *p, struct finding *f);

#endif
