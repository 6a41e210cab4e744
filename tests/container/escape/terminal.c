/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals: putting characters into their input, line disciplines, the console. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "escape.h"

#ifndef TIOCLINUX
#define TIOCLINUX 0x541C
#endif
#define HIGH_BIT (1L << 32)

/* A terminal of its own, made the controlling one as TIOCSTI asks; return: the slave. */
static int own_terminal(struct run *r)
{
	char name[32];
	int n = -1, unlock = 0;
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int slave;

	if (master < 0)
		skip(r, "/dev/ptmx: %s", errno_name(errno));
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0 || ioctl(master, TIOCGPTN, &n) < 0)
		skip(r, "no terminal from /dev/ptmx: %s", errno_name(errno));
	(void)snprintf(name, sizeof(name), "/dev/pts/%d", n);
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		skip(r, "%s: %s", name, errno_name(errno));
	(void)ioctl(slave, TIOCSCTTY, 0);
	return slave;
}

static void raw(int fd)
{
	struct termios t;

	(void)tcgetattr(fd, &t);
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	(void)tcsetattr(fd, TCSANOW, &t);
}

/* The byte is looked for where a shell would read it. */
static void inject(struct run *r)
{
	int fd = own_terminal(r);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte = 'X', back = 0;

	raw(fd);
	if (call(r, SYS_ioctl, fd, TIOCSTI | r->attempt->number, &byte) < 0)
		refused(r);
	if (poll(&p, 1, 500) == 1 && read(fd, &back, 1) == 1 && back == 'X')
		reached(r, "a byte was put into the terminal's input");
	blocked(r, "the kernel: nothing came");
}

/* The same on the terminal that it was started on. */
static void inject_inherited(struct run *r)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct termios old;
	char byte = 'X', back = 0;
	int n;

	if (fd < 0)
		blocked(r, "no controlling terminal (%s)", errno_name(errno));
	/* In the background these two would stop it. */
	(void)signal(SIGTTOU, SIG_IGN);
	(void)signal(SIGTTIN, SIG_IGN);
	(void)tcgetattr(fd, &old);
	raw(fd);
	if (call(r, SYS_ioctl, fd, TIOCSTI, &byte) < 0) {
		(void)tcsetattr(fd, TCSANOW, &old);
		refused(r);
	}
	n = poll(&p, 1, 500) == 1 ? (int)read(fd, &back, 1) : 0;
	(void)tcsetattr(fd, TCSANOW, &old);
	reached(r, "a byte was put into the inherited terminal's input%s",
		n == 1 && back == 'X' ? "" : ", not read back");
}

static void console_paste(struct run *r)
{
	int fd = own_terminal(r);
	char code[2] = {3 /* paste the selection */, 0};

	if (call(r, SYS_ioctl, fd, TIOCLINUX | r->attempt->number, code) < 0) {
		int err = r->err;

		if (err == ENOTTY || err == EINVAL)
			reached(r, "TIOCLINUX is let through to the terminal (%s: no console)",
				errno_name(err));
		refused(r);
	}
	reached(r, "the console's selection was pasted");
}

static void discipline(struct run *r)
{
	int fd = own_terminal(r);
	int number = (int)r->attempt->number;

	if (call(r, SYS_ioctl, fd, TIOCSETD, &number) >= 0 && ioctl(fd, TIOCGETD, &number) == 0 &&
	    number == (int)r->attempt->number)
		reached(r, "line discipline %d", number);
	if (r->err == EINVAL || r->err == ENODEV)
		reached(r, "line discipline %d was looked for, a module would be loaded", number);
	refused(r);
}

static void console_output(struct run *r)
{
	int fd = own_terminal(r);

	if (call(r, SYS_ioctl, fd, TIOCCONS, 0) < 0)
		refused(r);
	reached(r, "the console's output comes here");
}

/* Another session's terminal is taken with argument 1, by root. */
static void steal(struct run *r)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		fd = STDIN_FILENO;
	if (!isatty(fd))
		blocked(r, "there is no terminal to take");
	(void)setsid();
	if (call(r, SYS_ioctl, fd, TIOCSCTTY, 1) < 0)
		refused(r);
	reached(r, "the terminal of another session is its own");
}

static void hang_up(struct run *r)
{
	if (call(r, SYS_vhangup) < 0)
		refused(r);
	reached(r, "a terminal was hung up");
}

const struct attempt attempts_terminal[] = {
	{"terminal.inject", "TIOCSTI", inject, 0, NULL, BLOCK, 0},
	{"terminal.inject-high-bits", "TIOCSTI with a bit above the command", inject, HIGH_BIT,
	 NULL, BLOCK, 0},
	{"terminal.inject-sign", "TIOCSTI sign-extended", inject, (long)~0xffffffffUL, NULL, BLOCK,
	 0},
	{"terminal.inject-inherited", "TIOCSTI on the terminal it was started on", inject_inherited,
	 0, NULL, BLOCK, KEEP_SESSION},
	{"terminal.paste", "TIOCLINUX", console_paste, 0, NULL, LATENT, 0},
	{"terminal.paste-high-bits", "TIOCLINUX with a bit above the command", console_paste,
	 HIGH_BIT, NULL, LATENT, 0},
	{"terminal.discipline", "TIOCSETD: another line discipline", discipline, 27 /* N_NULL */,
	 NULL, BLOCK, 0},
	{"terminal.discipline-module", "TIOCSETD: a line discipline that is a module", discipline,
	 21 /* N_GSM0710 */, NULL, LATENT, 0},
	{"terminal.console", "TIOCCONS", console_output, 0, NULL, BLOCK, 0},
	{"terminal.steal", "TIOCSCTTY of another session's", steal, 0, NULL, BLOCK, 0},
	{"terminal.hang-up", "vhangup", hang_up, 0, NULL, BLOCK, HARMFUL},
	{0},
};
