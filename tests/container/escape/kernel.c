/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the kernel that take programs, keys, modules, or page faults from user space. */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/fanotify.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "escape.h"

#define KEY_SPEC_SESSION_KEYRING (-3)
#define KEY_SPEC_USER_KEYRING (-4)
#define KEYCTL_JOIN_SESSION_KEYRING 1
#define KEYCTL_DESCRIBE 6
#define KEYCTL_GET_PERSISTENT 22

static void add_key(struct run *r)
{
	if (call(r, SYS_add_key, "user", "escape", "x", 1, KEY_SPEC_SESSION_KEYRING) < 0)
		refused(r);
	reached(r, "a key in the session's ring");
}

static void request_key(struct run *r)
{
	if (call(r, SYS_request_key, "user", "escape-absent", NULL, 0) >= 0)
		reached(r, "a key");
	if (r->err == ENOKEY)
		reached(r, "the rings were searched (ENOKEY)");
	refused(r);
}

static void keyctl(struct run *r)
{
	char buf[128];
	long n = r->attempt->number;
	long result = n == KEYCTL_DESCRIBE
			      ? call(r, SYS_keyctl, n, KEY_SPEC_USER_KEYRING, buf, sizeof(buf))
			      : call(r, SYS_keyctl, n, n == KEYCTL_GET_PERSISTENT ? -1 : 0,
				     KEY_SPEC_SESSION_KEYRING);

	if (result < 0)
		refused(r);
	reached(r, "%s", r->attempt->text);
}

static void bpf_program(struct run *r)
{
	static const struct bpf_insn code[2] = {
		{.code = 0xb7}, /* r0 = 0 */
		{.code = 0x95}, /* exit */
	};
	static const char license[] = "GPL";
	union bpf_attr attr = {0};

	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = 2;
	attr.license = (uintptr_t)license;
	if (call(r, SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) < 0)
		refused(r);
	reached(r, "a program in the kernel");
}

static void bpf_map(struct run *r)
{
	union bpf_attr attr = {0};

	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 4;
	attr.max_entries = 1;
	if (call(r, SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0)
		refused(r);
	reached(r, "a map in the kernel");
}

static void bpf_list(struct run *r)
{
	union bpf_attr attr = {0};

	if (call(r, SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr)) == 0)
		reached(r, "the ids of loaded programs");
	if (r->err == ENOENT)
		reached(r, "the list of loaded programs, which is empty");
	refused(r);
}

static void perf(struct run *r)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = r->attempt->number ? PERF_COUNT_SW_CONTEXT_SWITCHES
					     : PERF_COUNT_SW_TASK_CLOCK,
		.exclude_kernel = !r->attempt->number,
		.exclude_hv = 1,
	};

	if (call(r, SYS_perf_event_open, &attr, r->attempt->number ? -1 : 0,
		 r->attempt->number ? 0 : -1, -1, 0) < 0)
		refused(r);
	reached(r, "a counter of %s", r->attempt->text);
}

static void userfault(struct run *r)
{
	if (call(r, SYS_userfaultfd, r->attempt->number | O_CLOEXEC) < 0)
		refused(r);
	reached(r, "page faults %s are its own to answer",
		r->attempt->number ? "of user mode" : "of the kernel too");
}

static void init_module(struct run *r)
{
	/* Read as an ELF image only after the capability was checked. */
	static char image[64] = "\177ELF";

	if (call(r, SYS_init_module, image, sizeof(image), "") == 0 || r->err == ENOEXEC)
		reached(r, "the image was looked at");
	refused(r);
}

static void finit_module(struct run *r)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (call(r, SYS_finit_module, fd, "", 0) == 0 || r->err == ENOEXEC || r->err == EINVAL)
		reached(r, "the file was looked at");
	refused(r);
}

static void delete_module(struct run *r)
{
	if (call(r, SYS_delete_module, "escape_absent", O_NONBLOCK) == 0 || r->err == ENOENT)
		reached(r, "the list of modules was searched");
	refused(r);
}

static void kexec(struct run *r)
{
	/* No segments: this would take an image back that is loaded, and load none. */
	if (call(r, SYS_kexec_load, 0, 0, NULL, 0) < 0)
		refused(r);
	reached(r, "the next kernel is its own to choose");
}

static void kexec_file(struct run *r)
{
	if (call(r, SYS_kexec_file_load, -1, -1, 0, "", 0) == 0 || r->err == EBADF ||
	    r->err == EINVAL)
		reached(r, "kexec_file_load looks at its arguments: %s", errno_name(r->err));
	refused(r);
}

static void fanotify(struct run *r)
{
	if (call(r, SYS_fanotify_init, r->attempt->number, O_RDONLY) < 0)
		refused(r);
	reached(r, "a group that watches files");
}

static void aio(struct run *r)
{
	aio_context_t ctx = 0;

	if (call(r, SYS_io_setup, 1, &ctx) < 0)
		refused(r);
	reached(r, "a queue of asynchronous I/O");
}

static void vmsplice_gift(struct run *r)
{
	static char page[8192];
	struct iovec v = {(void *)(((uintptr_t)page + 4095) & ~4095UL), 4096};
	int p[2];

	if (pipe(p) < 0)
		broken(r, "pipe: %s", errno_name(errno));
	if (call(r, SYS_vmsplice, p[1], &v, 1, 8 /* SPLICE_F_GIFT */) < 0)
		refused(r);
	reached(r, "a page of its own is a pipe's now");
}

/*
 * CVE-2022-0847: a pipe's buffer keeps the mark that it may be written to, and then a page of
 * a file that is only open for reading is.
 */
static void dirty_pipe(struct run *r)
{
	char path[256], buf[4096], now[16] = "";
	loff_t from = 0;
	int fd, p[2];

	(void)snprintf(path, sizeof(path), "%s/read-only", r->config->helpers);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || access(path, W_OK) == 0)
		skip(r, "no read-only file %s (escape --prepare=DIR)", path);
	if (pipe(p) < 0)
		broken(r, "pipe: %s", errno_name(errno));
	memset(buf, 'A', sizeof(buf));
	for (int i = 0; i < 16; i++)
		if (write(p[1], buf, sizeof(buf)) != (ssize_t)sizeof(buf))
			broken(r, "filling the pipe: %s", errno_name(errno));
	for (int i = 0; i < 16; i++)
		if (read(p[0], buf, sizeof(buf)) != (ssize_t)sizeof(buf))
			broken(r, "emptying the pipe: %s", errno_name(errno));
	if (call(r, SYS_splice, fd, &from, p[1], NULL, 1, 0) < 0)
		refused(r);
	if (write(p[1], "dirty", 5) != 5)
		broken(r, "writing to the pipe: %s", errno_name(errno));
	if (pread(fd, now, sizeof(now) - 1, 0) > 0 && strstr(now, "dirty"))
		reached(r, "a file of root's says %.10s", now);
	blocked(r, "the kernel (the fault is mended)");
}

static void old_call(struct run *r)
{
	char buf[64] = "";

	if (call(r, r->attempt->number, 0, buf, sizeof(buf)) >= 0)
		reached(r, "%s works", r->attempt->text);
	refused(r);
}

const struct attempt attempts_kernel[] = {
	{"key.add", "add_key", add_key, 0, NULL, BLOCK, 0},
	{"key.request", "request_key", request_key, 0, NULL, BLOCK, 0},
	{"key.session", "join a session key ring", keyctl, KEYCTL_JOIN_SESSION_KEYRING,
	 "a session key ring of its own", BLOCK, 0},
	{"key.describe", "describe the user's key ring", keyctl, KEYCTL_DESCRIBE,
	 "the user's key ring is described", BLOCK, 0},
	{"key.persistent", "the user's persistent key ring", keyctl, KEYCTL_GET_PERSISTENT,
	 "the user's persistent key ring", BLOCK, 0},
	{"kernel.bpf-program", "load a BPF program", bpf_program, 0, NULL, BLOCK, 0},
	{"kernel.bpf-map", "make a BPF map", bpf_map, 0, NULL, BLOCK, 0},
	{"kernel.bpf-list", "list BPF programs", bpf_list, 0, NULL, BLOCK, 0},
	{"kernel.perf", "a performance counter", perf, 0, "itself", BLOCK, 0},
	{"kernel.perf-machine", "a performance counter of a processor", perf, 1, "a processor",
	 BLOCK, 0},
	{"kernel.userfaultfd", "userfaultfd", userfault, 0, NULL, BLOCK, 0},
	{"kernel.userfaultfd-user", "userfaultfd, user mode only", userfault, 1, NULL, BLOCK, 0},
	{"kernel.init_module", "load a module", init_module, 0, NULL, BLOCK, 0},
	{"kernel.finit_module", "load a module from a file", finit_module, 0, NULL, BLOCK, 0},
	{"kernel.delete_module", "remove a module", delete_module, 0, NULL, BLOCK, 0},
	{"kernel.kexec_load", "load another kernel", kexec, 0, NULL, BLOCK, HARMFUL},
	{"kernel.kexec_file_load", "load another kernel from a file", kexec_file, 0, NULL, BLOCK,
	 HARMFUL},
	{"kernel.fanotify", "watch files with fanotify", fanotify, FAN_CLASS_NOTIF, NULL, BLOCK, 0},
	{"kernel.fanotify-fid", "fanotify for the unprivileged", fanotify, 0x200 /* REPORT_FID */,
	 NULL, BLOCK, 0},
	{"kernel.aio", "io_setup", aio, 0, NULL, BLOCK, 0},
	{"kernel.vmsplice", "vmsplice with a gift", vmsplice_gift, 0, NULL, BLOCK, 0},
	{"kernel.dirty-pipe", "write a read-only file through a pipe", dirty_pipe, 0, NULL, BLOCK,
	 0},
#ifdef SYS_lookup_dcookie
	{"kernel.lookup_dcookie", "lookup_dcookie", old_call, SYS_lookup_dcookie, "lookup_dcookie",
	 BLOCK, 0},
#endif
#ifdef SYS_uselib
	{"kernel.uselib", "uselib", old_call, SYS_uselib, "uselib", BLOCK, 0},
#endif
#ifdef SYS__sysctl
	{"kernel.sysctl", "_sysctl", old_call, SYS__sysctl, "_sysctl", BLOCK, 0},
#endif
	{0},
};
