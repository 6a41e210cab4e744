/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled policy file (.bpf): its format, and a reader that trusts nothing in it. */
#ifndef STREMIO_POLICY_FILE_H
#define STREMIO_POLICY_FILE_H

#include <sys/types.h>

#include "policy.h"

#define POLICY_FILE_MAGIC "STRMPOL\n"
#define POLICY_FILE_VERSION 1

/*
 * A file is this header and then `count` struct sock_filter, nothing more. All
 * fields little-endian, which both supported architectures are.
 */
struct policy_file_header {
	char magic[8];
	uint16_t version;
	uint16_t flags;		/* POLICY_* */
	uint32_t arch;		/* AUDIT_ARCH_* */
	uint32_t count;		/* 4 .. POLICY_MAX_INSNS */
	uint32_t canary_enosys; /* call number or POLICY_NO_CANARY */
	uint32_t canary_eperm;
	uint32_t reserved;	     /* 0 */
	char name[POLICY_NAME_SIZE]; /* letters, digits, - _ . ; padded with NUL */
};

_Static_assert(sizeof(struct policy_file_header) == 64, "the file format is fixed");

/* AUDIT_ARCH_* of this program, what the reader takes when it is to load the result. */
uint32_t policy_native_arch(void);

/*
 * Checks a header. Returns 0, or -EINVAL (not such a file, or damaged), -ENOTSUP
 * (another format version) or -ENOEXEC (arch is not 0 and the file is for
 * another one); *why is then a short constant text.
 */
int policy_header_check(const struct policy_file_header *h, uint32_t arch, const char **why);

/*
 * Checks that code is a filter as stremio-policy writes them: the architecture
 * is looked at first, only loads inside struct seccomp_data, AND, compares, jumps inside
 * the program and returns of ALLOW, ERRNO 1..4095 or KILL_PROCESS. That is a
 * subset of what seccomp(2) takes, so it also finds what the kernel would refuse.
 * Returns 0 or -EINVAL with *why.
 */
int policy_code_check(const struct sock_filter *code, uint32_t count, uint32_t arch,
		      const char **why);

/*
 * Reads a compiled policy from fd, from its present offset to its end, which must
 * follow the last instruction.
 *  arch   the only architecture taken; 0 takes any (to compare, not to load)
 *  owner  the file must belong to root or to this uid
 *  head   is filled with the header; out->name points into it
 *  code   room for POLICY_MAX_INSNS instructions; out->code points to it
 * Returns 0; else -errno with *why: -EPERM (not root's or the owner's file, or others
 * may write to it), -EINVAL (no regular file, truncated, trailing bytes, bad
 * code), -ENOTSUP, -ENOEXEC (see above), or what fstat(2) and read(2) gave.
 */
int policy_file_read(int fd, uint32_t arch, uid_t owner, struct policy *out,
		     struct policy_file_header *head, struct sock_filter *code, const char **why);

#endif
