// SPDX-License-Identifier: Apache-2.0
#include "file.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../sys.h"

#define KNOWN_FLAGS (POLICY_USERNS_ALLOW | POLICY_SUPERVISOR)

static int refuse(int err, const char **why, const char *text)
{
	*why = text;
	return -err;
}

uint32_t policy_native_arch(void)
{
#if defined(__x86_64__) && !defined(__ILP32__)
	return AUDIT_ARCH_X86_64;
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return AUDIT_ARCH_AARCH64;
#else
#error "system call policies exist for x86_64 and little-endian aarch64"
#endif
}

/* The name goes into reports and messages, so it must be harmless there. */
static bool name_is_clean(const char name[POLICY_NAME_SIZE])
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t n = 0;

	while (n < POLICY_NAME_SIZE && name[n] != '\0')
		if (strchr(ok, name[n++]) == NULL)
			return false;
	if (n == 0 || n == POLICY_NAME_SIZE)
		return false;
	while (n < POLICY_NAME_SIZE)
		if (name[n++] != '\0')
			return false;
	return true;
}

int policy_header_check(const struct policy_file_header *h, uint32_t arch, const char **why)
{
	if (memcmp(h->magic, POLICY_FILE_MAGIC, sizeof(h->magic)) != 0)
		return refuse(EINVAL, why, "not a compiled policy");
	if (h->version != POLICY_FILE_VERSION)
		return refuse(ENOTSUP, why, "unknown format version");
	if (h->arch != AUDIT_ARCH_X86_64 && h->arch != AUDIT_ARCH_AARCH64)
		return refuse(EINVAL, why, "unknown architecture");
	if (arch != 0 && h->arch != arch)
		return refuse(ENOEXEC, why, "compiled for another architecture");
	if ((h->flags & ~KNOWN_FLAGS) != 0 || h->reserved != 0)
		return refuse(EINVAL, why, "unknown flags");
	/* The shortest one: load arch, compare it, return, return. */
	if (h->count < 4)
		return refuse(EINVAL, why, "no instructions");
	if (h->count > POLICY_MAX_INSNS)
		return refuse(EINVAL, why, "more than 4096 instructions");
	if (!name_is_clean(h->name))
		return refuse(EINVAL, why, "the policy's name is damaged");
	return 0;
}

static bool return_is_known(uint32_t k)
{
	uint32_t data = k & SECCOMP_RET_DATA;

	if (k == SECCOMP_RET_ALLOW || k == SECCOMP_RET_KILL_PROCESS)
		return true;
	/* 4095 is the kernel's MAX_ERRNO; ERRNO 0 would fake success. */
	return (k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO && data > 0 && data <= 4095;
}

/* One instruction, of which `after` follow it; seccomp_check_filter() and
 * bpf_check_classic() in the kernel are the model. */
static int insn_check(const struct sock_filter *f, uint32_t after, const char **why)
{
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (f->k % 4 != 0 || f->k >= sizeof(struct seccomp_data))
			return refuse(EINVAL, why, "load outside struct seccomp_data");
		break;
	case BPF_ALU | BPF_AND | BPF_K:
		break;
	case BPF_JMP | BPF_JA:
		if (f->k >= after)
			return refuse(EINVAL, why, "jump out of the program");
		break;
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_K:
		if (f->jt >= after || f->jf >= after)
			return refuse(EINVAL, why, "jump out of the program");
		break;
	case BPF_RET | BPF_K:
		if (!return_is_known(f->k))
			return refuse(EINVAL, why, "unknown action");
		break;
	default:
		return refuse(EINVAL, why, "unknown instruction");
	}
	return 0;
}

int policy_code_check(const struct sock_filter *code, uint32_t count, uint32_t arch,
		      const char **why)
{
	uint32_t i;
	int rc;

	if (count < 4 || count > POLICY_MAX_INSNS)
		return refuse(EINVAL, why, "bad number of instructions");
	/* The header's word alone must not decide which call numbers these are. */
	if (code[0].code != (BPF_LD | BPF_W | BPF_ABS) ||
	    code[0].k != offsetof(struct seccomp_data, arch) ||
	    code[1].code != (BPF_JMP | BPF_JEQ | BPF_K) || code[1].k != arch)
		return refuse(EINVAL, why, "the architecture is not checked first");
	for (i = 0; i < count; i++) {
		rc = insn_check(&code[i], count - 1 - i, why);
		if (rc != 0)
			return rc;
	}
	/* All jumps go forward, so with this every path returns. */
	if (code[count - 1].code != (BPF_RET | BPF_K))
		return refuse(EINVAL, why, "the last instruction does not return");
	return 0;
}

/* Reads exactly len bytes; -EINVAL at an early end, which alone is "truncated". */
static int read_all(int fd, void *buf, size_t len, const char **why)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, (char *)buf + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return refuse(errno, why, "cannot be read");
		if (n == 0)
			return refuse(EINVAL, why, "truncated");
		done += (size_t)n;
	}
	return 0;
}

int policy_file_read(int fd, uint32_t arch, uid_t owner, struct policy *out,
		     struct policy_file_header *head, struct sock_filter *code, const char **why)
{
	struct stat st;
	char extra;
	int rc;

	*why = "cannot be examined";
	if (sys_fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return refuse(EINVAL, why, "not a regular file");
	if (st.st_uid != 0 && st.st_uid != owner)
		return refuse(EPERM, why, "owned neither by root nor by the caller");
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse(EPERM, why, "writable by group or others");

	rc = read_all(fd, head, sizeof(*head), why);
	if (rc != 0)
		return rc;
	rc = policy_header_check(head, arch, why);
	if (rc != 0)
		return rc;
	rc = read_all(fd, code, head->count * sizeof(*code), why);
	if (rc != 0)
		return rc;
	rc = read_all(fd, &extra, 1, why);
	if (rc == 0)
		return refuse(EINVAL, why, "trailing bytes");
	if (rc != -EINVAL)
		return rc;
	rc = policy_code_check(code, head->count, head->arch, why);
	if (rc != 0)
		return rc;

	out->name = head->name;
	out->userns = (head->flags & POLICY_USERNS_ALLOW) ? "allow" : "deny";
	out->arch = head->arch;
	out->count = (uint16_t)head->count;
	out->flags = head->flags;
	out->canary_enosys = head->canary_enosys;
	out->canary_eperm = head->canary_eperm;
	out->code = code;
	*why = NULL;
	return 0;
}
