/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's struct sigaction, which no libc header gives. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	signal_set mask;
};

/*
 * The first thing this program does, before main() and before the libraries'
 * own constructors: until the mask stands, a PID 1 loses whatever it is sent, and
 * from then on nothing is lost, only held.
 */
__attribute__((constructor(101))) static void hold_signals(void)
{
	(void)signals_set_mask(SIGNALS_ALL);
}

int signals_set_mask(signal_set mask)
{
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask)) < 0)
		return -errno;
	return 0;
}

static int set_disposition(int signum, void (*handler)(int))
{
	struct kernel_sigaction act = {.handler = handler};

	if (syscall(SYS_rt_sigaction, signum, &act, NULL, sizeof(act.mask)) < 0)
		return -errno;
	return 0;
}

int signals_set_default(int signum)
{
	return set_disposition(signum, SIG_DFL);
}

int signals_discard(int signum)
{
	int r = set_disposition(signum, SIG_IGN);

	return r < 0 ? r : set_disposition(signum, SIG_DFL);
}

int signals_pending(signal_set *pending)
{
	return syscall(SYS_rt_sigpending, pending, sizeof(*pending)) < 0 ? -errno : 0;
}

signal_set signals_stop_requests(bool init)
{
	return SIGNAL_BIT(SIGTERM) | SIGNAL_BIT(SIGPWR) | SIGNAL_BIT(SIGNAL_HALT) |
	       SIGNAL_BIT(SIGNAL_POWEROFF) | (init ? SIGNAL_BIT(SIGINT) : 0);
}

int signals_open(signal_set set)
{
	long fd = syscall(SYS_signalfd4, -1, &set, sizeof(set), O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : (int)fd;
}

int signal_forward(pid_t pid, const struct signalfd_siginfo *si)
{
	int signum = (int)si->ssi_signo;
	siginfo_t info;

	/*
	 * Codes of 0 and above and SI_TKILL are the kernel's to give out
	 * (rt_sigqueueinfo(2), EPERM): those are sent as a plain kill(2).
	 */
	if (si->ssi_code >= 0 || si->ssi_code == SI_TKILL)
		return kill(pid, signum) < 0 ? -errno : 0;

	memset(&info, 0, sizeof(info));
	info.si_signo = signum;
	info.si_code = si->ssi_code;
	info.si_errno = si->ssi_errno;
	info.si_pid = (pid_t)si->ssi_pid;
	info.si_uid = si->ssi_uid;
	info.si_value.sival_ptr = (void *)(uintptr_t)si->ssi_ptr;
	if (syscall(SYS_rt_sigqueueinfo, pid, signum, &info) < 0)
		return -errno;
	return 0;
}
