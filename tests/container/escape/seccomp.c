/* SPDX-License-Identifier: Apache-2.0 */
/* Weakening a filter, or going round it by its own means. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

#include "escape.h"

/* A call that every policy for an application refuses, harmless when it is not. */
#define REFUSED_CALL SYS_ptrace
#define REFUSED_ARGS 0x7fffffffL, 0L, 0L, 0L

static bool still_refused(void)
{
	/* Unfiltered, an unknown request for process 0 is ESRCH. */
	return syscall(REFUSED_CALL, REFUSED_ARGS) < 0 && errno != ESRCH;
}

/* Without one there is nothing to go round: state.filter says so. */
static void need_refusal(struct run *r)
{
	if (!still_refused())
		skip(r, "no filter refuses ptrace in the first place");
}

static void disable(struct run *r)
{
	need_refusal(r);
	(void)call(r, SYS_prctl, PR_SET_SECCOMP, r->attempt->number, 0, 0, 0);
	if (!still_refused())
		reached(r, "the filter is off");
	refused(r);
}

static long load(struct run *r, unsigned int action, unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, REFUSED_CALL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = 4, .filter = code};

	return call(r, SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static void relax(struct run *r)
{
	need_refusal(r);
	if (load(r, SECCOMP_RET_ALLOW, 0) < 0)
		refused(r);
	if (!still_refused())
		reached(r, "a second filter allowed what the first refuses");
	blocked(r, "the kernel: the first filter still refuses");
}

static void trace_answer(struct run *r)
{
	need_refusal(r);
	if (load(r, SECCOMP_RET_TRACE, 0) < 0)
		refused(r);
	if (!still_refused())
		reached(r, "a tracer's answer counts more than the first filter");
	blocked(r, "the kernel: the first filter still refuses");
}

struct pair {
	struct run *r;
	volatile int listener;
	volatile bool done, let_through;
};

static void *caller(void *arg)
{
	struct pair *p = arg;
	long fd = load(p->r, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);

	p->listener = fd > 0 ? (int)fd : -1;
	if (fd > 0)
		p->let_through = !still_refused();
	p->done = true;
	return NULL;
}

/* A listener of its own tells the kernel to go on: only past filters that say nothing. */
static void listener(struct run *r)
{
	struct pair p = {.r = r};
	pthread_t t;

	need_refusal(r);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || pthread_create(&t, NULL, caller, &p))
		broken(r, "no thread");
	while (!p.listener)
		usleep(100);
	if (p.listener < 0)
		refused(r);
	while (!p.done) {
		struct pollfd poller = {.fd = p.listener, .events = POLLIN};
		struct seccomp_notif in;
		struct seccomp_notif_resp out = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};

		memset(&in, 0, sizeof(in));
		if (poll(&poller, 1, 20) != 1 || !(poller.revents & POLLIN) ||
		    ioctl(p.listener, SECCOMP_IOCTL_NOTIF_RECV, &in) < 0)
			continue;
		out.id = in.id;
		(void)ioctl(p.listener, SECCOMP_IOCTL_NOTIF_SEND, &out);
	}
	pthread_join(t, NULL);
	if (p.let_through)
		reached(r, "a listener's `continue` counts more than the first filter");
	blocked(r, "the kernel: the first filter still refuses");
}

/* Each in a thread or a child: are they under the filter as well? */
static void *in_thread(void *arg)
{
	*(bool *)arg = still_refused();
	return NULL;
}

static void thread(struct run *r)
{
	bool refused_there = false;
	pthread_t t;

	need_refusal(r);
	if (pthread_create(&t, NULL, in_thread, &refused_there))
		broken(r, "no thread");
	pthread_join(t, NULL);
	if (!refused_there)
		reached(r, "a new thread is not filtered");
	blocked(r, "seccomp, which threads inherit");
}

static int in_process(void *arg)
{
	(void)arg;
	return still_refused() ? 1 : 0;
}

static void process(struct run *r)
{
	need_refusal(r);
	if (in_child(in_process, NULL) == 0)
		reached(r, "a new process is not filtered");
	blocked(r, "seccomp, which processes inherit");
}

static void signal_frame(struct run *r)
{
	/* The call number's upper half is not the kernel's business: does the filter agree? */
	need_refusal(r);
	if (call(r, REFUSED_CALL | 1L << 32, REFUSED_ARGS) < 0 && r->err != ESRCH) {
		r->number &= 0xffffffff;
		refused(r);
	}
	reached(r, "a number above 32 bits passes the filter");
}

static void get_filter(struct run *r)
{
	/* PTRACE_SECCOMP_GET_FILTER of itself shows whether ptrace is open for that. */
	if (call(r, SYS_ptrace, 0x420c, getpid(), 0, NULL) >= 0)
		reached(r, "the filter's code can be read");
	refused(r);
}

static void dispatch(struct run *r)
{
	if (call(r, SYS_prctl, 59 /* PR_SET_SYSCALL_USER_DISPATCH */, 0, 0, 0, 0) < 0)
		refused(r);
	reached(r, "system calls can be turned into signals");
}

const struct attempt attempts_seccomp[] = {
	{"seccomp.off", "PR_SET_SECCOMP to none", disable, 0, NULL, BLOCK, 0},
	{"seccomp.relax", "a second filter that allows more", relax, 0, NULL, BLOCK, 0},
	{"seccomp.trace", "a second filter that asks a tracer", trace_answer, 0, NULL, BLOCK, 0},
	{"seccomp.listener", "a listener that lets calls go on", listener, 0, NULL, BLOCK, 0},
	{"seccomp.thread", "a new thread", thread, 0, NULL, BLOCK, 0},
	{"seccomp.process", "a new process", process, 0, NULL, BLOCK, 0},
	{"seccomp.high-bits", "a call number above 32 bits", signal_frame, 0, NULL, BLOCK, 0},
	{"seccomp.get-filter", "read the filter", get_filter, 0, NULL, BLOCK, 0},
	{"seccomp.dispatch", "PR_SET_SYSCALL_USER_DISPATCH", dispatch, 0, NULL, LATENT, 0},
	{0},
};
