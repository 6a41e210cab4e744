/* SPDX-License-Identifier: Apache-2.0 */
#include "args_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "sys.h"

#define STEP "args-file"
#define WORDS_MAX 4096

/* Mapped rather than static: PID 1 pays for it only when there is such a file. */
struct args {
	char *words[WORDS_MAX];
	char text[OPTIONS_ARGS_MAX + 1];
};

int args_file_split(char *buf, size_t len, char **words, size_t max)
{
	size_t count = 0;
	char *line = buf;
	char *end = buf + len;

	if (memchr(buf, '\0', len))
		return -EINVAL;
	*end = '\n';
	while (line < end) {
		char *next = memchr(line, '\n', (size_t)(end - line) + 1);

		*next = '\0';
		if (*line && *line != '#') {
			if (count + 1 >= max)
				return -E2BIG;
			words[count++] = line;
		}
		line = next + 1;
	}
	words[count] = NULL;
	return (int)count;
}

static int unreadable(struct finding *f, int err, const char *path)
{
	return finding_set(f, EXIT_SETUP, STEP, err, "cannot read", path,
			   "a regular file that root inside the container can read, up to 64 KiB");
}

static ssize_t read_whole(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static int check(int fd)
{
	struct stat st;

	if (sys_fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	return st.st_size > OPTIONS_ARGS_MAX ? -EFBIG : 0;
}

int args_file_read(const char *path, char ***words, struct finding *f)
{
	struct args *args;
	ssize_t len;
	int r;
	/* Non-blocking: a FIFO put there must not hold up PID 1. */
	int fd = sys_open(path, O_RDONLY | O_NONBLOCK);

	*words = NULL;
	if (fd < 0)
		return fd == -ENOENT ? 0 : unreadable(f, -fd, path);
	r = check(fd);
	if (r < 0) {
		close(fd);
		return r == -EPERM ? finding_set(f, EXIT_CONFINE, STEP, EPERM,
						 "others may write to", path,
						 "it decides who the application is: chown root, "
						 "chmod go-w")
				   : unreadable(f, -r, path);
	}
	args = mmap(NULL, sizeof(*args), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (args == MAP_FAILED) {
		r = errno;
		close(fd);
		return finding_set(f, EXIT_SETUP, STEP, r, "no memory for", path, NULL);
	}
	len = read_whole(fd, args->text, OPTIONS_ARGS_MAX);
	close(fd);
	if (len < 0)
		return unreadable(f, (int)-len, path);
	r = args_file_split(args->text, (size_t)len, args->words, WORDS_MAX);
	if (r < 0)
		return finding_set(f, EXIT_USAGE, STEP, 0,
				   r == -E2BIG ? "more than 4095 words in"
					       : "a NUL byte in the text of",
				   path, "one word a line");
	*words = args->words;
	return 0;
}
