/* SPDX-License-Identifier: Apache-2.0 */
#include "options_table.h"

#include <errno.h>
#include <string.h>

#include "probe/wire.h"
#include "text.h"

#define SECONDS_MAX 86400

static int set_user(struct options *o, const char *value)
{
	o->user = value;
	return *value ? 0 : -EINVAL;
}

static int set_policy(struct options *o, const char *value)
{
	o->policy = value;
	return *value ? 0 : -EINVAL;
}

static int choose(const char *value, const char *const *names, int *out)
{
	for (int i = 0; names[i]; i++) {
		if (!strcmp(value, names[i])) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_userns(struct options *o, const char *value)
{
	static const char *const names[] = {"deny", "allow", NULL};
	int chosen;

	if (choose(value, names, &chosen) < 0)
		return -EINVAL;
	o->userns_allow = chosen == 1;
	return 0;
}

static int set_landlock(struct options *o, const char *value)
{
	static const char *const names[] = {"auto", "require", "off", NULL};
	int chosen;

	if (choose(value, names, &chosen) < 0)
		return -EINVAL;
	o->landlock = (enum landlock)chosen;
	return 0;
}

static int add_path(const char **paths, size_t *count, const char *value)
{
	if (value[0] != '/' || *count == OPTIONS_PATHS_MAX)
		return -EINVAL;
	paths[(*count)++] = value;
	return 0;
}

static int set_rw(struct options *o, const char *value)
{
	return add_path(o->rw, &o->rw_count, value);
}

static int set_ro(struct options *o, const char *value)
{
	return add_path(o->ro, &o->ro_count, value);
}

static int set_tmpfs(struct options *o, const char *value)
{
	if (value[0] != '/' || o->tmpfs_count == OPTIONS_TMPFS_MAX)
		return -EINVAL;
	o->tmpfs[o->tmpfs_count++] = value;
	return 0;
}

/* A variable of the application's that nobody else has set. */
static int set_env(struct options *o, const char *value)
{
	const char *equals = strchr(value, '=');

	if (!equals || equals == value || o->env_count == OPTIONS_ENV_MAX)
		return -EINVAL;
	o->env[o->env_count++] = value;
	return 0;
}

static int set_cwd(struct options *o, const char *value)
{
	o->cwd = value;
	return value[0] == '/' ? 0 : -EINVAL;
}

static int set_exec_bounding(struct options *o, const char *value)
{
	static const char *const names[] = {"none", "launch", "full", NULL};
	int chosen;

	if (choose(value, names, &chosen) < 0)
		return -EINVAL;
	o->exec_bounding = (enum exec_bounding)chosen;
	return 0;
}

static int set_stop_timeout(struct options *o, const char *value)
{
	return parse_seconds(value, SECONDS_MAX, &o->stop_timeout_ms);
}

/*
 * --devices has the variable STREMIO_DEVICES in common with stremio-hook, whose further words say
 * which nodes there are to be: here they mean the group, whichever card is named.
 */
static const struct {
	const char *name;
	uint32_t set;
	bool card; /* ":CARD" may follow */
	bool hook; /* one of the hook's */
} device_words[] = {
	{"gpu", GROUP_BIT(GROUP_GPU), true, false},
	{"gpu-primary", GROUP_BIT(GROUP_GPU) | PRIMARY_WANTED, true, true},
	{"sound", GROUP_BIT(GROUP_SOUND), true, false},
	{"sound-playback", GROUP_BIT(GROUP_SOUND), true, true},
	{"x11", GROUP_BIT(GROUP_X11), false, false},
	{"pulse", GROUP_BIT(GROUP_PULSE), false, false},
	{"wayland", GROUP_BIT(GROUP_WAYLAND), false, false},
};

static int parse_word(const char *word, size_t len, bool hook, uint32_t *set)
{
	for (size_t i = 0; i < sizeof(device_words) / sizeof(device_words[0]); i++) {
		size_t n = strlen(device_words[i].name);
		bool card = hook && device_words[i].card && n + 1 < len && word[n] == ':';

		if (n > len || strncmp(word, device_words[i].name, n) != 0 || (n < len && !card) ||
		    (device_words[i].hook && !hook))
			continue;
		*set |= device_words[i].set;
		return 0;
	}
	return -EINVAL;
}

/* gpu,x11: a set of groups; none: the empty one. @hook: with the words of stremio-hook(8). */
static int parse_groups(const char *list, bool hook, uint32_t *set)
{
	*set = 0;
	if (!strcmp(list, "none"))
		return 0;
	for (;; list++) {
		size_t len = strcspn(list, ",");

		if (parse_word(list, len, hook, set) < 0)
			return -EINVAL;
		list += len;
		if (!*list)
			return 0;
	}
}

static int set_devices(struct options *o, const char *value)
{
	o->devices_named = true;
	return parse_groups(value, true, &o->devices);
}

static int set_require(struct options *o, const char *value)
{
	o->require_named = true;
	return parse_groups(value, false, &o->require);
}

static int set_wait(struct options *o, const char *value)
{
	return parse_seconds(value, SECONDS_MAX, &o->wait_ms);
}

static int set_ready(struct options *o, const char *value)
{
	static const char *const names[] = {"auto", "yes", "no", NULL};
	int chosen = READY_YES;

	if (value && choose(value, names, &chosen) < 0)
		return -EINVAL;
	o->ready = (enum ready)chosen;
	return 0;
}

/* Switches have no value on the command line; their twins say 1 or 0. */
static int switch_on(const char *value, bool *on)
{
	if (!value || !strcmp(value, "1"))
		*on = true;
	else if (!*value || !strcmp(value, "0"))
		*on = false;
	else
		return -EINVAL;
	return 0;
}

static int set_audit(struct options *o, const char *value)
{
	return switch_on(value, &o->audit);
}

static int set_verbose(struct options *o, const char *value)
{
	bool on;

	if (switch_on(value, &on) < 0)
		return -EINVAL;
	if (on)
		o->level = LOG_VERBOSE;
	return 0;
}

static int set_quiet(struct options *o, const char *value)
{
	bool on;

	if (switch_on(value, &on) < 0)
		return -EINVAL;
	if (on)
		o->level = LOG_QUIET;
	return 0;
}

static int set_print_policy(struct options *o, const char *value)
{
	static const char *const names[] = {"text", "json", NULL};
	int chosen = 0;

	if (value && choose(value, names, &chosen) < 0)
		return -EINVAL;
	o->action = chosen ? ACTION_PRINT_POLICY_JSON : ACTION_PRINT_POLICY;
	return 0;
}

static int set_self_test(struct options *o, const char *value)
{
	static const char *const names[] = {"text", "json", "openmetrics", NULL};
	int chosen = REPORT_TEXT;

	if (value && choose(value, names, &chosen) < 0)
		return -EINVAL;
	o->format = (enum report_format)chosen;
	o->action = ACTION_SELF_TEST;
	return 0;
}

static int set_watch(struct options *o, const char *value)
{
	(void)value;
	o->watch = true;
	return 0;
}

static int set_help(struct options *o, const char *value)
{
	(void)value;
	o->action = ACTION_HELP;
	return 0;
}

static int set_version(struct options *o, const char *value)
{
	(void)value;
	o->action = ACTION_VERSION;
	return 0;
}

#define LIST "gpu, sound, x11, wayland and pulse, or none"

/* clang-format off */
const struct option_spec options_table[] = {
	{ 'u', "user", VALUE, false, false, "USER[:GROUP]", "USER[:GROUP]", set_user,
	  "who the application runs as: a name or a number\n"
	  "(default auto: stremio, nonroot, uid 1000 if listed, 65532)" },
	{ 'd', "devices", VALUE, false, false, "LIST", LIST, set_devices,
	  "what is inspected: gpu sound x11 wayland pulse, or\n"
	  "none, separated by ',' (default gpu,sound,x11)" },
	{ 'r', "require", VALUE, false, false, "LIST", LIST, set_require,
	  "of these, what must be good before the launch\n"
	  "(default: x11 if DISPLAY is set)" },
	{ 'w', "wait", VALUE, false, false, "SECONDS", "seconds, 0 to 86400", set_wait,
	  "how long that may take to appear (default 10)" },
	{ 'p', "policy", VALUE, false, false, "NAME|FILE", "a policy's name or file", set_policy,
	  "system call policy: stremio (default), server, none,\n"
	  "or a file that stremio-policy compiled" },
	{ 0, "userns", VALUE, false, false, "deny|allow", "deny or allow", set_userns,
	  "namespaces made by the application's own sandbox\n"
	  "(default deny: WebKitGTK and Chromium do without)" },
	{ 0, "audit", NO_VALUE, false, false, NULL, "1 or 0", set_audit,
	  "name each system call that the policy denies in the\n"
	  "log, once a program" },
	{ 0, "landlock", VALUE, false, false, "auto|require|off", "auto, require or off",
	  set_landlock,
	  "restrict which files are reached (default auto: as\n"
	  "far as the kernel can; require: wholly or not at all)" },
	{ 0, "rw", VALUE, true, false, "PATH", "an absolute path, at most 128 of them", set_rw,
	  "a path to read and write, for Landlock; repeatable" },
	{ 0, "ro", VALUE, true, false, "PATH", "an absolute path, at most 128 of them", set_ro,
	  "a path to read and execute; repeatable" },
	{ 0, "tmpfs", VALUE, true, false, "PATH[:OPTIONS]",
	  "an absolute PATH[:OPTIONS], at most 16 of them", set_tmpfs,
	  "mount a private tmpfs there first; repeatable" },
	/* No twin: environment.NAME does the same, and STREMIO_ENV may be the application's. */
	{ 0, "env", VALUE, true, true, "NAME=VALUE", "NAME=VALUE, at most 64 of them", set_env,
	  "set a variable for the application unless it is set;\n"
	  "repeatable" },
	{ 0, "cwd", VALUE, false, false, "PATH", "an absolute path", set_cwd,
	  "the directory that the application starts in" },
	{ 0, "exec-bounding", VALUE, false, false, "SET", "none, launch or full", set_exec_bounding,
	  "capabilities left to a later `incus exec`: none,\n"
	  "launch (default: enough to launch through this\n"
	  "program) or full" },
	{ 't', "stop-timeout", VALUE, false, false, "SECONDS", "seconds, 0 to 86400",
	  set_stop_timeout,
	  "time between TERM and KILL (default 10)" },
	{ 0, "ready", MAY_HAVE_VALUE, false, false, "auto|yes|no", "auto, yes or no", set_ready,
	  "report the instance ready to Incus after the launch\n"
	  "(default auto: when it is PID 1 and Incus listens)" },
	{ 0, "print-policy", MAY_HAVE_VALUE, false, true, "text|json", "text or json",
	  set_print_policy,
	  "show what would be applied, and exit" },
	{ 0, "self-test", MAY_HAVE_VALUE, false, true, "FORMAT", "text, json or openmetrics",
	  set_self_test,
	  "inspect, report as text, json or openmetrics, and\n"
	  "exit with 0, or 69 if something required is not good" },
	{ 0, "watch", NO_VALUE, false, true, NULL, NULL, set_watch,
	  "with --self-test: go on and report changes" },
	{ 'v', "verbose", NO_VALUE, false, false, NULL, "1 or 0", set_verbose,
	  "report each step" },
	{ 'q', "quiet", NO_VALUE, false, false, NULL, "1 or 0", set_quiet,
	  "report failures only, no warnings" },
	{ 'h', "help", NO_VALUE, false, true, NULL, NULL, set_help,
	  "show this text" },
	{ 'V', "version", NO_VALUE, false, true, NULL, NULL, set_version,
	  "show the version" },
};
/* clang-format on */

const size_t options_table_count = sizeof(options_table) / sizeof(options_table[0]);
