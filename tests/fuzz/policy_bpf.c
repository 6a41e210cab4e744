// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer: any bytes as a compiled policy file. What the reader takes must be a program that
 * ends with an action it knows, whatever the call.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf_sim.h"
#include "policy/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_call(const struct policy *p, int nr, uint32_t arch, uint64_t arg)
{
	struct seccomp_data d = {nr, arch, 0, {arg, arg, arg, arg, arg, arg}};
	struct sim_result r = bpf_sim(p->code, p->count, &d);
	uint32_t what = r.action & SECCOMP_RET_ACTION_FULL;

	if (r.fault || (r.action != SECCOMP_RET_ALLOW && r.action != SECCOMP_RET_KILL_PROCESS &&
			what != SECCOMP_RET_ERRNO))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policy_file_header head;
	static struct sock_filter code[POLICY_MAX_INSNS];
	static int fd = -1;
	struct policy p;
	const char *why = NULL;
	int nr;

	if (fd < 0) {
		fd = memfd_create("policy", MFD_CLOEXEC);
		if (fd < 0 || fchmod(fd, 0600) != 0)
			abort();
	}
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	if (policy_file_read(fd, 0, geteuid(), &p, &head, code, &why) != 0) {
		if (!why)
			abort();
		return 0;
	}
	if (strlen(p.name) >= POLICY_NAME_SIZE || p.count > POLICY_MAX_INSNS)
		abort();
	for (nr = -1; nr < 480; nr++) {
		try_call(&p, nr, p.arch, 0);
		try_call(&p, nr, p.arch, UINT64_MAX);
	}
	try_call(&p, 1, AUDIT_ARCH_I386, 0);
	return 0;
}
