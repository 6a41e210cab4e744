/* SPDX-License-Identifier: Apache-2.0 */
#include "print_policy.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <unistd.h>

#include "audit_bpf.h"
#include "confine.h"
#include "environment.h"
#include "landlock.h"
#include "landlock_rules.h"
#include "output.h"

#define CALLS_END 1024	  /* above every number of x86_64 and arm64 */
#define UNKNOWN_CALL 1000 /* no kernel has it: gets the policy's default */
#define WIDTH 96
#define INDENT 18

#ifndef SHIM_VERSION
#define SHIM_VERSION "0.1.0"
#endif

static const char *const bounding_names[] = {"none", "launch", "full"};
static const char *const landlock_names[] = {"auto", "require", "off"};

/* What the filter says of one call, as one number to compare: BY_ARGUMENTS or its answer. */
#define BY_ARGUMENTS UINT32_MAX

static uint32_t outcome(const struct policy *p, uint32_t nr)
{
	uint32_t answer;

	return audit_bpf_by_arguments(p->code, p->arch, nr, &answer) ? BY_ARGUMENTS : answer;
}

static void put_outcome(struct output *o, uint32_t answer)
{
	uint32_t err = answer & SECCOMP_RET_DATA;
	const char *name = policy_errno_name(err);

	if (answer == BY_ARGUMENTS) {
		output_str(o, "by arguments");
	} else if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW) {
		output_str(o, "allow");
	} else if ((answer & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO) {
		output_str(o, "kill");
	} else {
		output_str(o, "errno ");
		if (name)
			output_str(o, name);
		else
			output_num(o, err);
	}
}

/* Does an access of the table hold this right? For the words of both formats. */
static const struct right {
	uint32_t access;
	const char *name;
} rights[] = {
	{FS_READ_FILE, "read"},	  {FS_READ_DIR, "list"},   {FS_EXECUTE, "execute"},
	{FS_WRITE_FILE, "write"}, {FS_MAKE_REG, "create"}, {FS_IOCTL_DEV, "control"},
};

#define RIGHT_COUNT (sizeof(rights) / sizeof(rights[0]))

struct rule_printer {
	struct output *o;
	bool first;
};

/* What was asked for by name is shown in any case: the launch fails without it. */
static bool is_absent(const char *path, enum landlock_origin origin)
{
	return origin != LANDLOCK_REQUIRED && access(path, F_OK) < 0;
}

/* ---------------------------------------------------------------------- text */

static void label(struct output *o, const char *name)
{
	output_str(o, name);
	for (size_t i = strlen(name); i < INDENT; i++)
		output_str(o, " ");
}

static int text_rule(void *context, const char *path, uint32_t access, enum landlock_origin origin)
{
	struct rule_printer *p = context;
	char safe[512];
	struct text t;

	if (is_absent(path, origin))
		return 0;
	text_begin(&t, safe, sizeof(safe));
	text_safe(&t, path);
	label(p->o, "");
	output_str(p->o, safe);
	output_str(p->o, ":");
	for (size_t i = 0; i < RIGHT_COUNT; i++) {
		if (!(access & rights[i].access))
			continue;
		output_str(p->o, " ");
		output_str(p->o, rights[i].name);
	}
	output_str(p->o, "\n");
	return 0;
}

static void text_landlock(struct output *o, const struct launch *l, char **env)
{
	const char *lacks = landlock_lacks(l->landlock_abi);
	struct rule_printer p = {.o = o};

	label(o, "landlock");
	if (!l->landlock_abi) {
		output_str(o, "not applied\n");
		return;
	}
	output_str(o, landlock_names[l->options->landlock]);
	output_str(o, ", interface ");
	output_num(o, (uint64_t)l->landlock_abi);
	output_str(o, lacks ? ", cannot restrict " : ", complete");
	output_str(o, lacks);
	output_str(o, "\n");
	(void)landlock_rules_each(l->options, env, text_rule, &p);
}

/* One paragraph: every call with this outcome, the names wrapped. */
static void text_calls(struct output *o, const struct policy *p, uint32_t answer)
{
	size_t column = INDENT;

	label(o, "");
	put_outcome(o, answer);
	output_str(o, ":\n");
	label(o, "");
	for (uint32_t nr = 0; nr < CALLS_END; nr++) {
		const char *name = policy_call_name(nr);

		if (!name || outcome(p, nr) != answer)
			continue;
		if (column + strlen(name) + 1 > WIDTH) {
			output_str(o, "\n");
			label(o, "");
			column = INDENT;
		}
		output_str(o, " ");
		output_str(o, name);
		column += strlen(name) + 1;
	}
	output_str(o, "\n");
}

static bool seen_before(const struct policy *p, uint32_t nr, uint32_t answer)
{
	for (uint32_t before = 0; before < nr; before++)
		if (policy_call_name(before) && outcome(p, before) == answer)
			return true;
	return false;
}

static void text_seccomp(struct output *o, const struct policy *p)
{
	label(o, "system calls");
	if (!p) {
		output_str(o, "not filtered\n");
		return;
	}
	output_str(o, p->name);
	output_str(o, ", namespaces: ");
	output_str(o, p->userns);
	output_str(o, ", ");
	output_num(o, p->count);
	output_str(o, " instructions; unknown and foreign calls: ");
	put_outcome(o, outcome(p, UNKNOWN_CALL));
	output_str(o, "\n");
	for (uint32_t nr = 0; nr < CALLS_END; nr++) {
		uint32_t answer = outcome(p, nr);

		if (policy_call_name(nr) && !seen_before(p, nr, answer))
			text_calls(o, p, answer);
	}
}

static void print_text(struct output *o, const struct launch *l, char **env)
{
	label(o, "user");
	output_num(o, l->account.uid);
	output_str(o, ":");
	output_num(o, l->account.gid);
	output_str(o, " (");
	output_str(o, l->account.name);
	output_str(o, ")\n");
	label(o, "other groups");
	for (size_t i = 0; i < l->groups.count; i++) {
		output_str(o, i ? " " : "");
		output_num(o, l->groups.gid[i]);
	}
	output_str(o, l->groups.count ? "\n" : "none\n");
	label(o, "capabilities");
	output_str(o, "none, bounding set empty; left to incus exec: ");
	output_str(o, bounding_names[l->options->exec_bounding]);
	output_str(o, "\n");
	label(o, "securebits");
	output_str(o, "0xef, locked\n");
	label(o, "no_new_privs");
	output_str(o, "on\n");
	text_landlock(o, l, env);
	text_seccomp(o, l->policy);
}

/* ---------------------------------------------------------------------- JSON */

static int json_rule(void *context, const char *path, uint32_t access, enum landlock_origin origin)
{
	struct rule_printer *p = context;
	bool first = true;

	if (is_absent(path, origin))
		return 0;
	output_str(p->o, p->first ? "{\"path\":" : ",{\"path\":");
	output_json(p->o, path);
	output_str(p->o, ",\"access\":[");
	for (size_t i = 0; i < RIGHT_COUNT; i++) {
		if (!(access & rights[i].access))
			continue;
		output_str(p->o, first ? "" : ",");
		output_json(p->o, rights[i].name);
		first = false;
	}
	output_str(p->o, "]}");
	p->first = false;
	return 0;
}

static void json_landlock(struct output *o, const struct launch *l, char **env)
{
	const char *lacks = landlock_lacks(l->landlock_abi);
	struct rule_printer p = {.o = o, .first = true};

	output_str(o, ",\"landlock\":{\"mode\":");
	output_json(o, landlock_names[l->options->landlock]);
	output_str(o, ",\"abi\":");
	output_num(o, (uint64_t)l->landlock_abi);
	output_str(o, ",\"lacks\":");
	if (lacks)
		output_json(o, lacks);
	else
		output_str(o, "null");
	output_str(o, ",\"rules\":[");
	if (l->landlock_abi)
		(void)landlock_rules_each(l->options, env, json_rule, &p);
	output_str(o, "]}");
}

static void json_answer(struct output *o, const struct policy *p, uint32_t nr)
{
	output_str(o, "\"");
	put_outcome(o, outcome(p, nr));
	output_str(o, "\"");
}

static void json_seccomp(struct output *o, const struct policy *p)
{
	bool first = true;

	output_str(o, ",\"seccomp\":");
	if (!p) {
		output_str(o, "null");
		return;
	}
	output_str(o, "{\"policy\":");
	output_json(o, p->name);
	output_str(o, ",\"userns\":");
	output_json(o, p->userns);
	output_str(o, ",\"instructions\":");
	output_num(o, p->count);
	output_str(o, ",\"default\":");
	json_answer(o, p, UNKNOWN_CALL);
	output_str(o, ",\"calls\":{");
	for (uint32_t nr = 0; nr < CALLS_END; nr++) {
		const char *name = policy_call_name(nr);

		if (!name)
			continue;
		output_str(o, first ? "" : ",");
		output_json(o, name);
		output_str(o, ":");
		json_answer(o, p, nr);
		first = false;
	}
	output_str(o, "}}");
}

static void print_json(struct output *o, const struct launch *l, char **env)
{
	output_str(o, "{\"schema\":1,\"version\":\"" SHIM_VERSION "\",\"user\":{\"uid\":");
	output_num(o, l->account.uid);
	output_str(o, ",\"gid\":");
	output_num(o, l->account.gid);
	output_str(o, ",\"name\":");
	output_json(o, l->account.name);
	output_str(o, ",\"groups\":[");
	for (size_t i = 0; i < l->groups.count; i++) {
		output_str(o, i ? "," : "");
		output_num(o, l->groups.gid[i]);
	}
	output_str(o, "]},\"capabilities\":[],\"bounding\":[],\"exec_bounding\":");
	output_json(o, bounding_names[l->options->exec_bounding]);
	output_str(o, ",\"securebits\":");
	output_num(o, CONFINE_SECUREBITS);
	output_str(o, ",\"no_new_privs\":true");
	json_landlock(o, l, env);
	json_seccomp(o, l->policy);
	output_str(o, "}\n");
}

int print_policy(const struct launch *l, bool json)
{
	char **env = environment_build(l->environment, &l->account, &l->runtime_dir);
	struct output o;

	if (!env)
		return -ENOMEM;
	output_begin(&o);
	if (json)
		print_json(&o, l, env);
	else
		print_text(&o, l, env);
	return output_end(&o);
}
