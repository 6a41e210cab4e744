// SPDX-License-Identifier: Apache-2.0
/*
 * What stremio-hook, as root of the host, reads of others: id maps, an instance's
 * STREMIO_DEVICES, names, its passwd file, and its own state file. The first byte chooses, the
 * rest is the text.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices.h"
#include "idmap.h"
#include "owner.h"
#include "request.h"
#include "state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The words of an args file are kept for the life of a process, in a mapping; here that is one
 * input. hook.mk gives mmap(2) this name in all that is linked.
 */
void *fuzz_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	static void *last;

	(void)at;
	(void)protection;
	(void)flags;
	(void)offset;
	assert(fd < 0);
	free(last);
	last = calloc(1, size);
	return last;
}

static void maps(const char *text)
{
	static struct idmap m;
	uint32_t out;

	if (idmap_parse(text, &m) < 0)
		return;
	assert(m.count <= IDMAP_RANGES_MAX);
	for (size_t i = 0; i < m.count; i++) {
		const struct id_range *r = &m.range[i];

		assert(idmap_shift(&m, r->inside, &out) == 0 && out == r->outside);
		assert(idmap_shift(&m, r->inside + (r->count - 1), &out) == 0 &&
		       out == r->outside + (r->count - 1));
	}
}

static void check(const struct chosen *c)
{
	assert(c->count <= DEVICES_CHOSEN_MAX && (c->wanted || !c->count));
	for (size_t i = 0; i < c->count; i++)
		assert(c->name[i][0] && !strchr(c->name[i], '/') && !strchr(c->name[i], '.'));
}

static void devices(const char *text)
{
	struct devices d;
	struct finding f;
	int r = devices_parse(text, &d, &f);

	check(&d.gpu);
	check(&d.primary);
	check(&d.sound);
	if (r < 0)
		assert(!d.gpu.wanted && !d.primary.wanted && !d.sound.wanted && f.what[0]);
}

/* The environment is made by hand: setenv(3) keeps what it has ever been given. */
static void request(const char *text)
{
	static const char *const names[] = {"LXC_NAME=", "LXC_PID=", "LXC_CONSOLE_LOGPATH=",
					    "STREMIO_DEVICES=", "STREMIO_USER="};
	enum { NAMES = sizeof(names) / sizeof(names[0]) };
	static struct request rq;
	char *list[NAMES + 1] = {NULL};

	for (size_t i = 0; i < NAMES; i++) {
		size_t len = strlen(names[i]);

		list[i] = malloc(len + strlen(text) + 1);
		assert(list[i]);
		memcpy(list[i], names[i], len);
		strcpy(list[i] + len, text);
	}
	environ = list;
	request_read(&rq);
	assert(!environ || !environ[0]);
	assert(rq.pid == 0 || rq.pid > 1);
	assert(!strchr(rq.name, '/') && strcmp(rq.name, "..") && strcmp(rq.name, "."));
	assert(!rq.log[0] || rq.log[0] == '/');
	environ = NULL;
	for (size_t i = 0; i < NAMES; i++)
		free(list[i]);
}

static void state(char *text)
{
	static struct wired w;

	if (state_parse(text, &w) < 0)
		return;
	assert(w.pid > 1 && w.start && w.nodes.count <= NODES_MAX);
	for (size_t i = 0; i < w.nodes.count; i++)
		assert(node_name_ok(w.nodes.node[i].name));
}

/* In a directory that stands for an instance's root; the file is passwd and args in turn. */
static void owner(const char *text, size_t len, const char *name)
{
	static char dir[] = "/tmp/stremio-hook-fuzz.XXXXXX";
	static struct instance i = {.root = -1};
	struct finding f;
	gid_t gid = 0;
	int fd;

	if (i.root < 0) {
		assert(mkdtemp(dir));
		i.root = open(dir, O_PATH | O_DIRECTORY);
		i.root_uid = geteuid();
		i.root_gid = getegid();
		assert(i.root >= 0 && mkdirat(i.root, "etc", 0755) == 0);
	}
	fd = openat(i.root, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	close(fd);
	(void)owner_gid(&i, "", &gid, &f);
	assert(gid != (gid_t)-1);
	unlinkat(i.root, name, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	/* Of exactly this size, so that a byte too far is noticed. */
	text = malloc(size);
	assert(text);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 6) {
	case 0:
		maps(text);
		break;
	case 1:
		devices(text);
		break;
	case 2:
		request(text);
		break;
	case 3:
		state(text);
		break;
	case 4:
		owner(text, size - 1, "etc/passwd");
		break;
	default:
		owner(text, size - 1, "etc/stremio-shim.args");
	}
	free(text);
	return 0;
}
