/* SPDX-License-Identifier: Apache-2.0 */
#include "audit.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit_bpf.h"
#include "audit_watch.h"
#include "filter.h"

#define STEP "audit"
#define LOOK_EVERY_NS 200000L /* a few times in all, during a launch */

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

int audit_open(const struct options *o, const struct policy *p, struct audit **out,
	       struct finding *f)
{
	struct audit *a;

	*out = NULL;
	if (!o->audit || !p)
		return 0;
	/* The listener tells that nobody is left to listen to from 5.9 on, like this call. */
	if (syscall(SYS_close_range, ~0U, ~0U, 0U) < 0) {
		log_warn(
			STEP, errno, "denied calls are not named", NULL,
			"a kernel of 5.9 or newer is needed, and close_range(2) allowed; the policy "
			"is in force all the same");
		return 0;
	}
	a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (a == MAP_FAILED)
		return finding_set(f, EXIT_SETUP, STEP, errno, "no memory for it", NULL, NULL);
	*out = a;
	return 0;
}

int audit_wait(const _Atomic int *word, int other)
{
	const struct timespec pause = {.tv_nsec = LOOK_EVERY_NS};
	struct pollfd fd = {.fd = other, .events = POLLIN};
	int ended = 0;

	while (!atomic_load(word)) {
		if (ended)
			return -ESRCH;
		ended = ppoll(&fd, 1, &pause, NULL) == 1;
	}
	return 0;
}

static int pidfd(pid_t pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0U);

	return fd < 0 ? -errno : (int)fd;
}

/* The auditor is the supervisor's child, with this process's descriptors. */
static int start(struct audit *a, const struct policy *p, pid_t supervisor, int self)
{
	const unsigned long flags = CLONE_FILES | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD;
	/* Stack 0: its own copy of this one, like fork(2). */
	long pid = syscall(SYS_clone, flags, 0UL, &a->auditor, 0UL, 0UL);

	if (pid == 0)
		audit_watch(a, p, supervisor, self);
	return pid < 0 ? -errno : 0;
}

int audit_start(struct audit *a, const struct policy *p, pid_t supervisor, struct finding *f)
{
	int other;
	int self;
	int r;

	if (!a)
		return 0;
	self = pidfd(getpid());
	r = self < 0 ? self : start(a, p, supervisor, self);
	if (r < 0)
		return finding_set(f, EXIT_CONFINE, STEP, -r, "cannot start the auditor", NULL,
				   "launch without --audit");
	other = pidfd(a->auditor);
	r = other < 0 ? other : audit_wait(&a->state, other);
	close(other);
	if (r < 0)
		return finding_set(f, EXIT_CONFINE, STEP, -r, "the auditor ended", NULL,
				   "launch without --audit");
	if (a->state == AUDITOR_READY)
		return 0;
	*f = a->finding;
	return f->err ? -f->err : -EPERM;
}

/* Once the auditor has received a call, only a deadly signal interrupts it: its error is
 * the policy's then, and not EINTR. */
static long listen_to(struct sock_fprog *prog)
{
	const unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, prog);

	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
	return fd;
}

static int load_plainly(struct audit *a, int err, const struct policy *p, struct finding *f)
{
	atomic_store(&a->listener, AUDIT_NO_LISTENER);
	log_warn(STEP, err, "denied calls are not named", NULL,
		 err == EBUSY || err == EINVAL || err == ENOSYS || err == EPERM
			 ? "the container has a listener of its own: incus config unset NAME "
			   "security.syscalls.intercept.*; the policy is in force all the same"
			 : "the policy is in force all the same");
	return filter_load(p, f);
}

/* Apart, so that a launch without the auditor touches none of this stack. */
__attribute__((noinline)) static int load_asking(struct audit *a, const struct policy *p,
						 struct finding *f)
{
	struct sock_filter code[POLICY_MAX_INSNS];
	struct sock_fprog prog = {.len = p->count, .filter = code};
	int other;
	long fd;
	int r;

	other = pidfd(a->auditor);
	audit_bpf_asking(p, code);
	fd = other < 0 ? -1 : listen_to(&prog);
	if (fd < 0)
		return load_plainly(a, other < 0 ? -other : errno, p, f);
	atomic_store(&a->listener, (int)fd);
	r = audit_wait(&a->taken, other);
	/* From here on the end of the auditor is the end of the listener. */
	close((int)fd);
	close(other);
	if (r < 0)
		return finding_set(f, EXIT_CONFINE, STEP, -r, "the auditor ended", NULL,
				   "launch without --audit");
	return 0;
}

int audit_load(struct audit *a, const struct policy *p, struct finding *f)
{
	return a ? load_asking(a, p, f) : filter_load(p, f);
}

void audit_application(struct audit *a)
{
	if (a)
		atomic_store(&a->application, 1);
}

void audit_end(const struct audit *a)
{
	if (!a || a->auditor <= 0)
		return;
	kill(a->auditor, SIGKILL);
	while (waitpid(a->auditor, NULL, 0) < 0 && errno == EINTR)
		continue;
}
