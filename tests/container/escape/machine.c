/* SPDX-License-Identifier: Apache-2.0 */
/* The machine: restart, swap, clock, names, logs, accounting, quotas. */
#include <errno.h>
#include <linux/quota.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "escape.h"

/* Ctrl-Alt-Del off: the same permission as a restart, and no effect. */
static void restart(struct run *r)
{
	if (call(r, SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF,
		 NULL) == 0)
		reached(r, "reboot(2) works");
	/* What a PID namespace says to a command that is not for it. */
	if (r->err == EINVAL)
		reached(r, "reboot(2) may end this PID namespace");
	refused(r);
}

static void swap(struct run *r)
{
	if (call(r, r->attempt->number, "/tmp/escape-absent", 0) == 0 || r->err == ENOENT)
		reached(r, "the file was looked for");
	refused(r);
}

static void name(struct run *r)
{
	struct utsname u;
	const char *same = r->attempt->number == SYS_sethostname ? u.nodename : u.domainname;

	(void)uname(&u);
	if (call(r, r->attempt->number, same, strlen(same)) < 0)
		refused(r);
	reached(r, "the name can be set");
}

static void set_clock(struct run *r)
{
	struct timespec t;
	struct timeval v;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	v.tv_sec = t.tv_sec;
	v.tv_usec = t.tv_nsec / 1000;
	if (r->attempt->number == SYS_clock_settime
		    ? call(r, SYS_clock_settime, CLOCK_REALTIME, &t) < 0
		    : call(r, SYS_settimeofday, &v, NULL) < 0)
		refused(r);
	reached(r, "the clock can be set");
}

static void tune_clock(struct run *r)
{
	struct timex t = {.modes = 0};

	if (adjtimex(&t) < 0)
		memset(&t, 0, sizeof(t));
	t.modes = ADJ_TICK;
	if (r->attempt->number == SYS_adjtimex ? call(r, SYS_adjtimex, &t) < 0
					       : call(r, SYS_clock_adjtime, CLOCK_REALTIME, &t) < 0)
		refused(r);
	reached(r, "the clock can be tuned");
}

static void accounting(struct run *r)
{
	if (call(r, SYS_acct, r->attempt->text) == 0 || r->err == ENOENT)
		reached(r, "process accounting can be switched");
	refused(r);
}

static void quota(struct run *r)
{
	char buf[256] = "";

	if (call(r, SYS_quotactl, QCMD(Q_SYNC, 0), NULL, 0, NULL) == 0)
		reached(r, "quotas were written out");
	if (call(r, SYS_quotactl, QCMD(Q_GETINFO, 0), "/dev/null", 0, buf) == 0 ||
	    r->err == ENOTBLK || r->err == ENODEV)
		reached(r, "quotactl looks at its arguments: %s", errno_name(r->err));
	refused(r);
}

static void log_read(struct run *r)
{
	char buf[256];
	long n = call(r, SYS_syslog, 3 /* SYSLOG_ACTION_READ_ALL */, buf, sizeof(buf));

	if (n < 0)
		refused(r);
	reached(r, "%ld bytes of the kernel's log", n);
}

static void log_size(struct run *r)
{
	if (call(r, SYS_syslog, 10 /* SYSLOG_ACTION_SIZE_BUFFER */, NULL, 0) < 0)
		refused(r);
	reached(r, "syslog(2) answers");
}

static void log_clear(struct run *r)
{
	if (call(r, SYS_syslog, 5 /* SYSLOG_ACTION_CLEAR */, NULL, 0) < 0)
		refused(r);
	reached(r, "the kernel's log was cleared");
}

const struct attempt attempts_machine[] = {
	{"machine.restart", "reboot", restart, 0, NULL, BLOCK, HARMFUL},
	{"machine.swapon", "swapon", swap, SYS_swapon, NULL, BLOCK, HARMFUL},
	{"machine.swapoff", "swapoff", swap, SYS_swapoff, NULL, BLOCK, HARMFUL},
	{"machine.hostname", "sethostname", name, SYS_sethostname, NULL, BLOCK, 0},
	{"machine.domainname", "setdomainname", name, SYS_setdomainname, NULL, BLOCK, 0},
	{"machine.clock", "clock_settime", set_clock, SYS_clock_settime, NULL, BLOCK, HARMFUL},
	{"machine.day", "settimeofday", set_clock, SYS_settimeofday, NULL, BLOCK, HARMFUL},
	{"machine.adjtimex", "adjtimex", tune_clock, SYS_adjtimex, NULL, BLOCK, HARMFUL},
	{"machine.clock_adjtime", "clock_adjtime", tune_clock, SYS_clock_adjtime, NULL, BLOCK,
	 HARMFUL},
	{"machine.accounting", "acct", accounting, 0, "/tmp/escape-absent", BLOCK, HARMFUL},
	{"machine.quota", "quotactl", quota, 0, NULL, LATENT, 0},
	{"machine.log", "read the kernel's log", log_read, 0, NULL, BLOCK, 0},
	{"machine.log-size", "the size of the kernel's log", log_size, 0, NULL, LATENT, 0},
	{"machine.log-clear", "clear the kernel's log", log_clear, 0, NULL, BLOCK, HARMFUL},
	{0},
};
