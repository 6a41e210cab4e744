/* SPDX-License-Identifier: Apache-2.0 */
/* self_test: inspect and report; nothing is launched, prepared or changed. */
#ifndef SHIM_SELF_TEST_H
#define SHIM_SELF_TEST_H

#include "launch.h"

/**
 * self_test() - check all of --devices, the surroundings and the sandbox, and report.
 * @l: the plan. @f: out, when it could not be done.
 *
 * As the application would find it: its identity, policy, Landlock and environment. Without
 * root the identity is the caller's, and what needs root is `skip`. With --watch it goes on
 * until SIGTERM, SIGINT or SIGHUP.
 * Return: the exit status: 0; EXIT_UNAVAILABLE when a required device, or the sandbox, is not
 * good; 128+N for a signal; another one of enum shim_exit.
 */
int self_test(struct launch *l, struct finding *f);

#endif
