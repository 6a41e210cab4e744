/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

/* What the handler of SIGALRM reads is complete before `open` says so. */
static struct {
	struct wire_record record;
	struct text summary;
	struct timespec begun; /* this finding */
	struct timespec start; /* the group */
	uint32_t limit_ms;
	unsigned int owner_gid;
	int fd;
	enum wire_group group;
	volatile sig_atomic_t open;	    /* a finding is being made */
	volatile sig_atomic_t said[CHECKS]; /* something was sent of it */
	char name[64];			    /* the machine's, for hints */
} now;

static uint64_t us_since(const struct timespec *then)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)(t.tv_sec - then->tv_sec) * 1000000 +
	       (uint64_t)((t.tv_nsec - then->tv_nsec) / 1000);
}

int report_left_ms(void)
{
	uint64_t spent = us_since(&now.start) / 1000;

	return spent >= now.limit_ms ? 0 : (int)(now.limit_ms - spent);
}

/* One write a record, so that those of several groups do not mix (pipe(7)). A reader that is
 * gone ends this process by SIGPIPE; one that is slow is waited for. */
static void send_record(const struct wire_record *r)
{
	struct pollfd reader = {.fd = now.fd, .events = POLLOUT};

	while (write(now.fd, r, sizeof(*r)) < 0) {
		if (errno == EAGAIN)
			(void)poll(&reader, 1, -1);
		else if (errno != EINTR)
			_exit(1);
	}
}

/* A record that is being sent is sent, or the handler would leave it out: it is held off. */
static void hold_alarm(bool hold)
{
	sigset_t alarm;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigaddset(&alarm, SIGXCPU);
	(void)sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &alarm, NULL);
}

static void send_now(enum wire_status status, enum hint hint)
{
	struct wire_record *r = &now.record;
	uint64_t us = us_since(&now.begun);
	const struct hint_values v = {
		.name = now.name,
		.target = r->target,
		.uid = geteuid(),
		.gid = getegid(),
		.owner_gid = now.owner_gid,
	};

	r->magic = WIRE_MAGIC;
	r->group = (uint8_t)now.group;
	r->status = (uint8_t)status;
	r->us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	hint_write(hint, &v, r->hint, sizeof(r->hint));
	now.said[r->check] = 1;
	now.open = 0;
	send_record(r);
}

void report_begin(enum wire_check check, const char *target)
{
	struct text t;

	now.open = 0;
	memset(&now.record, 0, sizeof(now.record));
	now.record.check = (uint8_t)check;
	now.owner_gid = 0;
	text_begin(&t, now.record.target, sizeof(now.record.target));
	text_escaped(&t, target);
	text_begin(&now.summary, now.record.summary, sizeof(now.record.summary));
	clock_gettime(CLOCK_MONOTONIC, &now.begun);
	now.open = 1;
}

void report_say(const char *words)
{
	text_str(&now.summary, words);
}

void report_quote(const char *text)
{
	text_escaped(&now.summary, text);
}

void report_number(uint64_t n)
{
	text_num(&now.summary, n);
}

void report_octal(unsigned int mode)
{
	const char digits[] = {'0', (char)('0' + (mode >> 6 & 7)), (char)('0' + (mode >> 3 & 7)),
			       (char)('0' + (mode & 7)), '\0'};

	text_str(&now.summary, digits);
}

/* strerror(3) would look for a translation. */
void report_error(int err)
{
	const char *words = strerrordesc_np(err);

	report_say(": ");
	report_say(words ? words : "unknown error");
}

void report_owner_gid(unsigned int gid)
{
	now.owner_gid = gid;
}

void report_end(enum wire_status status, enum hint hint)
{
	hold_alarm(true);
	send_now(status, hint);
	hold_alarm(false);
}

void report_drop(void)
{
	now.open = 0;
}

void report_skip(enum wire_check check, const char *target, const char *why)
{
	report_begin(check, target);
	report_say(why);
	report_end(STATUS_SKIP, HINT_NONE);
}

_Noreturn void report_close(void)
{
	const struct itimerval never = {.it_value.tv_sec = 0};
	struct wire_record done = {.magic = WIRE_MAGIC, .check = CHECKS};

	(void)setitimer(ITIMER_REAL, &never, NULL);
	for (unsigned int i = 0; i < CHECKS; i++)
		if (wire_group_of[i] == now.group && !now.said[i])
			report_skip((enum wire_check)i, NULL, "not reached");
	done.group = (uint8_t)now.group;
	done.us = (uint32_t)us_since(&now.start);
	send_record(&done);
	_exit(0);
}

/* The time is up. Interrupted was a wait, or work on the summary, which is written anew;
 * nothing here allocates or takes a lock. That report_end()
 * unblocks the signal in here does no harm: the timer fires once. */
static void on_alarm(int sig)
{
	if (now.open) {
		memset(now.record.summary, 0, sizeof(now.record.summary));
		text_begin(&now.summary, now.record.summary, sizeof(now.record.summary));
		if (sig == SIGALRM) {
			report_say("no answer within ");
			report_number(now.limit_ms);
			report_say(" ms");
		} else {
			report_say("no answer, and no end of what comes instead");
		}
		send_now(STATUS_FAIL, HINT_HANGS);
	}
	report_close();
}

static void keep_name(void)
{
	struct utsname u;

	if (uname(&u) < 0)
		u.nodename[0] = '\0';
	hint_name(u.nodename, now.name, sizeof(now.name));
}

void report_open(enum wire_group group, int fd, uint32_t limit_ms)
{
	const struct itimerval when = {
		.it_value = {.tv_sec = limit_ms / 1000,
			     .tv_usec = (suseconds_t)(limit_ms % 1000) * 1000},
	};
	const struct sigaction action = {.sa_handler = on_alarm};

	now.group = group;
	now.fd = fd;
	now.limit_ms = limit_ms;
	clock_gettime(CLOCK_MONOTONIC, &now.start);
	keep_name();
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGXCPU, &action, NULL);
	/* Whoever started this may have blocked it. */
	hold_alarm(false);
	(void)setitimer(ITIMER_REAL, &when, NULL);
}
