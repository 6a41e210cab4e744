/*
 * Stands in for stremio-probe where a test needs one that is honest, dead, silent or hostile:
 * FAKE_PROBE in its environment says what it does for each group, in this order:
 *
 *	ok warn fail skip   that status for the group's first check, then its end record
 *	all                 every check of the group ok, with the group's id as the target
 *	either              ok for one target of the group's first check, fail for another
 *	late                ok once the file /tmp/ready is there, fail before
 *	later               the same with /tmp/.X11-unix/ready
 *	grouped             ok for a process with a supplementary group, fail for one without
 *	ugly                a warn whose texts hold control characters and no UTF-8
 *	sandbox             what the kernel says of this process, as text in the summary
 *	halfway             a good record and no end
 *	hang                nothing, until it is killed
 *	mute                closes its stdout and stays
 *	die kill            exits with 3; is killed by signal 11
 *	nothing             ends the group without a result
 *	magic group check status foreign target summary hint zero twice
 *	                    a record with just that wrong; twice: the end record is
 *	short               half a record, then its end
 *	flood               records without end
 *	many                600 good records
 *	freeze              ok, and its inspector is stopped when it has heard that
 *	litter              leaves a process that ignores what can be ignored, then ok
 *
 * Separated by commas; the last one is for all that follow. Each run adds a line to /tmp/runs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "probe/wire.h"

static struct wire_record record;

/* proc(5): the state stands behind the name, which is in brackets. */
static int sleeps(pid_t pid)
{
	char stat[256] = "";
	char path[32];
	const char *end;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	(void)!fread(stat, 1, sizeof(stat) - 1, f);
	(void)fclose(f);
	end = strrchr(stat, ')');
	return end && !strncmp(end, ") S", 3);
}

static void say(void)
{
	if (write(STDOUT_FILENO, &record, sizeof(record)) != (ssize_t)sizeof(record))
		_exit(1);
}

/* Starts a process and waits until it has left this one's group. */
static int in_a_group_of_its_own(void)
{
	int away[2];
	char byte;
	pid_t pid;

	if (pipe(away) < 0)
		_exit(1);
	pid = fork();
	if (pid == 0)
		setsid();
	close(away[1]);
	if (pid != 0 && read(away[0], &byte, 1) != 0)
		_exit(1);
	close(away[0]);
	return pid;
}

static void begin(int group, int check, int status)
{
	memset(&record, 0, sizeof(record));
	record.magic = WIRE_MAGIC;
	record.group = (unsigned char)group;
	record.check = (unsigned char)check;
	record.status = (unsigned char)status;
	record.us = 1234;
}

static int first_check(int group)
{
	int check = 0;

	while (wire_group_of[check] != group)
		check++;
	return check;
}

static void result(int group, int check, int status)
{
	begin(group, check, status);
	strcpy(record.target, "/dev/fake");
	strcpy(record.summary, status == STATUS_OK ? "works" : "does not work");
	if (status != STATUS_OK)
		strcpy(record.hint, "repair it");
	say();
}

static void end(int group)
{
	begin(group, CHECKS, 0);
	say();
}

static void sandbox(int group)
{
	char text[4096], *line;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	begin(group, first_check(group), STATUS_OK);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strncmp(line, "Uid", 3) && strncmp(line, "Gid", 3) &&
		    strncmp(line, "Groups", 6) && strncmp(line, "Cap", 3) &&
		    strncmp(line, "NoNew", 5) && strncmp(line, "Seccomp", 7) &&
		    strncmp(line, "SigBlk", 6))
			continue;
		for (char *c = line; *c; c++)
			if (*c == '\t')
				*c = ' ';
		strncat(record.summary, line, sizeof(record.summary) - strlen(record.summary) - 2);
		strcat(record.summary, ";");
	}
	say();
}

static void wrong(const char *how, int group)
{
	begin(group, first_check(group), STATUS_OK);
	if (!strcmp(how, "magic"))
		record.magic++;
	else if (!strcmp(how, "group"))
		record.group = GROUPS_OF_CHECKS;
	else if (!strcmp(how, "check"))
		record.check = CHECKS + 1;
	else if (!strcmp(how, "status"))
		record.status = STATUSES;
	else if (!strcmp(how, "foreign"))
		record.check = (unsigned char)(group == GROUP_GPU ? CHECK_HOME : CHECK_GPU_RENDER);
	else if (!strcmp(how, "target"))
		memset(record.target, 'x', sizeof(record.target));
	else if (!strcmp(how, "summary"))
		memset(record.summary, 'x', sizeof(record.summary));
	else if (!strcmp(how, "hint"))
		memset(record.hint, 'x', sizeof(record.hint));
	else if (!strcmp(how, "zero"))
		record.zero2 = 1;
	else
		exit(2);
	say();
}

static void act(const char *how, int group)
{
	int first = first_check(group);

	for (int status = 0; status < STATUSES; status++)
		if (!strcmp(how, wire_status_names[status]))
			result(group, first, status);
	if (!strcmp(how, "all")) {
		for (int check = 0; check < CHECKS; check++)
			if (wire_group_of[check] == group)
				result(group, check, STATUS_OK);
	} else if (!strcmp(how, "either")) {
		result(group, first, STATUS_OK);
		result(group, first, STATUS_FAIL);
	} else if (!strcmp(how, "late")) {
		result(group, first, access("/tmp/ready", F_OK) ? STATUS_FAIL : STATUS_OK);
	} else if (!strcmp(how, "later")) {
		result(group, first,
		       access("/tmp/.X11-unix/ready", F_OK) ? STATUS_FAIL : STATUS_OK);
	} else if (!strcmp(how, "grouped")) {
		result(group, first, getgroups(0, NULL) > 0 ? STATUS_OK : STATUS_FAIL);
	} else if (!strcmp(how, "ugly")) {
		begin(group, first, STATUS_WARN);
		strcpy(record.target, "/dev/\033[2J\"\\\xff");
		strcpy(record.summary, "card \xe2\x80\xae\n\xc3\xa9 \x7f \xc2\x9b{}");
		strcpy(record.hint, "a\tb\xed\xa0\x80");
		say();
	} else if (!strcmp(how, "sandbox")) {
		sandbox(group);
	} else if (!strcmp(how, "halfway")) {
		result(group, first, STATUS_OK);
		return;
	} else if (!strcmp(how, "hang")) {
		for (;;)
			pause();
	} else if (!strcmp(how, "mute")) {
		close(STDOUT_FILENO);
		for (;;)
			pause();
	} else if (!strcmp(how, "die")) {
		_exit(3);
	} else if (!strcmp(how, "kill")) {
		raise(SIGSEGV);
	} else if (!strcmp(how, "twice")) {
		struct wire_record both[2];

		/* In one piece: after the first, nobody would read on. */
		begin(group, CHECKS, 0);
		both[0] = both[1] = record;
		if (write(STDOUT_FILENO, both, sizeof(both)) < 0)
			_exit(1);
		return;
	} else if (!strcmp(how, "short")) {
		begin(group, first, STATUS_OK);
		if (write(STDOUT_FILENO, &record, sizeof(record) / 2) < 0)
			_exit(1);
		_exit(0);
	} else if (!strcmp(how, "flood")) {
		for (;;)
			result(group, first, STATUS_OK);
	} else if (!strcmp(how, "many")) {
		for (int i = 0; i < 600; i++)
			result(group, first, STATUS_OK);
	} else if (!strcmp(how, "freeze")) {
		pid_t inspector = getppid();
		pid_t self = getpid();

		if (in_a_group_of_its_own() == 0) {
			/* It ends that process first, then says its word, and then waits for this one. */
			while (getppid() == self || !sleeps(inspector))
				usleep(50);
			_exit(kill(inspector, SIGSTOP));
		}
		result(group, first, STATUS_OK);
	} else if (!strcmp(how, "litter")) {
		if (in_a_group_of_its_own() == 0) {
			for (int i = 1; i < 65; i++)
				signal(i, SIG_IGN);
			if (fork() == 0)
				prctl(PR_SET_NAME, "litter");
			for (;;)
				pause();
		}
		result(group, first, STATUS_OK);
	} else if (strcmp(how, "nothing") && !strstr("ok warn fail skip", how)) {
		wrong(how, group);
	}
	end(group);
}

int main(int argc, char **argv)
{
	const char *plan = getenv("FAKE_PROBE");
	char how[32];
	FILE *runs = fopen("/tmp/runs", "a");

	if (runs) {
		for (int i = 1; i < argc; i++)
			fprintf(runs, "%s ", argv[i]);
		fprintf(runs, "\n");
		fclose(runs);
	}
	snprintf(how, sizeof(how), "%s", plan ? plan : "all");
	for (int i = 1; i < argc; i++) {
		char one[32];
		int group = 0;
		char *comma;

		if (argv[i][0] == '-')
			continue;
		while (strcmp(wire_group_names[group], argv[i]) != 0)
			if (++group == GROUPS_OF_CHECKS)
				return 2;
		comma = strchr(how, ',');
		snprintf(one, sizeof(one), "%.*s", comma ? (int)(comma - how) : 31, how);
		if (comma)
			memmove(how, comma + 1, strlen(comma));
		act(one, group);
	}
	return 0;
}
