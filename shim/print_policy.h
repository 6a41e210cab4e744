/* SPDX-License-Identifier: Apache-2.0 */
/* print_policy: what would be applied, for people and for programs. */
#ifndef SHIM_PRINT_POLICY_H
#define SHIM_PRINT_POLICY_H

#include <stdbool.h>

#include "launch.h"

/**
 * print_policy() - write the effective policy to stdout.
 * @l: the plan, complete but for terminal and signals.
 * @json: one JSON object (README, "--print-policy") instead of text.
 *
 * Taken from what would be applied, not from its description: the groups of the device
 * nodes that are there, the paths of Landlock's rules that exist, and for each system call
 * the answer that the compiled filter gives.
 * Return: 0 or -errno of write(2).
 */
int print_policy(const struct launch *l, bool json);

#endif
