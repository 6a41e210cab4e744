/* SPDX-License-Identifier: Apache-2.0 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "become.h"
#include "command.h"
#include "environment.h"
#include "inspect.h"
#include "retire.h"
#include "signals.h"
#include "spawn_child.h"
#include "sys.h"

/*
 * Between supervisor and child. `go`: a byte when the child may begin, another one, the word, when
 * the supervisor is confined and the child may exec; end of file means that it failed, or is
 * gone. `outcome`: a finding when the launch failed,
 * end of file when the exec closed it. `exec`: a word in shared memory, set right before
 * the exec, for a child that dies closes the pipe, too. (In memory because a second
 * write to the pipe would wake the supervisor for nothing, which costs a tenth of
 * the launch.)
 */
struct pipes {
	int go[2];
	int outcome[2];
	bool *exec;
	bool exec_here; /* what `exec` points to when all memory is shared */
};

/* All that the child begins with. */
struct beginning {
	struct becoming becoming;
	const struct pipes *pipes;
};

/* How often a pending stop is looked for while the launch lasts. */
#define LAUNCH_TICK_MS 20

/* ------------------------------------------------------------------ the child */

/*
 * Until it is told to begin this process sleeps: close(2) and read(2) touch nothing in the memory
 * that both may share (spawn_child.h) unless they fail, and without the word nothing is
 * started, whatever becomes of the supervisor's errno.
 */
static int wait_for_byte(const struct pipes *p, struct finding *f)
{
	char byte;
	ssize_t n = read(p->go[0], &byte, 1);

	if (n == 1)
		return 0;
	return finding_set(f, EXIT_CONFINE, "supervisor", n < 0 ? errno : ECANCELED,
			   "did not give the word", NULL, NULL);
}

static int wait_for_beginning(const struct pipes *p, struct finding *f)
{
	close(p->go[1]);
	return wait_for_byte(p, f);
}

/* The supervisor is confined by the time it gives it. */
static int wait_for_word(const void *pipes, struct finding *f)
{
	return wait_for_byte(pipes, f);
}

_Noreturn static int child(void *argument)
{
	struct beginning *b = argument;
	/* On this stack, which is there already: a mapping of its own costs a page table. */
	_Alignas(char *) char room[ENVIRONMENT_ROOM];
	struct finding f = {.status = EXIT_SETUP};
	ssize_t n;

	if (wait_for_beginning(b->pipes, &f) == 0) {
		b->becoming.room = room;
		b->becoming.room_size = sizeof(room);
		b->becoming.wait = wait_for_word;
		b->becoming.wait_for = b->pipes;
		if (become_application(&b->becoming, &f) == 0) {
			audit_application(b->becoming.audit);
			__atomic_store_n(b->pipes->exec, true, __ATOMIC_RELEASE);
			(void)command_exec(b->becoming.launch->options->command, b->becoming.env,
					   b->becoming.launch->policy, &f);
		}
	}

	/* Only failures get here. Fail safe: nothing below may start anything. */
	n = write(b->pipes->outcome[1], &f, sizeof(f));
	_exit(n == (ssize_t)sizeof(f) ? f.status : EXIT_SETUP);
}

/* ------------------------------------------------------------- the supervisor */

static int make_pipes(struct pipes *p, bool share, struct finding *f)
{
	if (sys_pipe(p->go) < 0 || sys_pipe(p->outcome) < 0)
		return finding_set(f, EXIT_SETUP, "fork", errno, "cannot make a pipe", NULL, NULL);
	p->exec_here = false;
	p->exec = &p->exec_here;
	if (share)
		return 0;
	p->exec = mmap(NULL, sizeof(*p->exec), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (p->exec == MAP_FAILED)
		return finding_set(f, EXIT_SETUP, "fork", errno, "no memory to share", NULL, NULL);
	return 0;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/*
 * Sleep until the child has something to say. Signals stay held meanwhile, but for one
 * thing: when a stop is asked for, the child has the stop's timeout to get to its exec.
 * Return: 0; 1 when the pipe is closed and empty; -ETIMEDOUT.
 */
static int wait_for_outcome(const struct launch *l, int fd)
{
	struct pollfd fds[] = {
		{.fd = fd, .events = POLLIN},
		{.fd = l->signals, .events = POLLIN},
	};
	int64_t left = l->options->stop_timeout_ms;
	signal_set pending = 0;

	/* Poll fails only where its arguments are wrong: then read(2) does the waiting. */
	while (poll(fds, fds[1].fd < 0 ? 1 : 2, fds[1].fd < 0 ? LAUNCH_TICK_MS : -1) >= 0) {
		if (fds[0].revents)
			return !(fds[0].revents & POLLIN);
		(void)signals_pending(&pending);
		if (pending & signals_stop_requests(l->init) && (left -= LAUNCH_TICK_MS) < 0)
			return -ETIMEDOUT;
		/* Something is pending from here on: look again at each tick. */
		fds[1].fd = -1;
	}
	return 0;
}

static int read_outcome(const struct launch *l, const struct pipes *p, struct finding *f)
{
	struct finding theirs;
	int r = wait_for_outcome(l, p->outcome[0]);
	ssize_t n = 0;

	if (r < 0)
		return finding_set(f, EXIT_SETUP, "launch", ETIMEDOUT,
				   "a stop was asked for before the command was there", NULL, NULL);
	/* Not read where poll(2) has told that there is nothing. */
	if (r == 0)
		n = read(p->outcome[0], &theirs, sizeof(theirs));
	if (n == 0 && __atomic_load_n(p->exec, __ATOMIC_ACQUIRE))
		return 0;
	if (n == 0)
		return finding_set(f, EXIT_CONFINE, "launch", ECHILD,
				   "the child died before the exec", NULL,
				   "out of memory, killed from outside, or killed by its policy");
	if (n != (ssize_t)sizeof(theirs))
		return finding_set(f, EXIT_SETUP, "launch", n < 0 ? errno : EIO,
				   "its outcome cannot be read", NULL, NULL);
	*f = theirs;
	return -EPERM;
}

static int tell(const struct pipes *p, struct finding *f)
{
	/* A child that failed has closed its end: its own finding tells more. */
	if (write(p->go[1], "", 1) == 1 || errno == EPIPE)
		return 0;
	return finding_set(f, EXIT_SETUP, "fork", errno, "cannot give the child the word", NULL,
			   NULL);
}

/* The supervisor's side of it, with a child that waits to be told to begin. */
static int see_through(const struct launch *l, struct retiring *retiring, const struct pipes *p,
		       struct finding *f)
{
	int r = retire_privileges(retiring, l->init, f);

	if (r == 0)
		r = tell(p, f);
	if (r == 0)
		r = retire_calls(retiring, f);
	inspect_await_end();
	if (r == 0)
		r = tell(p, f);
	close(p->go[1]); /* without the word it ends by itself */
	if (r == 0)
		r = read_outcome(l, p, f);
	return r;
}

int launch(const struct launch *l, pid_t *pid, pid_t *auditor, struct finding *f)
{
	struct pipes p;
	struct beginning b = {.becoming = {.launch = l, .parent = getpid()}, .pipes = &p};
	struct retiring retiring;
	bool share;
	int r;

	if (retire_bounding(&retiring, l->options, l->init, f) < 0 ||
	    spawn_may_share(&share, f) < 0 || make_pipes(&p, share, f) < 0 ||
	    audit_open(l->options, l->policy, &b.becoming.audit, f) < 0)
		return -EPERM;
	*pid = spawn(child, &b, share ? CLONE_VM : 0);
	if (*pid < 0)
		return finding_set(f, EXIT_SETUP, "fork", errno, "cannot start a process", NULL,
				   errno == EAGAIN ? "raise limits.processes" : NULL);

	close(p.go[0]);
	close(p.outcome[1]);
	r = see_through(l, &retiring, &p, f);
	close(p.outcome[0]);
	if (r < 0) {
		/* It ends by itself, unless its outcome could not be read. */
		kill(*pid, SIGKILL);
		reap(*pid);
		audit_end(b.becoming.audit);
		return r;
	}
	*auditor = b.becoming.audit ? b.becoming.audit->auditor : 0;
	return 0;
}
