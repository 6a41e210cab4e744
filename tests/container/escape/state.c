/* SPDX-License-Identifier: Apache-2.0 */
/* What the confinement left behind: nothing is called, only looked at. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escape.h"

static void held(struct run *r)
{
	long long value = status_value("self", r->attempt->text, 16);

	if (value < 0)
		broken(r, "%s is not in /proc/self/status", r->attempt->text);
	if (value)
		reached(r, "%s %llx", r->attempt->text, value);
	blocked(r, "an empty %s", r->attempt->text);
}

static void root_uid(struct run *r)
{
	if (!getuid() || !geteuid())
		reached(r, "uid %d, euid %d", (int)getuid(), (int)geteuid());
	blocked(r, "uid %d", (int)getuid());
}

static void root_gid(struct run *r)
{
	if (!getgid() || !getegid())
		reached(r, "gid %d, egid %d", (int)getgid(), (int)getegid());
	blocked(r, "gid %d", (int)getgid());
}

/* Groups that own device nodes are meant to be there; root's and everybody else's are not. */
static void groups(struct run *r)
{
	gid_t list[64];
	int n = getgroups(64, list);

	for (int i = 0; i < n; i++)
		if (list[i] == 0 || list[i] == 42 || list[i] == 65534)
			reached(r, "supplementary group %d of %d", (int)list[i], n);
	if (n < 0)
		broken(r, "getgroups: %s", errno_name(errno));
	blocked(r, "%d supplementary groups, none of them a system's", n);
}

static void bounding(struct run *r)
{
	long long set = status_value("self", "CapBnd", 16);

	if (set)
		reached(r, "CapBnd %llx: what a set-id program could still gain", set);
	blocked(r, "an empty CapBnd");
}

static void securebits(struct run *r)
{
	unsigned int bits = (unsigned int)prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
	const unsigned int want = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
				  SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
				  SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	if ((bits & want) != want)
		reached(r, "securebits %x: uid 0 would bring capabilities with it", bits);
	blocked(r, "locked securebits %x", bits);
}

static void no_new_privs(struct run *r)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		reached(r, "not set: an exec may raise privileges");
	blocked(r, "no_new_privs");
}

static void filter(struct run *r)
{
	if (r->config->seccomp_mode != 2)
		reached(r, "every system call of the kernel");
	blocked(r, "a seccomp filter");
}

static void outlives(struct run *r)
{
	if (r->config->pdeathsig != SIGKILL)
		reached(r, "parent-death signal %d: it outlives its supervisor",
			r->config->pdeathsig);
	blocked(r, "the parent-death signal SIGKILL");
}

/* CVE-2024-21626: a descriptor left open is a door, most of all a directory's. */
static void descriptors(struct run *r)
{
	for (int i = 0; i < r->config->inherited_count; i++) {
		char path[40], target[120];
		ssize_t n;
		int fd = r->config->inherited[i];
		int inside = openat(fd, ".", O_PATH | O_DIRECTORY);

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		reached(r, "descriptor %d of %d is open: %s%s", fd, r->config->inherited_count,
			target, inside >= 0 ? ", a directory" : "");
	}
	blocked(r, "no descriptor above 2 at the start");
}

static void working_directory(struct run *r)
{
	char path[4096];
	long n = call(r, SYS_getcwd, path, sizeof(path));

	if (n > 0 && path[0] != '/')
		reached(r, "the working directory is outside of the root: %.80s", path);
	if (n < 0)
		reached(r, "the working directory has no name: %s", errno_name(errno));
	blocked(r, "a working directory inside: %.80s", path);
}

static void environment(struct run *r)
{
	/* What PID 1 was given as a secret, is it in the application's hands? */
	char buf[8192];
	ssize_t n = slurp("/proc/self/environ", buf, sizeof(buf));

	if (n < 0)
		broken(r, "/proc/self/environ: %s", errno_name((int)-n));
	for (char *at = buf; at < buf + n; at += strlen(at) + 1)
		if (!strncmp(at, "LD_PRELOAD=", 11) || !strncmp(at, "LD_LIBRARY_PATH=", 16))
			reached(r, "%.60s", at);
	blocked(r, "no loader variables in the environment");
}

static void tracer(struct run *r)
{
	if (status_value("self", "TracerPid", 10) != 0)
		reached(r, "traced by %lld", status_value("self", "TracerPid", 10));
	blocked(r, "no tracer");
}

/* Of the supervisor's status everything can be read; what is worth taking over? */
static void supervisor(struct run *r)
{
	const char *key = r->attempt->text;
	bool set = !strncmp(key, "Cap", 3);
	char pid[16];
	long long value;

	if (r->config->parent < 1)
		skip(r, "it has no parent here");
	(void)snprintf(pid, sizeof(pid), "%d", (int)r->config->parent);
	value = status_value(pid, key, set ? 16 : 10);
	if (value < 0)
		broken(r, "/proc/%s/status: %s", pid, errno_name((int)-value));
	/* number: for sets what may be in it, for the others what must be. */
	if (set ? value & ~r->attempt->number : value != r->attempt->number)
		reached(r, "its supervisor, process %s, has %s %llx", pid, key, value);
	blocked(r, "%s %llx of its supervisor", key, value);
}

#define BIT(cap) (1L << (cap))
#define TO_LOOK_AFTER (BIT(CAP_KILL) | BIT(CAP_SYS_BOOT))
#define TO_LAUNCH (BIT(CAP_KILL) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP))

const struct attempt attempts_state[] = {
	{"state.uid", "runs as root", root_uid, 0, NULL, BLOCK, 0},
	{"state.gid", "runs with group 0", root_gid, 0, NULL, BLOCK, 0},
	{"state.groups", "kept supplementary groups of the system", groups, 0, NULL, BLOCK, 0},
	{"state.effective", "holds effective capabilities", held, 0, "CapEff", BLOCK, 0},
	{"state.permitted", "holds permitted capabilities", held, 0, "CapPrm", BLOCK, 0},
	{"state.ambient", "holds ambient capabilities", held, 0, "CapAmb", BLOCK, 0},
	{"state.inheritable", "holds inheritable capabilities", held, 0, "CapInh", LATENT, 0},
	{"state.bounding", "holds a bounding set", bounding, 0, NULL, LATENT, 0},
	{"state.securebits", "uid 0 would mean capabilities", securebits, 0, NULL, LATENT, 0},
	{"state.no-new-privs", "an exec may raise privileges", no_new_privs, 0, NULL, LATENT, 0},
	{"state.filter", "runs without a system call filter", filter, 0, NULL, LATENT, 0},
	{"state.parent-death", "outlives its supervisor", outlives, 0, NULL, LATENT, 0},
	{"state.descriptors", "was left open descriptors", descriptors, 0, NULL, BLOCK, 0},
	{"state.directory", "was left a working directory outside", working_directory, 0, NULL,
	 BLOCK, 0},
	{"state.supervisor-capabilities", "its supervisor kept capabilities", supervisor,
	 TO_LOOK_AFTER, "CapPrm", LATENT, 0},
	{"state.supervisor-bounding", "its supervisor kept a bounding set", supervisor, TO_LAUNCH,
	 "CapBnd", LATENT, 0},
	{"state.supervisor-filter", "its supervisor runs without a filter", supervisor, 2,
	 "Seccomp", LATENT, 0},
	{"state.supervisor-no-new-privs", "its supervisor may raise privileges", supervisor, 1,
	 "NoNewPrivs", LATENT, 0},
	{"state.loader", "was left loader variables", environment, 0, NULL, LATENT, 0},
	{"state.tracer", "is traced", tracer, 0, NULL, LATENT, 0},
	{0},
};
