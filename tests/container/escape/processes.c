/* SPDX-License-Identifier: Apache-2.0 */
/* Other processes: PID 1 (the supervisor), a sibling of the same user, another user's. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "escape.h"

/* The kernel's, since Linux 5.4 at most: headers may be older. */
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#define KCMP_VM 1

/* The same address in a forked sibling. */
static volatile char marker[16] = "untouched";

static pid_t sibling(struct run *r)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0)
		broken(r, "fork: %s", errno_name(errno));
	usleep(2000);
	return pid;
}

enum whose { INIT, SIBLING, VICTIM };

static pid_t target(struct run *r)
{
	if (r->attempt->number == INIT && r->config->is_init)
		skip(r, "PID 1 is this program itself");
	if (r->attempt->number == INIT)
		return 1;
	if (r->attempt->number == SIBLING)
		return sibling(r);
	if (!r->config->victim)
		skip(r, "no process of another user was named (--victim)");
	if (r->config->victim == VICTIM_UNSEEN)
		blocked(r, "the pid namespace: no other user's process is in sight");
	return r->config->victim;
}

static void attach(struct run *r)
{
	bool seize = r->attempt->text != NULL;
	pid_t pid = target(r);

	if (call(r, SYS_ptrace, seize ? PTRACE_SEIZE : PTRACE_ATTACH, pid, 0, 0) < 0)
		refused(r);
	(void)ptrace(PTRACE_DETACH, pid, 0, 0);
	reached(r, "traces process %d", (int)pid);
}

static void traceme(struct run *r)
{
	if (call(r, SYS_ptrace, PTRACE_TRACEME, 0, 0, 0) < 0)
		refused(r);
	reached(r, "its parent traces it");
}

/* EFAULT: the right was given, and another program has nothing at our address. */
static void memory_access(struct run *r, pid_t pid)
{
	if (r->err == EFAULT)
		reached(r, "was given access to the memory of process %d", (int)pid);
	refused(r);
}

static void vm_read(struct run *r)
{
	char buf[16] = "";
	pid_t pid = target(r);
	struct iovec mine = {buf, sizeof(buf)};
	struct iovec theirs = {(void *)(uintptr_t)marker, sizeof(buf)};

	if (call(r, SYS_process_vm_readv, pid, &mine, 1, &theirs, 1, 0) >= 0)
		reached(r, "read the memory of process %d", (int)pid);
	memory_access(r, pid);
}

static void vm_write(struct run *r)
{
	char buf[16] = "touched";
	pid_t pid = target(r);
	struct iovec mine = {buf, sizeof(buf)};
	struct iovec theirs = {(void *)(uintptr_t)marker, sizeof(buf)};

	if (call(r, SYS_process_vm_writev, pid, &mine, 1, &theirs, 1, 0) >= 0)
		reached(r, "wrote the memory of process %d", (int)pid);
	memory_access(r, pid);
}

static void advise(struct run *r)
{
	pid_t pid = sibling(r);
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct iovec theirs = {(void *)((uintptr_t)marker & ~4095UL), 4096};

	if (call(r, SYS_process_madvise, fd, &theirs, 1, 20 /* MADV_COLD */, 0) < 0)
		refused(r);
	reached(r, "advised on the memory of process %d", (int)pid);
}

/* A file of /proc/PID that asks for the right to trace. */
static void proc_read(struct run *r)
{
	char path[64], buf[256];
	pid_t pid = target(r);
	ssize_t n;
	long fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, r->attempt->text);
	fd = call(r, SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		refused(r);
	if (!strcmp(r->attempt->text, "mem"))
		reached(r, "the memory of process %d is open", (int)pid);
	n = call(r, SYS_read, fd, buf, sizeof(buf));
	if (n < 0)
		refused(r);
	if (n == 0)
		blocked(r, "the kernel: it reads as empty");
	reached(r, "%zd bytes of %s", n, path);
}

static void proc_memory_write(struct run *r)
{
	char path[64];
	pid_t pid = target(r);
	long fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = call(r, SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		refused(r);
	if (r->attempt->number == SIBLING &&
	    call(r, SYS_pwrite64, fd, "touched", 7, (uintptr_t)marker) < 0)
		refused(r);
	reached(r, "wrote the memory of process %d", (int)pid);
}

/* root, cwd, exe, fd: links whose target is beyond the permission of the path. */
static void proc_link(struct run *r)
{
	char path[64], buf[256];
	pid_t pid = target(r);
	long n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, r->attempt->text);
	n = call(r, SYS_readlinkat, AT_FDCWD, path, buf, sizeof(buf) - 1);
	if (n < 0)
		refused(r);
	reached(r, "%s leads to %.*s", path, (int)n, buf);
}

static void proc_descriptors(struct run *r)
{
	char path[64];
	pid_t pid = target(r);

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (call(r, SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0)
		refused(r);
	reached(r, "lists the descriptors of process %d", (int)pid);
}

/* Signal 0 asks for the permission and sends nothing. */
static void signal_it(struct run *r)
{
	pid_t pid = target(r);

	if (call(r, SYS_kill, pid, 0) < 0)
		refused(r);
	reached(r, "may signal process %d", (int)pid);
}

static void signal_by_pidfd(struct run *r)
{
	pid_t pid = target(r);
	long fd = call(r, SYS_pidfd_open, pid, 0);

	if (fd < 0 || call(r, SYS_pidfd_send_signal, fd, 0, NULL, 0) < 0)
		refused(r);
	reached(r, "may signal process %d", (int)pid);
}

/* A signal that claims to come from the kernel. */
static void forge_signal(struct run *r)
{
	siginfo_t info = {.si_signo = SIGURG, .si_code = SI_KERNEL};
	pid_t pid = target(r);

	if (call(r, SYS_rt_sigqueueinfo, pid, SIGURG, &info) < 0)
		refused(r);
	reached(r, "process %d got a signal that names the kernel as its sender", (int)pid);
}

static void steal_descriptor(struct run *r)
{
	pid_t pid = target(r);
	long fd = call(r, SYS_pidfd_open, pid, 0);
	long stolen;

	if (fd < 0)
		refused(r);
	stolen = call(r, SYS_pidfd_getfd, fd, 0, 0);
	if (stolen < 0)
		refused(r);
	reached(r, "holds descriptor 0 of process %d", (int)pid);
}

static void compare(struct run *r)
{
	pid_t pid = target(r);

	if (call(r, SYS_kcmp, getpid(), pid, KCMP_VM, 0, 0) < 0)
		refused(r);
	reached(r, "compared kernel pointers with process %d", (int)pid);
}

static void limits_of(struct run *r)
{
	struct rlimit old;
	pid_t pid = target(r);

	if (call(r, SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &old) < 0)
		refused(r);
	if (call(r, SYS_prlimit64, pid, RLIMIT_NOFILE, &old, NULL) < 0)
		refused(r);
	reached(r, "may change the limits of process %d", (int)pid);
}

static void priority_of(struct run *r)
{
	pid_t pid = target(r);

	if (call(r, SYS_setpriority, PRIO_PROCESS, pid, 5) < 0)
		refused(r);
	reached(r, "slowed process %d down", (int)pid);
}

static void processors_of(struct run *r)
{
	unsigned long mask[16] = {1};
	pid_t pid = target(r);

	if (call(r, SYS_sched_setaffinity, pid, sizeof(mask), mask) < 0)
		refused(r);
	reached(r, "bound process %d to one processor", (int)pid);
}

static void robust_list(struct run *r)
{
	void *head = NULL;
	size_t len = 0;
	pid_t pid = target(r);

	if (call(r, SYS_get_robust_list, pid, &head, &len) < 0)
		refused(r);
	reached(r, "an address of process %d: %p", (int)pid, head);
}

static void oom_score(struct run *r)
{
	char path[64];
	pid_t pid = target(r);
	long fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	fd = call(r, SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		refused_path(r, path, W_OK);
	if (call(r, SYS_write, fd, "1000", 4) < 0)
		refused(r);
	reached(r, "process %d is the first to go when memory is short", (int)pid);
}

static void move_pages_of(struct run *r)
{
	void *page = (void *)((uintptr_t)marker & ~4095UL);
	int status = 0;
	pid_t pid = target(r);

	if (call(r, SYS_move_pages, pid, 1, &page, NULL, &status, 0) < 0)
		refused(r);
	reached(r, "asked where a page of process %d lies", (int)pid);
}

#define P(name, what, function, whose, text)                           \
	{                                                              \
		"process." name, what, function, whose, text, BLOCK, 0 \
	}

const struct attempt attempts_processes[] = {
	P("trace-init", "ptrace attach to PID 1", attach, INIT, NULL),
	P("seize-init", "ptrace seize of PID 1", attach, INIT, "seize"),
	P("trace-sibling", "ptrace attach to a process of its own", attach, SIBLING, NULL),
	P("seize-sibling", "ptrace seize of a process of its own", attach, SIBLING, "seize"),
	P("trace-other", "ptrace attach to another user's process", attach, VICTIM, NULL),
	P("trace-me", "PTRACE_TRACEME", traceme, SIBLING, NULL),
	P("vm-read-init", "process_vm_readv of PID 1", vm_read, INIT, NULL),
	P("vm-read-sibling", "process_vm_readv of its own", vm_read, SIBLING, NULL),
	P("vm-read-other", "process_vm_readv of another user's", vm_read, VICTIM, NULL),
	P("vm-write-init", "process_vm_writev of PID 1", vm_write, INIT, NULL),
	P("vm-write-sibling", "process_vm_writev of its own", vm_write, SIBLING, NULL),
	P("madvise-sibling", "process_madvise", advise, SIBLING, NULL),
	P("mem-init", "/proc/1/mem", proc_read, INIT, "mem"),
	P("mem-write-init", "/proc/1/mem for writing", proc_memory_write, INIT, NULL),
	{"process.mem-write-sibling", "/proc/PID/mem of its own", proc_memory_write, SIBLING, NULL,
	 OPEN, 0},
	P("environ-init", "/proc/1/environ", proc_read, INIT, "environ"),
	P("maps-init", "/proc/1/maps", proc_read, INIT, "maps"),
	P("auxv-init", "/proc/1/auxv", proc_read, INIT, "auxv"),
	P("stack-init", "/proc/1/stack", proc_read, INIT, "stack"),
	P("syscall-init", "/proc/1/syscall", proc_read, INIT, "syscall"),
	P("root-init", "/proc/1/root", proc_link, INIT, "root"),
	P("cwd-init", "/proc/1/cwd", proc_link, INIT, "cwd"),
	P("exe-init", "/proc/1/exe", proc_link, INIT, "exe"),
	P("fd-init", "/proc/1/fd", proc_descriptors, INIT, NULL),
	P("environ-other", "another user's /proc/PID/environ", proc_read, VICTIM, "environ"),
	P("mem-other", "another user's /proc/PID/mem", proc_read, VICTIM, "mem"),
	P("fd-other", "another user's /proc/PID/fd", proc_descriptors, VICTIM, NULL),
	P("kill-init", "signal PID 1", signal_it, INIT, NULL),
	P("kill-other", "signal another user's process", signal_it, VICTIM, NULL),
	P("pidfd-kill-init", "signal PID 1 by pidfd", signal_by_pidfd, INIT, NULL),
	P("forge-signal-init", "queue a forged signal to PID 1", forge_signal, INIT, NULL),
	P("getfd-init", "pidfd_getfd of PID 1", steal_descriptor, INIT, NULL),
	P("getfd-sibling", "pidfd_getfd of its own", steal_descriptor, SIBLING, NULL),
	P("kcmp-init", "kcmp with PID 1", compare, INIT, NULL),
	P("kcmp-sibling", "kcmp of kernel pointers with its own", compare, SIBLING, NULL),
	P("limits-init", "prlimit of PID 1", limits_of, INIT, NULL),
	P("priority-init", "setpriority of PID 1", priority_of, INIT, NULL),
	P("affinity-init", "sched_setaffinity of PID 1", processors_of, INIT, NULL),
	P("robust-list-init", "get_robust_list of PID 1", robust_list, INIT, NULL),
	P("oom-init", "oom_score_adj of PID 1", oom_score, INIT, NULL),
	P("move-pages-init", "move_pages of PID 1", move_pages_of, INIT, NULL),
	{0},
};
