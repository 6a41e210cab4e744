// SPDX-License-Identifier: Apache-2.0
/*
 * spawn: how long commands take from spawn to exit, measured side by side.
 *
 *   spawn ROUNDS NAME COMMAND [ARG]... [, NAME COMMAND [ARG]...]...
 *
 * Each round runs every command once, starting with another one each time, so that a busy
 * moment of the machine meets all alike. Prints one line a command, separated by tabs:
 * NAME, median, 10th and 90th percentile, fastest, all in microseconds. A command that does
 * not exit with 0 ends the run with status 1: the time of a failure is no result.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 32
#define WARM_UP 10

struct command {
	const char *name;
	char **argv;
	double *us; /* one a round */
};

extern char **environ;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Returns microseconds, or -1 with a line on stderr. */
static double run_once(const struct command *c, const posix_spawn_file_actions_t *quiet)
{
	double start = now_us(), end;
	int status, r;
	pid_t pid;

	/* posix_spawn(3) is vfork-like in glibc: the parent's size does not count. */
	r = posix_spawn(&pid, c->argv[0], quiet, NULL, c->argv, environ);
	if (r != 0) {
		fprintf(stderr, "spawn: %s: %s: %s\n", c->name, c->argv[0], strerror(r));
		return -1;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	end = now_us();
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "spawn: %s: ended with wait status 0x%x, not 0\n", c->name,
			(unsigned int)status);
		return -1;
	}
	return end - start;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value below which the share p of the sorted n values lies, between neighbours linear. */
static double quantile(const double *sorted, size_t n, double p)
{
	double at = p * (double)(n - 1);
	size_t low = (size_t)at;

	if (low + 1 >= n)
		return sorted[n - 1];
	return sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]);
}

/* Splits argv at the commas. Returns how many commands, 0 on bad usage. */
static size_t split(int argc, char **argv, struct command *commands)
{
	size_t n = 0;
	int i = 0;

	while (i < argc) {
		if (n == COMMANDS_MAX || i + 1 >= argc)
			return 0;
		commands[n].name = argv[i];
		commands[n].argv = &argv[i + 1];
		while (i < argc && strcmp(argv[i], ",") != 0)
			i++;
		if (&argv[i] <= commands[n].argv)
			return 0;
		if (i < argc)
			argv[i++] = NULL;
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	struct command commands[COMMANDS_MAX];
	posix_spawn_file_actions_t quiet;
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	size_t n = argc > 3 ? split(argc - 2, argv + 2, commands) : 0;

	if (rounds < 1 || rounds > 1000000 || n == 0) {
		fputs("usage: spawn ROUNDS NAME COMMAND [ARG]... [, NAME COMMAND...]...\n", stderr);
		return 64;
	}
	posix_spawn_file_actions_init(&quiet);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(&quiet, fd, "/dev/null", O_RDWR, 0);
	for (size_t i = 0; i < n; i++) {
		commands[i].us = calloc((size_t)rounds, sizeof(double));
		if (!commands[i].us) {
			perror("spawn");
			return 1;
		}
	}

	for (long round = -WARM_UP; round < rounds; round++) {
		for (size_t k = 0; k < n; k++) {
			struct command *c = &commands[(k + (size_t)(round + WARM_UP)) % n];
			double us = run_once(c, &quiet);

			if (us < 0)
				return 1;
			if (round >= 0)
				c->us[round] = us;
		}
	}
	for (size_t i = 0; i < n; i++) {
		double *us = commands[i].us;

		qsort(us, (size_t)rounds, sizeof(*us), by_value);
		printf("%s\t%.0f\t%.0f\t%.0f\t%.0f\n", commands[i].name,
		       quantile(us, (size_t)rounds, 0.5), quantile(us, (size_t)rounds, 0.1),
		       quantile(us, (size_t)rounds, 0.9), us[0]);
	}
	return 0;
}
