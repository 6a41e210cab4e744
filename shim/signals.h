/* SPDX-License-Identifier: Apache-2.0 */
/* signals: the kernel's view of signals, where the libc's hides some. */
#ifndef SHIM_SIGNALS_H
#define SHIM_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/types.h>

#include "finding.h"

/*
 * What LXC and Incus send. RTMIN+3 and RTMIN+4 are meant with glibc's SIGRTMIN
 * (34); musl's is 35, so the numbers are spelled out.
 */
enum {
	SIGNAL_HALT = 37,     /* SIGRTMIN+3, systemd(1) "halt": `incus stop` */
	SIGNAL_POWEROFF = 38, /* SIGRTMIN+4, systemd(1) "power off" */
	SIGNAL_LAST = 64,     /* _NSIG of x86 and arm64 */
};

/* One bit a signal, bit N-1 for signal N: the kernel's sigset_t on 64-bit machines. */
typedef uint64_t signal_set;

#define SIGNAL_BIT(n) (UINT64_C(1) << ((n)-1))
#define SIGNALS_ALL (~UINT64_C(0))

/**
 * signals_set_mask() - replace the signal mask.
 * @mask: the signals to block. Goes to the kernel directly, because a libc keeps
 *	its internal signals (32-34) out of the sets it handles.
 * Return: 0 or -errno. Source: rt_sigprocmask(2).
 */
int signals_set_mask(signal_set mask);

/**
 * signals_set_default() - give one signal its default disposition.
 * @signum: 1..SIGNAL_LAST.
 * Return: 0 or -errno. Source: rt_sigaction(2).
 */
int signals_set_default(int signum);

/**
 * signals_discard() - forget a pending signal, by ignoring it for a moment.
 * @signum: 1..SIGNAL_LAST; afterwards it has its default disposition.
 * Return: 0 or -errno. Source: sigaction(2), "setting a signal action to SIG_IGN".
 */
int signals_discard(int signum);

/**
 * signals_pending() - which signals wait for this process.
 * @pending: out. Return: 0 or -errno. Source: rt_sigpending(2).
 */
int signals_pending(signal_set *pending);

/**
 * signals_stop_requests() - the signals that ask for a stop.
 * @init: this process is PID 1, whose INT means restart.
 */
signal_set signals_stop_requests(bool init);

/**
 * signals_open() - a descriptor that reports signals; KILL and STOP never come.
 * @set: which ones; they must be blocked.
 * Return: a close-on-exec, non-blocking descriptor, or -errno. Source: signalfd(2).
 */
int signals_open(signal_set set);

/**
 * signal_forward() - send a received signal on, with its sender and value where
 * the kernel allows that: sigqueue()d ones keep both, all others are sent anew.
 * @pid: the receiver. @si: as read from the descriptor.
 * Return: 0 or -errno. Source: rt_sigqueueinfo(2).
 */
int signal_forward(pid_t pid, const struct signalfd_siginfo *si);

#endif
