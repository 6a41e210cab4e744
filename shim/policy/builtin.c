// SPDX-License-Identifier: Apache-2.0
/* The policies linked into the shim: what the compiler wrote, as a table. */
#include <string.h>

#include "policy.h"

#include "init-deny.h"
#include "server-allow.h"
#include "server-deny.h"
#include "stremio-allow.h"
#include "stremio-deny.h"

#define BUILTIN(lower, upper)                                                                 \
	{                                                                                     \
		.name = upper##_TITLE, .userns = upper##_USERNS, .arch = upper##_ARCH,        \
		.count = upper##_COUNT, .flags = upper##_FLAGS,                               \
		.canary_enosys = upper##_CANARY_ENOSYS, .canary_eperm = upper##_CANARY_EPERM, \
		.code = lower##_code,                                                         \
	}

static const struct policy builtin[] = {
	BUILTIN(stremio_deny, STREMIO_DENY), BUILTIN(stremio_allow, STREMIO_ALLOW),
	BUILTIN(server_deny, SERVER_DENY),   BUILTIN(server_allow, SERVER_ALLOW),
	BUILTIN(init_deny, INIT_DENY),
};

const struct policy *policy_builtin_at(size_t index)
{
	return index < sizeof(builtin) / sizeof(builtin[0]) ? &builtin[index] : NULL;
}

const struct policy *policy_builtin(const char *name, const char *userns)
{
	const struct policy *p;
	size_t i;

	for (i = 0; (p = policy_builtin_at(i)) != NULL; i++)
		if (strcmp(p->name, name) == 0 && strcmp(p->userns, userns) == 0)
			return p;
	return NULL;
}
