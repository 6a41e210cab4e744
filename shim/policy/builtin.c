// SPDX-License-Identifier: Apache-2.0
/* The policies linked into the shim: what the compiler wrote, as a table. */
#include <string.h>

#include "policy.h"

#include "audit-deny.h"
#include "init-deny.h"
#include "server-allow.h"
#include "server-deny.h"
#include "stremio-allow.h"
#include "stremio-deny.h"

#define BUILTIN(lower, upper, ...)                                                            \
	{                                                                                     \
		.name = upper##_TITLE, .userns = upper##_USERNS, .arch = upper##_ARCH,        \
		.count = upper##_COUNT, .flags = upper##_FLAGS,                               \
		.canary_enosys = upper##_CANARY_ENOSYS, .canary_eperm = upper##_CANARY_EPERM, \
		.code = lower##_code, __VA_ARGS__                                             \
	}

/* Of those for applications also where their rules stand. */
#define WHERE(lower)                                                          \
	.denials = lower##_denials,                                           \
	.denial_count = sizeof(lower##_denials) / sizeof(lower##_denials[0]), \
	.files = lower##_files

#define WHERE_TABLES(lower, upper)                                               \
	static const struct policy_denial lower##_denials[] = {upper##_DENIALS}; \
	static const char *const lower##_files[] = {upper##_FILES}

WHERE_TABLES(stremio_deny, STREMIO_DENY);
WHERE_TABLES(stremio_allow, STREMIO_ALLOW);
WHERE_TABLES(server_deny, SERVER_DENY);
WHERE_TABLES(server_allow, SERVER_ALLOW);

static const struct policy builtin[] = {
	BUILTIN(stremio_deny, STREMIO_DENY, WHERE(stremio_deny)),
	BUILTIN(stremio_allow, STREMIO_ALLOW, WHERE(stremio_allow)),
	BUILTIN(server_deny, SERVER_DENY, WHERE(server_deny)),
	BUILTIN(server_allow, SERVER_ALLOW, WHERE(server_allow)),
	BUILTIN(init_deny, INIT_DENY, .files = NULL),
	BUILTIN(audit_deny, AUDIT_DENY, .files = NULL),
};

/* The same in each of them, which are all for this machine. */
static const char call_names[] = {STREMIO_DENY_CALLS};
static const char errno_names[] = {STREMIO_DENY_ERRNOS};

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

/* One after the other, the first for number 0. */
static const char *nth(const char *names, size_t size, uint32_t n)
{
	const char *end = names + size;

	for (; n > 0 && names < end; n--)
		names += strlen(names) + 1;
	return names < end && *names != '\0' ? names : NULL;
}

const char *policy_call_name(uint32_t nr)
{
	return nth(call_names, sizeof(call_names), nr);
}

const char *policy_errno_name(uint32_t err)
{
	return nth(errno_names, sizeof(errno_names), err);
}
