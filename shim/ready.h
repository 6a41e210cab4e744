/* SPDX-License-Identifier: Apache-2.0 */
/* ready: tell Incus that the instance is up. */
#ifndef SHIM_READY_H
#define SHIM_READY_H

#include "options.h"

/**
 * ready_connect() - open the guest API's socket, while this process is still root.
 * @when: --ready. @init: this process is PID 1.
 * Return: a close-on-exec, non-blocking descriptor; -1 when there is nothing to tell
 * (not asked for, or nobody listens; with READY_YES that is a warning line).
 * Source: Incus documentation, "Communication between instance and host" (/dev/incus/sock).
 */
int ready_connect(enum ready when, bool init);

/**
 * ready_report() - send the state `Ready` after the exec.
 * @fd: from ready_connect(), or -1. Does not wait for the answer.
 * Return: @fd when an answer is to come, else -1 with the descriptor closed.
 */
int ready_report(int fd);

/**
 * ready_answer() - the descriptor became readable: see what Incus says and close it.
 * @fd: from ready_report(). A refusal is a warning line.
 */
void ready_answer(int fd);

#endif
