/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window with a picture of many colours, by the X11 protocol's own text: static, for images
 * without libraries. The cookie is the last of the file XAUTHORITY.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { COOKIE = 16, WIDTH = 320, HEIGHT = 200, EXPOSE = 12, SETUP_MAX = 65536 };

static const char protocol[] = "MIT-MAGIC-COOKIE-1";

static void fail(const char *step)
{
	perror(step);
	exit(1);
}

static void send_all(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		fail("write");
}

static void read_all(int fd, unsigned char *to, size_t size)
{
	for (ssize_t n; size; to += n, size -= n) {
		n = read(fd, to, size);
		if (n <= 0)
			fail("read");
	}
}

static int connect_display(void)
{
	const char *display = getenv("DISPLAY");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (!display || *display != ':')
		fail("DISPLAY");
	snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/.X11-unix/X%s", display + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		fail(a.sun_path);
	return fd;
}

static void greet(int fd)
{
	unsigned char hello[12 + 20 + COOKIE] = {'l', 0,     11, 0, 0, 0, sizeof(protocol) - 1,
						 0,   COOKIE};
	const char *path = getenv("XAUTHORITY");
	FILE *f = path ? fopen(path, "r") : NULL;

	memcpy(hello + 12, protocol, sizeof(protocol) - 1);
	if (!f || fseek(f, -COOKIE, SEEK_END) < 0 || fread(hello + 32, 1, COOKIE, f) != COOKIE)
		fail("XAUTHORITY");
	fclose(f);
	send_all(fd, hello, sizeof(hello));
}

static void paint(int fd, uint32_t window, uint32_t context, uint8_t depth)
{
	static uint32_t pixels[HEIGHT][WIDTH];
	uint32_t put[6] = {72 | 2 << 8 | (6U + HEIGHT * WIDTH) << 16,
			   window,
			   context,
			   WIDTH | HEIGHT << 16,
			   0,
			   depth << 8};

	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < WIDTH; x++)
			pixels[y][x] = (x * 255 / WIDTH) << 16 | (y * 255 / HEIGHT) << 8 | 0x80;
	send_all(fd, put, sizeof(put));
	send_all(fd, pixels, sizeof(pixels));
}

int main(void)
{
	static unsigned char setup[SETUP_MAX];
	unsigned char head[8], event[32];
	uint32_t base, root;
	size_t screen;
	int fd = connect_display();

	greet(fd);
	read_all(fd, head, sizeof(head));
	if (head[0] != 1)
		fail("refused");
	read_all(fd, setup, (head[6] | head[7] << 8) * 4);
	/* Behind the fixed part: the vendor's name, padded, and 8 bytes for each pixmap format. */
	screen = 32 + ((setup[16] + 3) & ~3) + 8 * setup[21];
	memcpy(&base, setup + 4, 4);
	memcpy(&root, setup + screen, 4);

	uint32_t create[] = {1 | 9 << 16, base + 1, root,  0,	  WIDTH | HEIGHT << 16,
			     1 << 16,	  0,	    0x800, 0x8000};
	uint32_t class[] = {18 | 10 << 16, base + 1, 67, 31, 8, 16, 0, 0, 0, 0};
	uint32_t gc[] = {55 | 4 << 16, base + 2, base + 1, 0};
	uint32_t map[] = {8 | 2 << 16, base + 1};

	memcpy(&class[6], "painter\0Painter", 16);
	send_all(fd, create, sizeof(create));
	send_all(fd, class, sizeof(class));
	send_all(fd, gc, sizeof(gc));
	send_all(fd, map, sizeof(map));
	for (;;) {
		read_all(fd, event, sizeof(event));
		if ((event[0] & 0x7f) == EXPOSE)
			paint(fd, base + 1, base + 2, setup[screen + 38]);
	}
}
