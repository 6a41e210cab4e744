/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise.h"

#include <errno.h>
#include <linux/reboot.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "finding.h"
#include "leftovers.h"
#include "own_pages.h"
#include "ready.h"
#include "signals.h"
#include "spawn_child.h"
#include "sys.h"

/* How often PID 1 looks for processes that it does not get SIGCHLD for, in a stop only. */
#define FOREIGN_CHECK_MS 10
/* How long killed descendants may take to be reaped (one may sit in a disk wait). */
#define AFTERMATH_MS 1000
#define REAP_MAX 256
/* After so long without an event the launch is over for good, and what served it alone can go. Not
 * at once: a command that ends sooner need not wait for it. */
#define SETTLE_MS 100

enum phase {
	RUNNING,
	STOPPING, /* SIGTERM went to the command */
	ENDING,	  /* SIGTERM went to everything */
	KILLED,	  /* SIGKILL went to everything */
	GONE,
};

struct loop {
	struct supervisor *s;
	enum phase phase;
	int64_t stop_at; /* when the stop began, ms of CLOCK_MONOTONIC */
	bool exited;	 /* the command has */
	bool alone;	 /* no child is left */
	bool more;	 /* children are left to be reaped at once */
	bool restart;
	bool settled; /* memory of the launch is given back */
	pid_t self;
	int status;
};

static void begin_stop(struct loop *l)
{
	if (l->phase != RUNNING)
		return;
	l->phase = STOPPING;
	l->stop_at = sys_now_ms();
}

/* Each request reaches the command, the first one starts the clock. */
static void request_stop(struct loop *l)
{
	begin_stop(l);
	if (l->exited)
		return;
	kill(l->s->command, SIGTERM);
	kill(l->s->command, SIGCONT); /* a stopped one could not answer */
}

static void command_changed(struct loop *l, int status)
{
	if (WIFSTOPPED(status)) {
		/* In a stop its clock must go on ticking, and nobody is to stop for long. */
		if (l->phase == RUNNING)
			terminal_follow_stop(l->s->terminal, l->s->command);
		else
			kill(l->s->command, SIGCONT);
		return;
	}
	l->exited = true;
	l->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	terminal_give_back(l->s->terminal, l->s->command);
	begin_stop(l);
}

/* No more than so many a round: a flood of orphans must not keep a stop request waiting. */
static void reap(struct loop *l)
{
	pid_t pid = 1;
	int status;

	for (int i = 0; i < REAP_MAX && pid > 0; i++) {
		pid = waitpid(-1, &status, WNOHANG | WUNTRACED);
		if (pid > 0 && pid == l->s->command)
			command_changed(l, status);
		else if (pid > 0 && pid == l->s->auditor && WIFSIGNALED(status) &&
			 l->phase == RUNNING)
			log_warn("audit", 0, "the auditor was killed, denied calls get ENOSYS now",
				 NULL, NULL);
	}
	l->more = pid > 0;
	l->alone = pid < 0 && errno == ECHILD;
}

static void receive(struct loop *l, const struct signalfd_siginfo *si)
{
	bool typed = si->ssi_code == SI_KERNEL; /* ^C and the like, from the terminal */

	/* The outcome of writing to a stderr that is gone. */
	if (si->ssi_pid == (uint32_t)l->self &&
	    (si->ssi_signo == SIGPIPE || si->ssi_signo == SIGXFSZ))
		return;
	/* The command is in the same process group and got it, too. */
	if (typed && l->s->terminal->kind == TERMINAL_AS_IS && si->ssi_signo != SIGCHLD)
		return;
	switch (si->ssi_signo) {
	case SIGCHLD:
		return; /* reap() follows every round */
	case SIGTERM:
	case SIGPWR:
	case SIGNAL_HALT:
	case SIGNAL_POWEROFF:
		request_stop(l);
		return;
	case SIGINT:
		if (l->s->init && !typed) {
			l->restart = true;
			request_stop(l);
			return;
		}
		break;
	case SIGCONT:
		if (l->s->terminal->kind == TERMINAL_SHARED && !l->exited) {
			terminal_follow_continue(l->s->terminal, l->s->command);
			return;
		}
		break;
	default:
		break;
	}
	if (!l->exited)
		(void)signal_forward(l->s->command, si);
}

static void receive_all(struct loop *l)
{
	struct signalfd_siginfo si[8];
	ssize_t n;

	while ((n = read(l->s->signals, si, sizeof(si))) > 0)
		for (size_t i = 0; i < (size_t)n / sizeof(si[0]); i++)
			receive(l, &si[i]);
}

/* When the next thing is due, in ms from the beginning of the stop. */
static uint32_t due(const struct loop *l)
{
	uint32_t timeout = l->s->stop_timeout_ms;

	switch (l->phase) {
	case STOPPING:
		return timeout / 2;
	case KILLED:
		return timeout + AFTERMATH_MS;
	default:
		return timeout;
	}
}

static void advance(struct loop *l)
{
	bool empty = l->alone && !leftovers_any(l->s->init);
	bool late = sys_now_ms() - l->stop_at >= due(l);

	if (l->exited && empty) {
		l->phase = GONE;
	} else if (l->phase == STOPPING && (l->exited || late)) {
		leftovers_signal(l->s->init, SIGTERM);
		l->phase = ENDING;
	} else if (l->phase == ENDING && late) {
		leftovers_signal(l->s->init, SIGKILL);
		l->phase = KILLED;
	} else if (l->phase == KILLED) {
		if (late)
			l->phase = GONE;
		else if (!l->s->init)
			leftovers_signal(false, SIGKILL); /* those born meanwhile */
	}
}

static int poll_timeout(const struct loop *l)
{
	int64_t left;

	if (l->more)
		return 0;
	if (l->phase == RUNNING)
		return l->settled ? -1 : SETTLE_MS;
	/* The processes of `incus exec` are nobody's children here. */
	if (l->alone || l->phase == KILLED)
		return FOREIGN_CHECK_MS;
	left = l->stop_at + due(l) - sys_now_ms();
	return left < 0 ? 0 : (int)left;
}

void supervise_restart(void)
{
	(void)syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		      LINUX_REBOOT_CMD_RESTART, NULL);
}

static void settle(struct loop *l)
{
	spawn_give_back();
	own_pages_release();
	l->settled = true;
}

int supervise(struct supervisor *s)
{
	/* The status tells of a command that even SIGKILL did not end. */
	struct loop l = {.s = s, .self = getpid(), .status = 128 + SIGKILL};
	/* A negative descriptor is passed over, poll(2). */
	struct pollfd fds[] = {
		{.fd = s->signals, .events = POLLIN},
		{.fd = s->ready, .events = POLLIN},
	};

	do {
		if (poll(fds, 2, poll_timeout(&l)) == 0 && l.phase == RUNNING && !l.more &&
		    !l.settled)
			settle(&l);
		if (fds[1].revents) {
			ready_answer(fds[1].fd);
			fds[1].fd = -1;
		}
		receive_all(&l);
		reap(&l);
		if (l.phase != RUNNING)
			advance(&l);
	} while (l.phase != GONE);

	if (l.restart)
		supervise_restart();
	return l.status;
}
