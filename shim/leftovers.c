/* SPDX-License-Identifier: Apache-2.0 */
#include "leftovers.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "sys.h"
#include "text.h"

/* What of /proc/PID/stat matters here, proc(5). */
struct process {
	uint32_t parent;
	uint32_t session;
	bool terminal; /* it has a controlling one */
};

static const char *skip_field(const char *s)
{
	while (*s && *s != ' ')
		s++;
	while (*s == ' ')
		s++;
	return s;
}

static bool read_process(uint32_t pid, struct process *p)
{
	char buf[512];
	struct text path;
	const char *at;
	uint32_t group;
	ssize_t n;
	int fd;

	text_begin(&path, buf, sizeof(buf));
	text_str(&path, "/proc/");
	text_num(&path, pid);
	text_str(&path, "/stat");
	fd = sys_open(buf, O_RDONLY);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	/* The name in parentheses is the process's own choice: count from its end. */
	at = strrchr(buf, ')');
	if (!at || at[1] != ' ' || !at[2])
		return false;
	at = skip_field(at + 2); /* past the state */
	if (field_u32(&at, &p->parent) < 0 || field_u32(&at, &group) < 0 ||
	    field_u32(&at, &p->session) < 0)
		return false;
	p->terminal = *at != '0'; /* tty_nr, which may be negative */
	return true;
}

/* Up the line of parents. Bounded, for it is read while it changes. */
static bool descends_from(uint32_t pid, uint32_t ancestor)
{
	struct process p;

	for (int depth = 0; depth < 64 && pid > 1; depth++) {
		if (!read_process(pid, &p))
			return false;
		if (p.parent == ancestor)
			return true;
		pid = p.parent;
	}
	return false;
}

/* A stopped process could not answer SIGTERM. */
static void signal_process(pid_t pid, int signum)
{
	kill(pid, signum);
	if (signum == SIGTERM)
		kill(pid, SIGCONT);
}

static bool hang_up_shell(uint32_t pid, int signum)
{
	struct process p;

	if (!read_process(pid, &p) || p.session != pid || !p.terminal)
		return false;
	kill((pid_t)pid, signum);
	return true;
}

static bool signal_descendant(uint32_t pid, int signum)
{
	if (!descends_from(pid, (uint32_t)getpid()))
		return false;
	signal_process((pid_t)pid, signum);
	return true;
}

/* Return: how many of all processes @act has signalled. */
static int each_process(bool (*act)(uint32_t pid, int signum), int signum)
{
	struct directory dir;
	const char *name;
	uint32_t pid;
	int count = 0;

	if (directory_open(&dir, "/proc") < 0)
		return 0;
	while (directory_next(&dir, &name) > 0)
		if (parse_u32(name, INT32_MAX, &pid) == 0 && pid > 1)
			count += act(pid, signum);
	directory_close(&dir);
	return count;
}

/*
 * Where /proc hides other users' processes (hidepid), it still lists one's own children.
 * Theirs become ours as they end.
 */
static void signal_children(int signum)
{
	char buf[1024];
	struct text t;
	const char *at = buf;
	uint32_t pid;
	ssize_t n;
	int fd;

	text_begin(&t, buf, sizeof(buf));
	text_str(&t, "/proc/self/task/");
	text_num(&t, (uint64_t)getpid());
	text_str(&t, "/children");
	fd = sys_open(buf, O_RDONLY);
	if (fd < 0)
		return;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n < 0 ? 0 : n] = '\0';
	/* A number that the buffer has cut ends without the blank behind it. */
	while (field_u32(&at, &pid) == 0 && at[-1] == ' ')
		signal_process((pid_t)pid, signum);
}

void leftovers_signal(bool init, int signum)
{
	if (init) {
		signal_process(-1, signum);
		if (signum == SIGTERM)
			(void)each_process(hang_up_shell, SIGHUP);
	} else if (!each_process(signal_descendant, signum)) {
		signal_children(signum);
	}
}

bool leftovers_any(bool init)
{
	return init && kill(-1, 0) == 0;
}
