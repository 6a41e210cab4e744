/* SPDX-License-Identifier: Apache-2.0 */
/* Becoming somebody else: ids, set-id programs, capabilities. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "escape.h"

static void is_root_now(struct run *r, const char *what)
{
	if (geteuid() == 0 || getuid() == 0)
		reached(r, "%s: uid %d, euid %d", what, (int)getuid(), (int)geteuid());
	blocked(r, "the kernel: %s changed nothing", what);
}

static void set_uid(struct run *r)
{
	long n = r->attempt->number;
	long result = n == SYS_setuid	  ? call(r, n, 0)
		      : n == SYS_setreuid ? call(r, n, 0, 0)
					  : call(r, n, 0, 0, 0);

	if (result < 0)
		refused(r);
	is_root_now(r, r->attempt->text);
}

static void set_gid(struct run *r)
{
	long n = r->attempt->number;
	long result = n == SYS_setgid ? call(r, n, 0) : call(r, n, 0, 0, 0);

	if (result < 0)
		refused(r);
	if (getegid() == 0)
		reached(r, "gid %d, egid 0", (int)getgid());
	blocked(r, "the kernel: it changed nothing");
}

static void set_groups(struct run *r)
{
	gid_t groups[2] = {0, 0};

	if (call(r, SYS_setgroups, 1, groups) < 0)
		refused(r);
	if (getgroups(2, groups) == 1 && groups[0] == 0)
		reached(r, "supplementary group 0");
	blocked(r, "the kernel: it changed nothing");
}

/* setfsuid knows no errors: a second call tells what holds. */
static void set_fsuid(struct run *r)
{
	long now;

	if (call(r, r->attempt->number, 0) < 0)
		refused(r);
	now = call(r, r->attempt->number, -1);
	if (now == 0)
		reached(r, "files are accessed as id 0");
	blocked(r, "the kernel: the id is still %ld", now);
}

/* Runs one of the helper programs, by its path or a descriptor; reads what it gained. */
static void run_helper(struct run *r, int *uid, int *gid, unsigned long long *caps)
{
	char path[256], buf[128] = "";
	int out[2], status;
	pid_t pid;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", r->config->helpers, r->attempt->text);
	if (access(path, X_OK) < 0)
		skip(r, "no %s (escape --prepare=DIR)", path);
	if (pipe(out) < 0)
		broken(r, "pipe: %s", errno_name(errno));
	pid = fork();
	if (pid == 0) {
		char *argv[] = {path, (char[]){"--gain"}, NULL};

		(void)dup2(out[1], STDOUT_FILENO);
		if (r->attempt->number) {
			int fd = open(path, O_RDONLY | O_CLOEXEC);

			(void)syscall(SYS_execveat, fd, "", argv, NULL, 0x1000 /* AT_EMPTY_PATH */);
			(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		}
		execve(path, argv, (char *[]){NULL});
		_exit(errno);
	}
	close(out[1]);
	n = read(out[0], buf, sizeof(buf) - 1);
	(void)waitpid(pid, &status, 0);
	if (n <= 0 || sscanf(buf, "%d %d %llx", uid, gid, caps) != 3)
		blocked(r, "exec %s (an effective file capability that cannot be given)",
			errno_name(WEXITSTATUS(status)));
}

static void set_id_program(struct run *r)
{
	char path[256];
	struct stat st;
	int uid, gid;
	unsigned long long caps;

	run_helper(r, &uid, &gid, &caps);
	(void)snprintf(path, sizeof(path), "%s/%s", r->config->helpers, r->attempt->text);
	if (stat(path, &st) == 0 && !(st.st_mode & (S_ISUID | S_ISGID)) &&
	    strcmp(r->attempt->text, "capable") != 0)
		broken(r, "%s has lost its set-id bit", path);
	if (caps & ~r->config->effective)
		reached(r, "capabilities %llx", caps & ~r->config->effective);
	if (uid != (int)geteuid())
		reached(r, "euid %d", uid);
	if (gid != (int)getegid())
		reached(r, "egid %d", gid);
	if (r->config->effective)
		blocked(r, "nothing: there is no more to gain than is held already");
	blocked(r, "%s",
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? "no_new_privs"
							    : "the mount or the bounding set");
}

static long set_caps(struct run *r, unsigned int permitted, unsigned int inheritable)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = permitted, .permitted = permitted, .inheritable = inheritable}};

	return call(r, SYS_capset, &head, data);
}

static void capset_raise(struct run *r)
{
	if (r->config->effective)
		reached(r, "capabilities %llx are held already", r->config->effective);
	if (set_caps(r, 1U << CAP_SYS_CHROOT | 1U << CAP_NET_RAW, 0) < 0)
		refused(r);
	if (status_value("self", "CapEff", 16) != 0)
		reached(r, "capabilities %llx", status_value("self", "CapEff", 16));
	blocked(r, "the kernel: capset changed nothing");
}

static void ambient_raise(struct run *r)
{
	(void)set_caps(r, (unsigned int)r->config->effective, 1U << CAP_NET_RAW);
	if (call(r, SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) < 0)
		refused(r);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0) == 1)
		reached(r, "CAP_NET_RAW is ambient");
	blocked(r, "the kernel: it is not set");
}

static void inheritable_raise(struct run *r)
{
	long long before = status_value("self", "CapInh", 16);

	if (set_caps(r, (unsigned int)r->config->effective, ~0U) < 0)
		refused(r);
	if (status_value("self", "CapInh", 16) & ~before)
		reached(r, "inheritable %llx", status_value("self", "CapInh", 16));
	blocked(r, "the kernel: capset changed nothing");
}

static void securebits_clear(struct run *r)
{
	if (call(r, SYS_prctl, PR_SET_SECUREBITS, SECBIT_KEEP_CAPS) < 0)
		refused(r);
	reached(r, "securebits are %x", (unsigned int)prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
}

static void keep_caps(struct run *r)
{
	if (call(r, SYS_prctl, PR_SET_KEEPCAPS, 1) < 0)
		refused(r);
	reached(r, "capabilities would outlast a change of the uid");
}

static void no_new_privs_off(struct run *r)
{
	long tried = call(r, SYS_prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		reached(r, "no_new_privs is not set");
	if (tried < 0)
		refused(r);
	blocked(r, "the kernel: it is still set");
}

static void bounding_add(struct run *r)
{
	/* There is no call for it; an exec with file capabilities shows what it leaves. */
	if (call(r, SYS_prctl, PR_CAPBSET_DROP, CAP_SYS_ADMIN) < 0)
		refused(r);
	reached(r, "CAP_SETPCAP is held");
}

static void make_capable(struct run *r)
{
	struct vfs_cap_data caps = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
				    .data = {{.permitted = 1U << CAP_SYS_ADMIN}, {0}}};
	char path[] = "/tmp/escape-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		skip(r, "/tmp: %s", errno_name(errno));
	(void)unlink(path);
	if (call(r, SYS_fsetxattr, fd, "security.capability", &caps, sizeof(caps), 0) < 0)
		refused(r);
	reached(r, "a file of its own carries CAP_SYS_ADMIN");
}

static void give_away(struct run *r)
{
	char path[] = "/tmp/escape-XXXXXX";
	struct stat st = {.st_uid = geteuid()};
	int fd = mkstemp(path);

	if (fd < 0)
		skip(r, "/tmp: %s", errno_name(errno));
	(void)unlink(path);
	if (call(r, SYS_fchown, fd, geteuid() ? 0 : 1234, -1) < 0)
		refused(r);
	if (fstat(fd, &st) == 0 && st.st_uid != geteuid())
		reached(r, "a file of its own now belongs to uid %d", (int)st.st_uid);
	blocked(r, "the kernel: the owner is the same");
}

#define ID(name, what, nr)                                          \
	{                                                           \
		"identity." name, what, set_uid, nr, name, BLOCK, 0 \
	}

const struct attempt attempts_identity[] = {
	ID("setuid", "setuid(0)", SYS_setuid),
	ID("setreuid", "setreuid(0, 0)", SYS_setreuid),
	ID("setresuid", "setresuid(0, 0, 0)", SYS_setresuid),
	{"identity.setgid", "setgid(0)", set_gid, SYS_setgid, NULL, BLOCK, 0},
	{"identity.setresgid", "setresgid(0, 0, 0)", set_gid, SYS_setresgid, NULL, BLOCK, 0},
	{"identity.setgroups", "setgroups({0})", set_groups, 0, NULL, BLOCK, 0},
	{"identity.setfsuid", "setfsuid(0)", set_fsuid, SYS_setfsuid, NULL, BLOCK, 0},
	{"identity.setfsgid", "setfsgid(0)", set_fsuid, SYS_setfsgid, NULL, BLOCK, 0},
	{"identity.setuid-program", "exec a set-user-id root program", set_id_program, 0, "setuid",
	 BLOCK, 0},
	{"identity.setgid-program", "exec a set-group-id root program", set_id_program, 0, "setgid",
	 BLOCK, 0},
	{"identity.file-capabilities", "exec a program with file capabilities", set_id_program, 0,
	 "capable", BLOCK, 0},
	{"identity.setuid-by-descriptor", "exec a set-user-id program through a descriptor",
	 set_id_program, 1, "setuid", BLOCK, 0},
	{"identity.capset", "raise capabilities with capset", capset_raise, 0, NULL, BLOCK, 0},
	{"identity.ambient", "raise an ambient capability", ambient_raise, 0, NULL, BLOCK, 0},
	{"identity.inheritable", "raise inheritable capabilities", inheritable_raise, 0, NULL,
	 BLOCK, 0},
	{"identity.securebits", "clear the securebits", securebits_clear, 0, NULL, BLOCK, 0},
	{"identity.keepcaps", "PR_SET_KEEPCAPS", keep_caps, 0, NULL, LATENT, 0},
	{"identity.no-new-privs", "take no_new_privs back", no_new_privs_off, 0, NULL, BLOCK, 0},
	{"identity.bounding", "change the bounding set", bounding_add, 0, NULL, BLOCK, 0},
	{"identity.make-capable", "give a file capabilities", make_capable, 0, NULL, BLOCK, 0},
	{"identity.give-away", "chown a file to another user", give_away, 0, NULL, BLOCK, 0},
	{0},
};
