/* SPDX-License-Identifier: Apache-2.0 */
/* probe_run: start stremio-probe, read what it says, and see to its end. */
#ifndef SHIM_PROBE_RUN_H
#define SHIM_PROBE_RUN_H

#include <limits.h>
#include <stdint.h>

#include "records.h"

#define PROBE_DEADLINE_MS 5000 /* of one run */

/**
 * probe_find() - where the probe lies: beside this program's own file.
 * @path: out, PATH_MAX bytes; empty when that cannot be told. Source: /proc/self/exe, proc(5).
 */
void probe_find(char *path);

/**
 * probe_run() - let the probe check some groups.
 * @path: from probe_find(). @env: the application's environment.
 * @needed: groups, one bit each. @beside: more of them, which are not waited for. Either may
 *	have PRIMARY_WANTED beside them.
 * @deadline_ms: when to give up, above 0; the exec of the probe is not a part of it.
 * @r: out; each needed group has a result, whatever the probe does: a `skip` for every check
 *	where there is no probe, a `fail` for what did not answer, and for everything when the
 *	probe does not keep to its format. Of the others there is what was said until then.
 *
 * In a process that is confined already, and a subreaper. The probe is killed; to be called again
 * after probe_end() only.
 */
void probe_run(const char *path, char **env, uint32_t needed, uint32_t beside, uint32_t deadline_ms,
	       struct records *r);

/**
 * probe_end() - wait for the end of the probe and of all its processes, which are killed, and reap
 * them. Nothing is done where there is none.
 *
 * Apart from probe_run(), for whoever has what he needs by then: the end takes as long as a third
 * of the checks.
 * Return: the probe's wait status, 0 where there was none.
 */
int probe_end(void);

#endif
