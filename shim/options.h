/* SPDX-License-Identifier: Apache-2.0 */
/* options: the command line, its environment twins and the args file. */
#ifndef SHIM_OPTIONS_H
#define SHIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "finding.h"

#define OPTIONS_ARGS_FILE "/etc/stremio-shim.args"
#define OPTIONS_ARGS_MAX 65536 /* bytes of the args file */
#define OPTIONS_TMPFS_MAX 16
#define OPTIONS_PATHS_MAX 128 /* of --rw, and of --ro */
#define OPTIONS_ENV_MAX 64

enum exec_bounding { BOUNDING_NONE, BOUNDING_LAUNCH, BOUNDING_FULL };
enum landlock { LANDLOCK_AUTO, LANDLOCK_REQUIRE, LANDLOCK_OFF };
enum ready { READY_AUTO, READY_YES, READY_NO };
enum action {
	ACTION_LAUNCH,
	ACTION_HELP,
	ACTION_VERSION,
	ACTION_PRINT_POLICY,
	ACTION_PRINT_POLICY_JSON,
	ACTION_SELF_TEST,
};

enum report_format { REPORT_TEXT, REPORT_JSON, REPORT_OPENMETRICS };

struct options {
	enum action action;
	const char *user;   /* account_resolve() reads it */
	const char *policy; /* a built-in name, a file's path, or "none" */
	bool userns_allow;
	bool audit; /* name denied calls in the log */
	enum landlock landlock;
	const char *rw[OPTIONS_PATHS_MAX]; /* read-write paths for Landlock */
	size_t rw_count;
	const char *ro[OPTIONS_PATHS_MAX]; /* read and execute */
	size_t ro_count;
	const char *tmpfs[OPTIONS_TMPFS_MAX]; /* PATH[:OPTIONS] */
	size_t tmpfs_count;
	const char *env[OPTIONS_ENV_MAX]; /* NAME=VALUE */
	size_t env_count;
	const char *cwd; /* NULL: the one it was started in */
	enum exec_bounding exec_bounding;
	uint32_t stop_timeout_ms;
	uint32_t devices;   /* GROUP_BIT() of enum wire_group: what the application may use;
			     * PRIMARY_WANTED */
	uint32_t require;   /* of these, those that must be good before the launch */
	bool devices_named; /* they were asked for, not just the default */
	bool require_named;
	uint32_t wait_ms;	   /* how long those may take to appear */
	enum report_format format; /* of the self-test */
	bool watch;		   /* it goes on and reports changes */
	enum ready ready;
	enum log_level level;
	char **command; /* NULL-terminated; NULL: one of the defaults */
};

/**
 * options_parse() - read the command line, then the environment twins, then, when
 * no command was given, the args file.
 * @argv: as main() got it. @envp: the environment, terminated by NULL.
 * @args_file: OPTIONS_ARGS_FILE, or another for tests. Its options count as if they
 *	stood on the command line, which wins over them.
 * @o: out; points into @argv, @envp and a mapping of the args file.
 * @f: out, on failure, step "options".
 *
 * Parsing stops at the first word that is no option. The last of two equal options
 * wins; --tmpfs adds up.
 * Return: 0; -EINVAL with EXIT_USAGE; other -errno with EXIT_SETUP (the args file is
 * there and cannot be read).
 */
int options_parse(char **argv, char **envp, const char *args_file, struct options *o,
		  struct finding *f);

/** options_help() - write the help text to stdout. Return: 0 or -errno. */
int options_help(void);

/** options_version() - write name and version to stdout. Return: 0 or -errno. */
int options_version(void);

#endif
