// SPDX-License-Identifier: Apache-2.0
#include "policy_naive.h"

#include <libgen.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Typed from the kernel's headers, not included from them: a second pair of eyes. */
static const struct {
	const char *name;
	uint64_t value;
} words[] = {
	{"AF_UNIX", 1},
	{"AF_INET", 2},
	{"AF_INET6", 10},
	{"AF_NETLINK", 16},
	{"NETLINK_ROUTE", 0},
	{"NETLINK_KOBJECT_UEVENT", 15},
	{"TIOCSTI", 0x5412},
	{"TIOCLINUX", 0x541c},
	{"TIOCCONS", 0x541d},
	{"TIOCSETD", 0x5423},
	{"TIOCGPGRP", 0x540f},
	{"TIOCSPGRP", 0x5410},
	{"TIOCGWINSZ", 0x5413},
	{"IPC_PRIVATE", 0},
	{"KCMP_FILE", 0},
	{"CLONE_NEWTIME", 0x80},
	{"CLONE_NEWNS", 0x00020000},
	{"CLONE_NEWCGROUP", 0x02000000},
	{"CLONE_NEWUTS", 0x04000000},
	{"CLONE_NEWIPC", 0x08000000},
	{"CLONE_NEWUSER", 0x10000000},
	{"CLONE_NEWPID", 0x20000000},
	{"CLONE_NEWNET", 0x40000000},
	{"PR_SET_PDEATHSIG", 1},
	{"PR_GET_PDEATHSIG", 2},
	{"PR_GET_DUMPABLE", 3},
	{"PR_SET_DUMPABLE", 4},
	{"PR_SET_NAME", 15},
	{"PR_GET_NAME", 16},
	{"PR_GET_SECCOMP", 21},
	{"PR_SET_SECCOMP", 22},
	{"PR_CAPBSET_READ", 23},
	{"PR_CAPBSET_DROP", 24},
	{"PR_GET_SECUREBITS", 27},
	{"PR_SET_TIMERSLACK", 29},
	{"PR_GET_TIMERSLACK", 30},
	{"PR_SET_CHILD_SUBREAPER", 36},
	{"PR_GET_CHILD_SUBREAPER", 37},
	{"PR_SET_NO_NEW_PRIVS", 38},
	{"PR_GET_NO_NEW_PRIVS", 39},
	{"PR_GET_TID_ADDRESS", 40},
	{"PR_SET_THP_DISABLE", 41},
	{"PR_GET_THP_DISABLE", 42},
	{"PR_CAP_AMBIENT", 47},
	{"PR_SVE_SET_VL", 50},
	{"PR_SVE_GET_VL", 51},
	{"PR_GET_SPECULATION_CTRL", 52},
	{"PR_SET_SPECULATION_CTRL", 53},
	{"PR_PAC_RESET_KEYS", 54},
	{"PR_SET_TAGGED_ADDR_CTRL", 55},
	{"PR_GET_TAGGED_ADDR_CTRL", 56},
	{"PR_PAC_SET_ENABLED_KEYS", 60},
	{"PR_PAC_GET_ENABLED_KEYS", 61},
	{"PR_SME_SET_VL", 63},
	{"PR_SME_GET_VL", 64},
	{"PR_SET_VMA", 0x53564d41},
	{"PR_SET_PTRACER", 0x59616d61},
};

static const struct {
	const char *name;
	uint32_t value;
} errors[] = {
	{"EPERM", 1},	{"ENOENT", 2},	{"EIO", 5},	{"EACCES", 13},
	{"EINVAL", 22}, {"ENOTTY", 25}, {"ENOSYS", 38}, {"EAFNOSUPPORT", 97},
};

static _Noreturn void puzzled(const char *what, const char *word)
{
	fprintf(stderr, "policy_naive: %s: %s\n", what, word ? word : "(nothing)");
	abort();
}

static uint64_t number(const char *word)
{
	char copy[200], *save = NULL, *part;
	uint64_t all = 0;
	size_t i;

	if (!word || strlen(word) >= sizeof(copy))
		puzzled("no value", word);
	strcpy(copy, word);
	for (part = strtok_r(copy, "|", &save); part; part = strtok_r(NULL, "|", &save)) {
		char *end;
		uint64_t v = strtoull(part, &end, 0);

		if (!*end) {
			all |= v;
			continue;
		}
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (!strcmp(words[i].name, part))
				break;
		if (i == sizeof(words) / sizeof(words[0]))
			puzzled("unknown word", part);
		all |= words[i].value;
	}
	return all;
}

/* -1: known to have none here (NAME?). */
static int64_t call(const struct naive *n, const char *word)
{
	char name[40];
	size_t len = strcspn(word, "=?");
	int nr;

	snprintf(name, sizeof(name), "%.*s", (int)len, word);
	if (word[len] == '=')
		return strtol(word + len + 1, NULL, 0);
	nr = seccomp_syscall_resolve_name_arch(n->aarch64 ? SCMP_ARCH_AARCH64 : SCMP_ARCH_X86_64,
					       name);
	if (nr < 0 && word[len] != '?')
		puzzled("unknown call", word);
	return nr < 0 ? -1 : nr;
}

static char **action(char **w, uint32_t *out)
{
	size_t i;

	if (!strcmp(*w, "allow")) {
		*out = SECCOMP_RET_ALLOW;
	} else if (!strcmp(*w, "kill")) {
		*out = SECCOMP_RET_KILL_PROCESS;
	} else if (!strcmp(*w, "errno") && *++w) {
		for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
			if (!strcmp(errors[i].name, *w))
				break;
		if (i == sizeof(errors) / sizeof(errors[0]))
			puzzled("unknown error", *w);
		*out = SECCOMP_RET_ERRNO | errors[i].value;
	} else {
		puzzled("unknown action", *w);
	}
	return w + 1;
}

static void tests(struct naive_rule *r, char **w)
{
	while (*w) {
		struct naive_test *t = &r->test[r->tests++];

		t->arg = (*w++)[3] - '0';
		t->mask = ~0ull;
		if (!strcmp(*w, "low32")) {
			t->mask = 0xffffffff;
			w++;
		} else if (!strcmp(*w, "&")) {
			t->mask = number(w[1]);
			w += 2;
		}
		if (!strcmp(*w, "in")) {
			while (*++w)
				t->value[t->values++] = number(*w);
			return;
		}
		if (strcmp(*w, "==") != 0)
			puzzled("no ==", *w);
		t->value[t->values++] = number(w[1]);
		w += 2;
		if (*w && strcmp(*w++, "&&") != 0)
			puzzled("no &&", w[-1]);
	}
}

static void add(struct naive *n, const char *word, uint32_t act, char **if_words)
{
	struct naive_rule *r;
	int64_t nr;
	int i;

	if (word[0] == '@') {
		for (i = 0; i < n->members; i++)
			if (!strcmp(n->member[i].name, word))
				add(n, n->member[i].word, act, if_words);
		return;
	}
	nr = call(n, word);
	if (nr < 0)
		return;
	if (n->rules == NAIVE_RULES)
		puzzled("too many rules", word);
	r = &n->rule[n->rules++];
	memset(r, 0, sizeof(*r));
	snprintf(r->name, sizeof(r->name), "%s", word);
	r->nr = (uint32_t)nr;
	r->action = act;
	tests(r, if_words);
}

static void read_file(struct naive *n, const char *path);

static void statement(struct naive *n, char **w, const char *path)
{
	char *name, copy[600], next[700], **end;
	uint32_t act;

	if (w[0][0] == '[') {
		bool last;

		w[0]++;
		do {
			size_t len = strlen(*w);

			last = (*w)[len - 1] == ']';
			if (last)
				(*w)[len - 1] = 0;
			if (!strcmp(*w, "x86_64")	 ? n->aarch64
			    : !strcmp(*w, "aarch64")	 ? !n->aarch64
			    : !strcmp(*w, "userns=deny") ? n->userns_allow
							 : !n->userns_allow)
				return;
			w++;
		} while (!last);
	}
	if (!strcmp(*w, "include")) {
		snprintf(copy, sizeof(copy), "%s", path);
		snprintf(next, sizeof(next), "%s/%s", dirname(copy), w[1]);
		read_file(n, next);
	} else if (!strcmp(*w, "role")) {
		n->supervisor = !strcmp(w[1], "supervisor");
	} else if (!strcmp(*w, "default")) {
		action(w + 1, &n->fallback);
	} else if (**w == '@') {
		for (name = *w, w += 2; *w; w++) {
			if (n->members == NAIVE_RULES)
				puzzled("too many members", name);
			snprintf(n->member[n->members].name, 40, "%s", name);
			snprintf(n->member[n->members++].word, 40, "%s", *w);
		}
	} else {
		w = action(w, &act);
		for (end = w; *end && strcmp(*end, "if") != 0; end++)
			;
		for (; w < end; w++)
			add(n, *w, act, *end ? end + 1 : end);
	}
}

static void read_lines(struct naive *n, FILE *f, const char *path)
{
	char line[4096], *w[300], *save, *word;
	int count;

	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "#\n")] = 0;
		count = 0;
		for (word = strtok_r(line, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
			w[count++] = word;
		w[count] = NULL;
		if (count)
			statement(n, w, path);
	}
}

static void read_file(struct naive *n, const char *path)
{
	FILE *f = fopen(path, "re");

	if (!f)
		puzzled("cannot open", path);
	read_lines(n, f, path);
	fclose(f);
}

void naive_load(struct naive *n, const char *path, bool aarch64, bool userns_allow)
{
	memset(n, 0, sizeof(*n));
	n->aarch64 = aarch64;
	n->userns_allow = userns_allow;
	read_file(n, path);
}

void naive_text(struct naive *n, const char *text, bool aarch64, bool userns_allow)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	if (!f)
		puzzled("no memory", "");
	memset(n, 0, sizeof(*n));
	n->aarch64 = aarch64;
	n->userns_allow = userns_allow;
	read_lines(n, f, "text");
	fclose(f);
}

static bool holds(const struct naive_test *t, const uint64_t args[6])
{
	int i;

	for (i = 0; i < t->values; i++)
		if ((args[t->arg] & t->mask) == t->value[i])
			return true;
	return false;
}

uint32_t naive_answer(const struct naive *n, uint32_t arch, uint32_t nr, const uint64_t args[6])
{
	int i, k;

	if (arch != (n->aarch64 ? AUDIT_ARCH_AARCH64 : AUDIT_ARCH_X86_64))
		return SECCOMP_RET_ERRNO | 38;
	if (!n->aarch64 && nr >= 0x40000000)
		return SECCOMP_RET_ERRNO | 38;
	for (i = 0; i < n->rules; i++) {
		if (n->rule[i].nr != nr)
			continue;
		for (k = 0; k < n->rule[i].tests; k++)
			if (!holds(&n->rule[i].test[k], args))
				break;
		if (k == n->rule[i].tests)
			return n->rule[i].action;
	}
	return n->fallback;
}

bool naive_is_plain(const struct naive *n, uint32_t nr)
{
	int i;

	for (i = 0; i < n->rules; i++)
		if (n->rule[i].nr == nr && n->rule[i].tests)
			return false;
	return true;
}
