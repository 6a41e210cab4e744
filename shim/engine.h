/* SPDX-License-Identifier: Apache-2.0 */
/* engine: web engines that do not start where they cannot make namespaces, and their switches. */
#ifndef SHIM_ENGINE_H
#define SHIM_ENGINE_H

#include <stdbool.h>

#include "policy/policy.h"

/**
 * engine_lacks_namespaces() - does a policy refuse the namespace an engine's sandbox begins
 * with?
 * @p: the policy in force, or NULL for none.
 * Return: true when a user namespace is refused.
 */
bool engine_lacks_namespaces(const struct policy *p);

/**
 * engine_environment() - switch WebKitGTK's bwrap off where its library is installed.
 * @path: the file about to be executed. @env: its environment, terminated by NULL.
 *
 * WebKitGTK aborts without namespaces. Its documented way to go without is the variable
 * WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS; one that is set, to whatever, is left alone. To be
 * called where namespaces are refused. A warning tells what was done where the file is a script,
 * has the library's name in it or cannot be read; of any other program, which may still start
 * one that loads it, only LOG_VERBOSE.
 * Return: @env, or a copy with the variable added.
 */
char **engine_environment(const char *path, char **env);

/**
 * engine_arguments() - switch Chromium's sandbox off.
 * @path: the file about to be executed. @argv: its arguments.
 *
 * Chromium and CEF end without namespaces, unless --no-sandbox is among the arguments. They
 * are known by libcef.so or chrome-sandbox beside the file (links followed) or its name. To be
 * called where namespaces are refused; a warning tells what was done.
 * Return: @argv, or a copy with the switch as its first argument.
 */
char **engine_arguments(const char *path, char **argv);

#endif
