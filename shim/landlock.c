/* SPDX-License-Identifier: Apache-2.0 */
#include "landlock.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "environment.h"
#include "landlock_rules.h"
#include "path.h"
#include "sys.h"
#include "text.h"

#define STEP "landlock"

/* The same numbers on every architecture, linux/unistd.h. */
#define NR_CREATE_RULESET 444
#define NR_ADD_RULE 445
#define NR_RESTRICT_SELF 446

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1
#define SCOPE_ABSTRACT_UNIX_SOCKET 1u /* 6 */
#define SCOPE_SIGNAL 2u		      /* 6 */

/* struct landlock_ruleset_attr; older kernels take its beginning. */
struct ruleset {
	uint64_t fs;
	uint64_t net; /* 4; not used: torrents connect anywhere, and UDP is not covered */
	uint64_t scoped;
};

struct path_beneath {
	uint64_t access;
	int32_t parent_fd;
} __attribute__((packed));

/*
 * What rules were made of and is not needed any more, in the order in which it was opened. Closed
 * many at a time: each close(2) of its own would be one system call in three.
 */
#define OPENED_MAX 64

struct opened {
	int first; /* 0: none */
	int last;
};

struct building {
	int ruleset;
	struct opened opened;
	uint64_t handled;
	struct stat root;   /* of "/" */
	bool root_readable; /* "/" itself was granted */
	struct finding *f;
};

int landlock_abi(void)
{
	long abi = syscall(NR_CREATE_RULESET, NULL, 0UL, CREATE_RULESET_VERSION);

	if (abi < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	return (int)abi;
}

const char *landlock_lacks(int abi)
{
	switch (abi) {
	case 0:
		return "files at all (it is not built in or not enabled)";
	case 1:
		return "renaming across directories, truncating, device control, signals, "
		       "abstract sockets";
	case 2:
		return "truncating, device control, signals, abstract sockets";
	case 3:
	case 4:
		return "device control, signals, abstract sockets";
	case 5:
		return "signals, abstract sockets";
	default:
		return NULL;
	}
}

int landlock_check(const struct options *o, int *abi, struct finding *f)
{
	const char *lacks;
	char what[160];
	struct text t;

	*abi = 0;
	if (o->landlock == LANDLOCK_OFF)
		return 0;
	if (o->userns_allow) {
		if (o->landlock == LANDLOCK_REQUIRE)
			return finding_set(f, EXIT_USAGE, STEP, 0,
					   "excludes the mounts of a nested sandbox", NULL,
					   "--userns=deny, or --landlock=off");
		log_warn(STEP, 0, "is off, for a nested sandbox mounts file systems", NULL,
			 "--userns=deny has Landlock instead");
		return 0;
	}
	*abi = landlock_abi();
	if (*abi < 0)
		return finding_set(f, EXIT_CONFINE, STEP, -*abi, "cannot ask the kernel for it",
				   NULL, "--landlock=off, if it must be");
	lacks = landlock_lacks(*abi);
	if (!lacks)
		return 0;
	text_begin(&t, what, sizeof(what));
	text_str(&t, "this kernel cannot restrict ");
	text_str(&t, lacks);
	if (o->landlock == LANDLOCK_REQUIRE)
		return finding_set(f, EXIT_CONFINE, STEP, EOPNOTSUPP, what, NULL,
				   "Linux 6.12 or newer with lsm=landlock, or --landlock=auto");
	log_warn(STEP, 0, what, NULL, NULL);
	return 0;
}

static uint64_t handled_fs(int abi)
{
	uint64_t fs = FS_ABI_1;

	if (abi >= 2)
		fs |= FS_REFER;
	if (abi >= 3)
		fs |= FS_TRUNCATE;
	if (abi >= 5)
		fs |= FS_IOCTL_DEV;
	return fs;
}

static size_t ruleset_size(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset);
	return abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

/* The number of a display on this machine; a remote one has no socket here. */
static const char *local_display(char **env)
{
	const char *display = environment_get(env, "DISPLAY");

	if (display && !strncmp(display, "unix", 4))
		display += display[4] == '/' ? 5 : 4;
	return display && display[0] == ':' && display[1] >= '0' && display[1] <= '9' ? display + 1
										      : NULL;
}

/* Does another user's process answer there? Return: 0, or the errno value of why not. */
static int ask(const struct sockaddr_un *addr, socklen_t size)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)addr, size) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		err = errno;
	/* One of the application's own could be there to have the scope lifted. */
	else if (peer.uid == getuid())
		err = EADDRINUSE;
	close(fd);
	return err;
}

/* libxcb tries the abstract socket first, and EPERM there ends its search. */
static int ask_x_server(char **env)
{
	static const char prefix[] = "/tmp/.X11-unix/X";
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *number = local_display(env);
	size_t len = sizeof(prefix) - 1;

	if (!number)
		return ENOENT;
	memcpy(addr.sun_path + 1, prefix, len);
	while (*number >= '0' && *number <= '9' && len + 2 < sizeof(addr.sun_path))
		addr.sun_path[1 + len++] = *number++;
	return ask(&addr, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len));
}

bool landlock_hides_display(char **env)
{
	return ask_x_server(env) == EPERM;
}

static int refused(struct building *b, int err, const char *what, const char *path)
{
	return finding_set(b->f, EXIT_CONFINE, STEP, err, what, path,
			   "--rw and --ro name what the application's user can reach");
}

static int create(struct building *b, int abi, char **env)
{
	struct ruleset set = {.fs = handled_fs(abi)};

	if (abi >= 6)
		set.scoped = SCOPE_SIGNAL | SCOPE_ABSTRACT_UNIX_SOCKET;
	if (abi >= 6 && ask_x_server(env) == 0) {
		set.scoped &= ~SCOPE_ABSTRACT_UNIX_SOCKET;
		log_warn(STEP, 0, "leaves abstract sockets alone, the X server listens on one",
			 NULL, "start the X server with -nolisten local");
	}
	if (sys_stat("/", &b->root) < 0)
		return refused(b, errno, "cannot look at", "/");
	b->handled = set.fs;
	b->ruleset = (int)syscall(NR_CREATE_RULESET, &set, ruleset_size(abi), 0u);
	if (b->ruleset < 0)
		return finding_set(b->f, EXIT_CONFINE, STEP, errno, "cannot create a ruleset", NULL,
				   "--landlock=off, if it must be");
	return 0;
}

/* Is it simply not there, or out of the user's reach? Then it needs no rule. */
static bool is_absent(int err)
{
	return err == ENOENT || err == ENOTDIR || err == EACCES || err == ELOOP;
}

static int add_beneath(const struct building *b, int fd, uint32_t access)
{
	struct path_beneath rule = {.access = access & b->handled, .parent_fd = fd};

	return syscall(NR_ADD_RULE, b->ruleset, RULE_PATH_BENEATH, &rule, 0u) < 0 ? -errno : 0;
}

static int add_rule(struct building *b, int fd, const char *path, uint32_t access)
{
	int r = add_beneath(b, fd, access);
	struct stat st;

	/* Rights for directories are refused on what is none, as /app may be. */
	if (r == -EINVAL && access & ~(uint32_t)FS_OF_FILES && sys_fstat(fd, &st) == 0 &&
	    !S_ISDIR(st.st_mode))
		r = add_beneath(b, fd, access & FS_OF_FILES);
	return r < 0 ? refused(b, -r, "cannot add a rule for", path) : 0;
}

static int add_opened(struct building *b, int fd, const char *path, uint32_t access, bool required)
{
	struct stat st;
	bool root;

	if (sys_fstat(fd, &st) < 0)
		return refused(b, errno, "cannot look at", path);
	root = st.st_dev == b->root.st_dev && st.st_ino == b->root.st_ino;
	/* All of the container only for those who ask for it, not for a `./command`. */
	if (root && !required)
		return 0;
	if (root && access & FS_WRITE_FILE)
		return finding_set(b->f, EXIT_CONFINE, STEP, 0, "would open everything:", path,
				   "name less, or say --landlock=off");
	b->root_readable |= root;
	return add_rule(b, fd, path, S_ISDIR(st.st_mode) ? access : access & FS_OF_FILES);
}

static void close_opened(struct opened *o)
{
	if (o->first && syscall(SYS_close_range, o->first, o->last, 0u) < 0)
		for (int fd = o->first; fd <= o->last; fd++)
			close(fd);
	o->first = 0;
}

/* They must be in a row, with nobody else's between them. */
static void done_with(struct opened *o, int fd)
{
	if (o->first && (fd != o->last + 1 || fd - o->first >= OPENED_MAX))
		close_opened(o);
	if (!o->first)
		o->first = fd;
	o->last = fd;
}

/* The table names the system's own places; all others may lie in the application's. */
static int open_place(struct opened *o, const char *path, bool fixed)
{
	int fd = fixed ? sys_open(path, O_PATH) : path_open(path);

	if (fd != -EMFILE || !o->first)
		return fd;
	close_opened(o);
	return fixed ? sys_open(path, O_PATH) : path_open(path);
}

static int add(void *context, const char *path, uint32_t access, enum landlock_origin origin)
{
	struct building *b = context;
	bool fixed = origin == LANDLOCK_FIXED;
	bool required = origin == LANDLOCK_REQUIRED;
	int fd = open_place(&b->opened, path, fixed);
	int r;

	if (fd < 0)
		return required || !is_absent(-fd) ? refused(b, -fd, "cannot open", path) : 0;
	r = fixed ? add_rule(b, fd, path, access) : add_opened(b, fd, path, access, required);
	done_with(&b->opened, fd);
	return r;
}

/*
 * Proof that it took: something that was allowed before and is not any more. That is
 * reading the root directory, or, where this was granted or its mode forbids it, making a
 * whiteout (character device 0, which the kernel leaves to everybody): no rule ever
 * allows it. Both return 0 or the errno value.
 */
static int read_root(void)
{
	int fd = sys_open("/", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return -fd;
	close(fd);
	return 0;
}

static int make_whiteout(void)
{
	char path[64];
	struct text t;

	text_begin(&t, path, sizeof(path));
	text_str(&t, "/tmp/.stremio-shim-");
	text_num(&t, (uint64_t)getpid());
	/* One that was killed right here has left its own, and process numbers come again. */
	(void)unlink(path);
	if (syscall(SYS_mknodat, AT_FDCWD, path, S_IFCHR | 0600, 0) < 0)
		return errno;
	(void)unlink(path);
	return 0;
}

static int restrict_self(struct building *b)
{
	int (*probe)(void) = read_root;
	int denied;

	if (b->root_readable || probe() != 0)
		probe = make_whiteout;
	if (probe() != 0)
		return finding_set(b->f, EXIT_CONFINE, STEP, 0,
				   "cannot be tried, neither / nor /tmp is open to the application",
				   NULL, "chmod 1777 /tmp, or drop --ro=/");
	if (syscall(NR_RESTRICT_SELF, b->ruleset, 0u) < 0)
		return finding_set(b->f, EXIT_CONFINE, STEP, errno, "cannot be put in force", NULL,
				   errno == E2BIG ? "too many sandboxes within each other" : NULL);
	denied = probe();
	if (denied == EACCES)
		return 0;
	return finding_set(b->f, EXIT_CONFINE, STEP, denied ? denied : EPERM,
			   "does not deny what it should", NULL,
			   "nothing was started; report this with `uname -r`");
}

int landlock_confine(const struct options *o, int abi, char **env, struct finding *f)
{
	struct building b = {.f = f};
	int r;

	if (!abi)
		return 0;
	r = create(&b, abi, env);
	if (r < 0)
		return r;
	r = landlock_rules_each(o, env, add, &b);
	close_opened(&b.opened);
	if (r == 0)
		r = restrict_self(&b);
	close(b.ruleset);
	return r;
}
