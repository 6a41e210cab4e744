/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiled system call policy, as the program that loads it sees it. No heap,
 * no stdio, no libseccomp: this header and file.h are all the shim needs.
 */
#ifndef STREMIO_POLICY_H
#define STREMIO_POLICY_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's own limit, BPF_MAXINSNS in linux/bpf_common.h. */
#define POLICY_MAX_INSNS 4096
/* Room for a policy's name with its final NUL. */
#define POLICY_NAME_SIZE 32
/* "This filter has no call with that answer that is safe to try." */
#define POLICY_NO_CANARY UINT32_MAX

/* Bits of struct policy's flags. */
#define POLICY_USERNS_ALLOW 1u /* compiled with userns=allow */
#define POLICY_SUPERVISOR 2u   /* role supervisor: execve may be denied, not for a command */

/* An errno rule that a built-in policy has for a call, for those who ask why. */
struct policy_denial {
	uint16_t call;
	uint16_t err;
	uint16_t line;
	uint16_t file; /* index of struct policy's files */
};

/*
 * The canaries are numbers of calls that this filter answers with ENOSYS and
 * with EPERM whatever their arguments, and that a kernel without the filter
 * would answer with another error when all six arguments are ~0UL (EBADF, EFAULT,
 * E2BIG ...), without any effect. Calling them so after the load proves that the
 * filter in force answers as compiled.
 */
struct policy {
	const char *name;	/* as given to --name, else the file's name */
	const char *userns;	/* "deny" or "allow" */
	uint32_t arch;		/* AUDIT_ARCH_* */
	uint16_t count;		/* instructions in code */
	uint16_t flags;		/* POLICY_* bits */
	uint32_t canary_enosys; /* or POLICY_NO_CANARY */
	uint32_t canary_eperm;	/* or POLICY_NO_CANARY */
	const struct sock_filter *code;
	const struct policy_denial *denials; /* its errno rules by call; NULL: not known */
	size_t denial_count;
	const char *const *files; /* which they stand in */
};

/*
 * The policies linked into the shim. policy_builtin() returns the one of that
 * name ("stremio", "server", "init", "audit") and userns variant ("deny",
 * "allow"), or NULL; the latter two exist as "deny" only. policy_builtin_at() walks them all from 0
 * and returns NULL at the end.
 */
const struct policy *policy_builtin(const char *name, const char *userns);
const struct policy *policy_builtin_at(size_t index);

/* What this machine's architecture calls a system call or an error; NULL when unknown. */
const char *policy_call_name(uint32_t nr);
const char *policy_errno_name(uint32_t err);

#endif
