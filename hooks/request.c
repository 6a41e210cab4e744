/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

bool name_ok(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= NAME_SIZE || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (const char *s = name; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= ' ' || c == 0x7f || c == '/' || c == '"' || c == '\'')
			return false;
	}
	return true;
}

static bool has_control(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	}
	return false;
}

/* Return: whether it was there and fitted. */
static bool copy(char *dst, size_t size, const char *value)
{
	size_t len = value ? strlen(value) : 0;

	dst[0] = '\0';
	if (!len || len >= size)
		return false;
	memcpy(dst, value, len + 1);
	return true;
}

/* DIR/NAME/console.log -> DIR/NAME/lxc.log. Who owns DIR is looked at when it is opened. */
static void log_beside(const char *console, const char *name, char *out, size_t size)
{
	static const char file[] = "lxc.log";
	size_t len = strlen(name);
	char *slash;

	if (!copy(out, size - sizeof(file), console))
		return;
	slash = strrchr(out, '/');
	/* It is to be a line of the state file. */
	if (out[0] == '/' && !has_control(out) && slash > out + len &&
	    !strncmp(slash - len, name, len) && slash[-(ptrdiff_t)len - 1] == '/' &&
	    !strstr(out, "/../"))
		memcpy(slash + 1, file, sizeof(file));
	else
		out[0] = '\0';
}

static void copy_devices(char *out, const char *value)
{
	if (copy(out, DEVICES_LIST_MAX, value) || !value || !*value)
		return;
	/* Too long. A word that is none makes the reader say so. */
	memcpy(out, value, DEVICES_LIST_MAX - 2);
	out[DEVICES_LIST_MAX - 2] = ':';
	out[DEVICES_LIST_MAX - 1] = '\0';
}

void request_read(struct request *rq)
{
	const char *name = getenv("LXC_NAME");
	const char *pid = getenv("LXC_PID");
	const char *type = getenv("LXC_HOOK_TYPE");
	uint32_t number = 0;

	memset(rq, 0, sizeof(*rq));
	if (name && name_ok(name))
		(void)copy(rq->name, sizeof(rq->name), name);
	if (pid && parse_u32(pid, INT32_MAX, &number) == 0 && number > 1)
		rq->pid = (pid_t)number;
	if (rq->name[0])
		log_beside(getenv("LXC_CONSOLE_LOGPATH"), rq->name, rq->log, sizeof(rq->log));
	copy_devices(rq->devices, getenv("STREMIO_DEVICES"));
	(void)copy(rq->user, sizeof(rq->user), getenv("STREMIO_USER"));
	rq->from_start = type && !strcmp(type, "start-host");
	clearenv();
}
