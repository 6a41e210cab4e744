/* SPDX-License-Identifier: Apache-2.0 */
/* gate: hold the launch back until what is required is good. */
#ifndef SHIM_GATE_H
#define SHIM_GATE_H

#include "inspect.h"

/**
 * gate_pass() - let the required groups be checked, and wait for them.
 * @l: the plan; its supplementary groups are taken anew when devices of others have come.
 * @f: out, when it could not be told.
 *
 * Nothing required: nothing is done. Else an inspector repeats the checks until all are
 * good or --wait is over, at changes in the directories concerned and after growing pauses,
 * and says what it waits for and what is not good. The other --devices are checked beside
 * them once, and what is known of them by then is said: the launch does not wait for it.
 * Meanwhile this process reaps, and a request to stop ends it all at once (INT, HUP and QUIT,
 * too, where they are no request of Incus's: nobody is there yet to whom they could be passed
 * on); other signals stay held.
 *
 * Return: 0 when the launch may go on, else the exit status; @f->status is 0 when all
 * has been said.
 */
int gate_pass(struct launch *l, struct finding *f);

#endif
