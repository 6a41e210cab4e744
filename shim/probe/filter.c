/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "policy/policy.h"

#include "probe-deny.h"

int probe_filter_load(void)
{
	struct sock_fprog prog = {
		.len = PROBE_DENY_COUNT,
		.filter = (struct sock_filter *)(uintptr_t)probe_deny_code,
	};

	/* prctl: seccomp(2) is not in the application's policy for servers. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) < 0)
		return -errno;
	return 0;
}
