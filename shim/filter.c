/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/file.h"
#include "sys.h"

#define STEP "policy"

/* A policy from a file, mapped: PID 1 pays for it only when there is one. */
struct file_policy {
	struct policy policy;
	struct policy_file_header head;
	struct sock_filter code[POLICY_MAX_INSNS];
};

static int read_file(const char *path, const struct policy **out, struct finding *f)
{
	struct file_policy *file;
	const char *why = "cannot read";
	int fd = sys_open(path, O_RDONLY | O_NONBLOCK);
	int r;

	if (fd < 0)
		return finding_set(f, EXIT_CONFINE, STEP, -fd, "cannot open", path,
				   "name a built-in policy, or a file that stremio-policy "
				   "compiled");
	file = mmap(NULL, sizeof(*file), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (file == MAP_FAILED) {
		r = finding_set(f, EXIT_CONFINE, STEP, errno, "no memory for", path, NULL);
		close(fd);
		return r;
	}
	r = policy_file_read(fd, policy_native_arch(), geteuid(), &file->policy, &file->head,
			     file->code, &why);
	close(fd);
	if (r < 0)
		return finding_set(f, EXIT_CONFINE, STEP, -r, why, path,
				   "compile it anew with stremio-policy; it must be root's and "
				   "writable by nobody else");
	if (file->policy.flags & POLICY_SUPERVISOR)
		return finding_set(f, EXIT_CONFINE, STEP, EPERM, "is for a supervisor only:", path,
				   "a policy for an application must allow execve");
	*out = &file->policy;
	return 0;
}

static bool is_file(const char *name)
{
	size_t len = strlen(name);

	return strchr(name, '/') || (len > 4 && !strcmp(name + len - 4, ".bpf"));
}

int filter_choose(const struct options *o, const struct policy **out, struct finding *f)
{
	*out = NULL;
	if (!strcmp(o->policy, "none")) {
		if (o->audit)
			return finding_set(f, EXIT_USAGE, STEP, 0,
					   "--audit has nothing to name with --policy=none", NULL,
					   "leave one of them out");
		return 0;
	}
	if (is_file(o->policy))
		return read_file(o->policy, out, f);
	*out = policy_builtin(o->policy, o->userns_allow ? "allow" : "deny");
	if (!*out || (*out)->flags & POLICY_SUPERVISOR)
		return finding_set(f, EXIT_USAGE, STEP, 0, "no such policy:", o->policy,
				   "stremio, server, none, or the path of a compiled file");
	return 0;
}

int filter_load(const struct policy *p, struct finding *f)
{
	/* The kernel only reads the code; its structure knows no const. */
	struct sock_fprog prog = {.len = p->count,
				  .filter = (struct sock_filter *)(uintptr_t)p->code};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return finding_set(f, EXIT_CONFINE, "filter", errno,
				   "the kernel does not load the policy", p->name,
				   "CONFIG_SECCOMP_FILTER is needed, or --policy=none");
	return 0;
}

static int answers(uint32_t nr, int want, const struct policy *p, struct finding *f)
{
	if (nr == POLICY_NO_CANARY)
		return 0;
	if (sys_quietly((long)nr) == -want)
		return 0;
	return finding_set(f, EXIT_CONFINE, "filter", EPERM,
			   "does not answer as compiled:", p->name,
			   "nothing was started; compile the policy anew");
}

int filter_try(const struct policy *p, struct finding *f)
{
	int r = answers(p->canary_enosys, ENOSYS, p, f);

	return r < 0 ? r : answers(p->canary_eperm, EPERM, p, f);
}
