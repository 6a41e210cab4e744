// SPDX-License-Identifier: Apache-2.0
/* What the words of a policy mean: calls, errors, constants. */
#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/kcmp.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/socket.h>

#include "rules.h"

static const struct {
	const char *name;
	uint32_t audit;
	uint32_t scmp;
} arches[ARCH_COUNT] = {
	[ARCH_X86_64] = {"x86_64", AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64},
	[ARCH_AARCH64] = {"aarch64", AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64},
};

const char *arch_name(enum arch_id arch)
{
	return arches[arch].name;
}

uint32_t arch_audit(enum arch_id arch)
{
	return arches[arch].audit;
}

int arch_by_name(const char *word)
{
	int i;

	for (i = 0; i < ARCH_COUNT; i++)
		if (strcmp(word, arches[i].name) == 0)
			return i;
	return -1;
}

enum call_lookup call_number(enum arch_id arch, const char *name, uint32_t *nr)
{
	int n = seccomp_syscall_resolve_name_arch(arches[arch].scmp, name);

	if (n == __NR_SCMP_ERROR)
		return CALL_UNKNOWN;
	/* Other negative numbers are libseccomp's own for calls of other architectures. */
	if (n < 0)
		return CALL_OTHER_ARCH;
	*nr = (uint32_t)n;
	return CALL_FOUND;
}

void call_name(enum arch_id arch, uint32_t nr, char *buf, size_t size)
{
	char *name = seccomp_syscall_resolve_num_arch(arches[arch].scmp, (int)nr);

	snprintf(buf, size, "%s", name != NULL ? name : "");
	free(name);
}

/* Optimal string alignment distance, for names shorter than 32. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int d[33][33], best;
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > 32 || lb > 32)
		return 99;
	for (i = 0; i <= la; i++)
		d[i][0] = (unsigned int)i;
	for (j = 0; j <= lb; j++)
		d[0][j] = (unsigned int)j;
	for (i = 1; i <= la; i++) {
		for (j = 1; j <= lb; j++) {
			best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[la][lb];
}

void call_suggest(enum arch_id arch, const char *name, char *buf, size_t size)
{
	unsigned int best = strlen(name) < 5 ? 2 : 3, d;
	char other[64];
	uint32_t nr;

	buf[0] = '\0';
	for (nr = 0; nr < CALL_LIMIT; nr++) {
		call_name(arch, nr, other, sizeof(other));
		if (other[0] == '\0')
			continue;
		d = distance(name, other);
		if (d < best) {
			best = d;
			snprintf(buf, size, "%s", other);
		}
	}
}

/* Both architectures use asm-generic/errno.h, so the build machine's values hold. */
#define E(name)             \
	{                   \
#name, name \
	}
static const struct {
	const char *name;
	int value;
} errnos[] = {
	E(EPERM),   E(ENOENT), E(EIO),	  E(ENXIO),	      E(E2BIG),	     E(EBADF),
	E(ECHILD),  E(EAGAIN), E(ENOMEM), E(EACCES),	      E(EFAULT),     E(EBUSY),
	E(EEXIST),  E(EXDEV),  E(ENODEV), E(EINVAL),	      E(ENFILE),     E(EMFILE),
	E(ENOTTY),  E(EFBIG),  E(ENOSPC), E(EROFS),	      E(EMLINK),     E(ENOSYS),
	E(ENODATA), E(EUSERS), E(EPROTO), E(EPROTONOSUPPORT), E(EOPNOTSUPP), E(EAFNOSUPPORT),
};
#undef E

int errno_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (strcmp(name, errnos[i].name) == 0)
			return errnos[i].value;
	return 0;
}

const char *errno_name(int err)
{
	size_t i;

	for (i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (err == errnos[i].value)
			return errnos[i].name;
	return NULL;
}

/* All of these have one value on both architectures. */
#define C(name)             \
	{                   \
#name, name \
	}
static const struct {
	const char *name;
	uint64_t value;
} constants[] = {
	C(AF_UNIX),
	C(AF_INET),
	C(AF_INET6),
	C(AF_NETLINK),
	C(AF_PACKET),
	C(AF_BLUETOOTH),
	C(AF_ALG),
	C(AF_VSOCK),
	/* linux/netlink.h: socket(2)'s third argument */
	{"NETLINK_ROUTE", 0},
	{"NETLINK_KOBJECT_UEVENT", 15},
	C(TIOCSTI),
	C(TIOCLINUX),
	C(TIOCCONS),
	C(TIOCSETD),
	C(TIOCSPGRP),
	C(TIOCGPGRP),
	C(TIOCGWINSZ),
	C(TCGETS),
	C(TIOCSCTTY),
	C(TIOCNOTTY),
	C(IPC_PRIVATE),
	C(KCMP_FILE),
	C(CLONE_NEWNS),
	C(CLONE_NEWCGROUP),
	C(CLONE_NEWUTS),
	C(CLONE_NEWIPC),
	C(CLONE_NEWUSER),
	C(CLONE_NEWPID),
	C(CLONE_NEWNET),
	C(CLONE_NEWTIME),
	C(PR_SET_PDEATHSIG),
	C(PR_GET_PDEATHSIG),
	C(PR_GET_DUMPABLE),
	C(PR_SET_DUMPABLE),
	C(PR_SET_NAME),
	C(PR_GET_NAME),
	C(PR_GET_SECCOMP),
	C(PR_SET_SECCOMP),
	C(PR_CAPBSET_READ),
	C(PR_CAPBSET_DROP),
	C(PR_GET_SECUREBITS),
	C(PR_SET_SECUREBITS),
	C(PR_SET_TIMERSLACK),
	C(PR_GET_TIMERSLACK),
	C(PR_SET_CHILD_SUBREAPER),
	C(PR_GET_CHILD_SUBREAPER),
	C(PR_SET_NO_NEW_PRIVS),
	C(PR_GET_NO_NEW_PRIVS),
	C(PR_GET_TID_ADDRESS),
	C(PR_SET_THP_DISABLE),
	C(PR_GET_THP_DISABLE),
	C(PR_CAP_AMBIENT),
	C(PR_SVE_SET_VL),
	C(PR_SVE_GET_VL),
	C(PR_GET_SPECULATION_CTRL),
	C(PR_SET_SPECULATION_CTRL),
	C(PR_PAC_RESET_KEYS),
	C(PR_SET_TAGGED_ADDR_CTRL),
	C(PR_GET_TAGGED_ADDR_CTRL),
	C(PR_PAC_SET_ENABLED_KEYS),
	C(PR_PAC_GET_ENABLED_KEYS),
	/* linux/prctl.h of 5.19; the build machine's may be older */
	{"PR_SME_SET_VL", 63},
	{"PR_SME_GET_VL", 64},
	C(PR_SET_VMA),
	C(PR_SET_PTRACER),
};
#undef C

static int one_value(const char *word, uint64_t *value)
{
	char *end;
	size_t i;

	if (isdigit((unsigned char)word[0])) {
		/* No octal: 010 in a mask would be a trap for the reader. */
		int base = word[0] == '0' && (word[1] == 'x' || word[1] == 'X') ? 16 : 10;

		if (base == 10 && word[0] == '0' && word[1] != '\0')
			return -EINVAL;
		errno = 0;
		*value = strtoull(word, &end, base);
		return errno != 0 || *end != '\0' ? -EINVAL : 0;
	}
	for (i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
		if (strcmp(word, constants[i].name) == 0) {
			*value = constants[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

int value_parse(const char *word, uint64_t *value)
{
	uint64_t all = 0, one;
	char part[64];
	size_t n;

	for (;;) {
		n = strcspn(word, "|");
		if (n == 0 || n >= sizeof(part))
			return -EINVAL;
		memcpy(part, word, n);
		part[n] = '\0';
		if (one_value(part, &one) != 0)
			return -EINVAL;
		all |= one;
		if (word[n] == '\0')
			break;
		word += n + 1;
	}
	*value = all;
	return 0;
}

char *action_text(uint32_t action, char *buf, size_t size)
{
	const char *err;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		snprintf(buf, size, "allow");
		break;
	case SECCOMP_RET_KILL_PROCESS:
		snprintf(buf, size, "kill");
		break;
	default:
		err = errno_name((int)(action & SECCOMP_RET_DATA));
		if (err != NULL)
			snprintf(buf, size, "errno %s", err);
		else
			snprintf(buf, size, "errno %u", action & SECCOMP_RET_DATA);
	}
	return buf;
}
