/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "audit_bpf.h"
#include "environment.h"
#include "finding.h"
#include "sys.h"
#include "text.h"

#define STEP "sandbox"
#define HINT "--userns=allow leaves it on, with what it needs of the container"
#define WEBKIT_VARIABLE "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS"
/* Of a program's file, bytes: the names of the libraries it is linked against. */
#define NAMES_WITHIN 1048576

static const char *const library_directories[] = {
#ifdef __x86_64__
	"/usr/lib/x86_64-linux-gnu/",
#else
	"/usr/lib/aarch64-linux-gnu/",
#endif
	"/usr/lib64/",
	"/usr/lib/",
	"/app/lib/",
};
static const char *const webkit_libraries[] = {"libwebkitgtk-6.0.so.4", "libwebkit2gtk-4.1.so.0"};

bool engine_lacks_namespaces(const struct policy *p)
{
	struct seccomp_data data = {.nr = SYS_unshare, .args = {CLONE_NEWUSER}};

	if (!p)
		return false;
	data.arch = p->arch;
	return (audit_bpf_answer(p->code, &data) & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ALLOW;
}

static bool is_there(const char *directory, size_t len, const char *name)
{
	char path[PATH_MAX];

	if (len + strlen(name) >= sizeof(path))
		return false;
	memcpy(path, directory, len);
	memcpy(path + len, name, strlen(name) + 1);
	return access(path, F_OK) == 0;
}

/* A copy of a list with a word put in at a place; the list itself where there is no memory. */
static char **with(char **list, size_t at, const char *word)
{
	size_t count = 0;
	char **copy;

	while (list[count])
		count++;
	copy = mmap(NULL, (count + 2) * sizeof(*copy), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		return list;
	memcpy(copy, list, at * sizeof(*copy));
	copy[at] = (char *)(uintptr_t)word; /* execve(2) does not write to it */
	memcpy(copy + at + 1, list + at, (count - at) * sizeof(*copy));
	return copy;
}

static bool has_webkit(void)
{
	for (size_t i = 0; i < sizeof(library_directories) / sizeof(library_directories[0]); i++)
		for (size_t k = 0; k < sizeof(webkit_libraries) / sizeof(webkit_libraries[0]); k++)
			if (is_there(library_directories[i], strlen(library_directories[i]),
				     webkit_libraries[k]))
				return true;
	return false;
}

/*
 * May this program use the library? A script may start whatever it likes. A binary names what it
 * loads, and linkers put these names at its beginning. What cannot be read may.
 */
static bool may_use_webkit(const char *path)
{
	static const char name[] = "libwebkit";
	const size_t keep = sizeof(name) - 2;
	char part[4096];
	size_t held = 0;
	bool found = false;
	ssize_t n;
	/* A pipe that somebody has put there must not hold it up. */
	int fd = sys_open(path, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return true;
	for (size_t total = 0; !found && total < NAMES_WITHIN; total += (size_t)n) {
		n = read(fd, part + held, sizeof(part) - held);
		if (n <= 0)
			break;
		found = !total && n > 1 && part[0] == '#' && part[1] == '!';
		held += (size_t)n;
		for (size_t i = 0; !found && i + keep < held; i++)
			found = !memcmp(part + i, name, sizeof(name) - 1);
		if (held > keep) {
			memmove(part, part + held - keep, keep);
			held = keep;
		}
	}
	close(fd);
	return found;
}

char **engine_environment(const char *path, char **env)
{
	static const char what[] = "WebKitGTK does without its own, it may not make namespaces";

	if (environment_get(env, WEBKIT_VARIABLE) || !has_webkit())
		return env;
	if (may_use_webkit(path))
		log_warn(STEP, 0, what, NULL, HINT);
	else
		log_info(STEP, what, NULL);
	return with(env, 0, WEBKIT_VARIABLE "=1");
}

static bool is_chromium(const char *path)
{
	char link[32];
	char file[PATH_MAX];
	struct text t;
	const char *name;
	ssize_t n;
	int fd = sys_open(path, O_PATH);

	if (fd < 0)
		return false;
	text_begin(&t, link, sizeof(link));
	text_str(&t, "/proc/self/fd/");
	text_num(&t, (uint64_t)fd);
	n = readlink(link, file, sizeof(file) - 1);
	close(fd);
	if (n <= 0)
		return false;
	file[n] = '\0';
	name = strrchr(file, '/');
	if (!name)
		return false;
	name++;
	/* Distributions start it by a script elsewhere. */
	return !strcmp(name, "chromium") || is_there(file, (size_t)(name - file), "libcef.so") ||
	       is_there(file, (size_t)(name - file), "chrome-sandbox");
}

char **engine_arguments(const char *path, char **argv)
{
	static const char off[] = "--no-sandbox";

	if (!is_chromium(path))
		return argv;
	for (char **word = argv; *word; word++)
		if (!strcmp(*word, off))
			return argv;
	log_warn(STEP, 0, "Chromium does without its own, it may not make namespaces", NULL, HINT);
	return with(argv, 1, off);
}
