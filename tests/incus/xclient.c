/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An X client that does nothing but say who it is, by the protocol's own text and none of the
 * project's code: the handshake with the cookie that XAUTHORITY has for DISPLAY.
 *
 *   xclient        prints ok, or why not; 0 when it was let in
 *   xclient stay   and does not go again
 *   xclient PATH   connects to that socket, prints what it is told
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FAMILY_WILD = 0xffff, COOKIE = 16 };

static const char protocol[] = "MIT-MAGIC-COOKIE-1";

static int say(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -1;
	return fd;
}

/* One counted field of an authority file: two bytes of length, big-endian, then the bytes. */
static int field(FILE *f, char *out, size_t size)
{
	int high = getc(f), low = getc(f), n = high * 256 + low;

	if (low == EOF || n >= (int)size || fread(out, 1, n, f) != (size_t)n)
		return -1;
	out[n] = '\0';
	return n;
}

/* The cookie of an entry for any host and this display number. */
static int find_cookie(const char *path, const char *number, char cookie[COOKIE])
{
	char address[256], display[256], name[256], data[256];
	FILE *f = fopen(path, "r");
	int family, high, n;

	if (!f)
		return -1;
	while ((high = getc(f)) != EOF) {
		family = high * 256 + getc(f);
		if (field(f, address, sizeof(address)) < 0 ||
		    field(f, display, sizeof(display)) < 0 || field(f, name, sizeof(name)) < 0 ||
		    (n = field(f, data, sizeof(data))) < 0)
			break;
		if (family == FAMILY_WILD && n == COOKIE && !strcmp(display, number) &&
		    !strcmp(name, protocol)) {
			memcpy(cookie, data, COOKIE);
			return 0;
		}
	}
	errno = ENOKEY;
	return -1;
}

static int handshake(int fd, const char cookie[COOKIE])
{
	unsigned char hello[12 + 20 + COOKIE] = {'l', 0,     11, 0, 0, 0, sizeof(protocol) - 1,
						 0,   COOKIE};
	unsigned char answer[8 + 255];
	ssize_t n;

	memcpy(hello + 12, protocol, sizeof(protocol) - 1);
	memcpy(hello + 12 + 20, cookie, COOKIE);
	if (write(fd, hello, sizeof(hello)) != sizeof(hello))
		return say("write");
	n = read(fd, answer, sizeof(answer));
	if (n < 8)
		return say("read");
	if (answer[0] != 1) {
		printf("refused: %.*s\n", answer[1] < n - 8 ? answer[1] : (int)n - 8, answer + 8);
		return 1;
	}
	puts("ok");
	return 0;
}

int main(int argc, char **argv)
{
	const char *display = getenv("DISPLAY"), *authority = getenv("XAUTHORITY");
	char path[64], cookie[COOKIE], answer[64];
	ssize_t n;
	int fd, r;
	bool stay = argc == 2 && !strcmp(argv[1], "stay");

	if (argc == 2 && !stay) {
		fd = connect_to(argv[1]);
		n = fd < 0 ? -1 : read(fd, answer, sizeof(answer));
		if (n < 0)
			return say(argv[1]);
		return fwrite(answer, 1, n, stdout) != (size_t)n;
	}
	if (!display || *display != ':' || !authority) {
		puts("no DISPLAY or XAUTHORITY");
		return 1;
	}
	if (find_cookie(authority, display + 1, cookie) < 0)
		return say(authority);
	snprintf(path, sizeof(path), "/tmp/.X11-unix/X%s", display + 1);
	fd = connect_to(path);
	r = fd < 0 ? say(path) : handshake(fd, cookie);
	if (stay && r == 0)
		pause();
	return r;
}
