/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stremio-hook costs a start, without Incus around it: this program calls it as liblxc does
 * (a shell's command line, LXC_PID a child of the caller), for a process that is alone in a user
 * and a mount namespace with an empty /dev.
 *
 *   hook_cost ROUNDS CLASS LINE...    CLASS stands for /sys/class
 *
 * A line each of LINE..., tab-separated, in microseconds: median, 10th percentile, median of the
 * differences to the first in the same round, LINE.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 1000
#define LINES_MAX 4

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void write_map(pid_t pid, const char *file)
{
	static const char map[] = "0 1000000 65536\n";
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, map, sizeof(map) - 1) < 0)
		die(path);
	close(fd);
}

/* The first process of a container. Return: once it is as far as liblxc at start-host. */
static pid_t make_instance(void)
{
	int up[2], down[2];
	char byte = 0;
	pid_t pid;

	if (pipe2(up, O_CLOEXEC) < 0 || pipe2(down, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || write(up[1], &byte, 1) != 1 ||
		    read(down[0], &byte, 1) != 1 || setresgid(0, 0, 0) < 0 ||
		    setresuid(0, 0, 0) < 0 ||
		    mount("none", "/dev", "tmpfs", MS_NOSUID, "mode=755") < 0 ||
		    write(up[1], &byte, 1) != 1)
			die("instance");
		for (;;)
			pause();
	}
	if (read(up[0], &byte, 1) != 1)
		die("instance");
	write_map(pid, "uid_map");
	write_map(pid, "gid_map");
	if (write(down[1], &byte, 1) != 1 || read(up[0], &byte, 1) != 1)
		die("instance");
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
	return pid;
}

static long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Return: how long it took, in microseconds. */
static long call_hook(char *line, pid_t instance)
{
	char pid[32];
	char *envp[] = {(char *)"LXC_NAME=bench", (char *)"LXC_HOOK_TYPE=start-host", pid, NULL};
	char *args[] = {(char *)"sh", (char *)"-c", line, NULL};
	const long began = now_us();
	int status = 0;
	pid_t child;

	(void)snprintf(pid, sizeof(pid), "LXC_PID=%d", instance);
	if (posix_spawn(&child, "/bin/sh", NULL, NULL, args, envp) != 0 ||
	    waitpid(child, &status, 0) < 0 || status != 0)
		die(line);
	return now_us() - began;
}

static int by_value(const void *a, const void *b)
{
	const long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static long us[LINES_MAX][ROUNDS_MAX];
	static long over[LINES_MAX][ROUNDS_MAX];
	const int lines = argc - 3;
	const int rounds = argc > 3 ? atoi(argv[1]) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX || lines > LINES_MAX) {
		(void)fprintf(stderr, "usage: hook_cost ROUNDS CLASS LINE...\n");
		return 64;
	}
	(void)mkdir("/run/stremio-shim", 0700);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(argv[2], "/sys/class", NULL, MS_BIND, NULL) < 0 ||
	    mount("none", "/run/stremio-shim", "tmpfs", 0, "mode=700") < 0)
		die("mount");
	for (int i = 0; i < rounds; i++) {
		for (int j = 0; j < lines; j++) {
			pid_t instance = make_instance();

			us[j][i] = call_hook(argv[3 + j], instance);
			over[j][i] = us[j][i] - us[0][i];
			kill(instance, SIGKILL);
			(void)waitpid(instance, NULL, 0);
		}
	}
	for (int j = 0; j < lines; j++) {
		qsort(us[j], (size_t)rounds, sizeof(us[j][0]), by_value);
		qsort(over[j], (size_t)rounds, sizeof(over[j][0]), by_value);
		printf("%ld\t%ld\t%ld\t%s\n", us[j][rounds / 2], us[j][rounds / 10],
		       over[j][rounds / 2], argv[3 + j]);
	}
	return 0;
}
