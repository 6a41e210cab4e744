/* SPDX-License-Identifier: Apache-2.0 */
#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"
#include "text.h"

#define STEP "user"
#define ID_MAX (UINT32_MAX - 1) /* (uid_t)-1 means "leave alone", setresuid(2) */

const struct account_files account_files_system = {"/etc/passwd", "/etc/group"};

/* A file read line by line through a fixed buffer; longer lines are passed over. */
struct lines {
	int fd;
	size_t at, end;
	char buf[4096];
};

static int next_byte(struct lines *l, char *c)
{
	if (l->at == l->end) {
		ssize_t n = read(l->fd, l->buf, sizeof(l->buf));

		if (n <= 0)
			return n < 0 ? -errno : 0;
		l->at = 0;
		l->end = (size_t)n;
	}
	*c = l->buf[l->at++];
	return 1;
}

/* Return: 1 and a line, 0 at the end, -errno. */
static int next_line(struct lines *l, char *line, size_t size)
{
	size_t len = 0;
	bool fits = true;
	char c = '\0';
	int r;

	while ((r = next_byte(l, &c)) > 0) {
		if (c == '\n') {
			if (fits)
				break;
			len = 0;
			fits = true;
		} else if (len + 1 < size && c) {
			line[len++] = c;
		} else {
			fits = false;
		}
	}
	if (r < 0 || (r == 0 && (!len || !fits)))
		return r;
	line[len] = '\0';
	return 1;
}

/* Split a line at its colons. Return: the number of fields, at most @max. */
static int split(char *line, char **fields, int max)
{
	int n = 0;

	while (line && n < max) {
		fields[n++] = line;
		line = strchr(line, ':');
		if (line)
			*line++ = '\0';
	}
	return n;
}

static int copy(char *dst, size_t size, const char *src)
{
	struct text t;

	text_begin(&t, dst, size);
	text_str(&t, src);
	return strlen(src) == t.len ? 0 : -EINVAL;
}

int account_parse_passwd(char *line, struct account *out)
{
	char *field[7];

	if (split(line, field, 7) != 7 || !field[0][0])
		return -EINVAL;
	if (parse_u32(field[2], ID_MAX, &out->uid) < 0 ||
	    parse_u32(field[3], ID_MAX, &out->gid) < 0)
		return -EINVAL;
	out->listed = true;
	if (copy(out->name, sizeof(out->name), field[0]) < 0)
		return -EINVAL;
	if (copy(out->home, sizeof(out->home), field[5][0] == '/' ? field[5] : "/") < 0)
		return -EINVAL;
	return copy(out->shell, sizeof(out->shell), field[6][0] == '/' ? field[6] : "/bin/sh");
}

int account_parse_group(char *line, const char **name, gid_t *gid)
{
	char *field[4];

	if (split(line, field, 4) < 3 || !field[0][0])
		return -EINVAL;
	*name = field[0];
	return parse_u32(field[2], ID_MAX, gid) < 0 ? -EINVAL : 0;
}

/* A missing file is an empty one: distroless images may have neither. */
static int open_lines(struct lines *l, const char *path)
{
	l->at = l->end = 0;
	l->fd = sys_open(path, O_RDONLY);
	if (l->fd < 0)
		return l->fd == -ENOENT ? 0 : l->fd;
	return 1;
}

/*
 * Look for a user by name, or by number when @name is NULL.
 * Return: 1 found, 0 not, -errno.
 */
static int find_user(const char *path, const char *name, uid_t uid, struct account *out)
{
	struct account entry;
	struct lines l;
	char line[1024];
	int r = open_lines(&l, path);

	if (r <= 0)
		return r;
	while ((r = next_line(&l, line, sizeof(line))) > 0) {
		if (account_parse_passwd(line, &entry) < 0)
			continue;
		if (name ? strcmp(entry.name, name) != 0 : entry.uid != uid)
			continue;
		*out = entry;
		break;
	}
	close(l.fd);
	return r;
}

static int find_group(const char *path, const char *name, gid_t *gid)
{
	const char *entry;
	gid_t entry_gid;
	struct lines l;
	char line[1024];
	int r = open_lines(&l, path);

	if (r <= 0)
		return r;
	while ((r = next_line(&l, line, sizeof(line))) > 0) {
		if (account_parse_group(line, &entry, &entry_gid) < 0 || strcmp(entry, name) != 0)
			continue;
		*gid = entry_gid;
		break;
	}
	close(l.fd);
	return r;
}

static int unlisted(uid_t uid, struct account *out)
{
	out->uid = uid;
	out->gid = uid;
	out->listed = false;
	(void)copy(out->name, sizeof(out->name), "stremio");
	(void)copy(out->home, sizeof(out->home), "/home/stremio");
	(void)copy(out->shell, sizeof(out->shell), "/bin/sh");
	return 1;
}

static int find_auto(const char *path, struct account *out)
{
	int r = find_user(path, "stremio", 0, out);

	if (!r)
		r = find_user(path, "nonroot", 0, out);
	if (!r)
		r = find_user(path, NULL, 1000, out);
	return r ? r : unlisted(ACCOUNT_FALLBACK_ID, out);
}

static int find_spec(const char *path, const char *user, struct account *out)
{
	uint32_t uid;
	int r;

	if (!strcmp(user, "auto"))
		return find_auto(path, out);
	r = parse_u32(user, ID_MAX, &uid);
	if (r == -ERANGE)
		return 0;
	if (r < 0)
		return find_user(path, user, 0, out);
	r = find_user(path, NULL, uid, out);
	return r ? r : unlisted(uid, out);
}

static int no_files(struct finding *f, int err, const char *path)
{
	return finding_set(f, EXIT_SETUP, STEP, err, "cannot read", path,
			   "root inside the container must be able to read it");
}

int account_resolve(const char *spec, const struct account_files *files, struct account *out,
		    struct finding *f)
{
	char user[64];
	const char *group = strchr(spec, ':');
	size_t len = group ? (size_t)(group - spec) : strlen(spec);
	bool root;
	int r;

	if (!len || len >= sizeof(user) || (group && !group[1]))
		return finding_set(f, EXIT_USAGE, STEP, 0, "not of the form USER[:GROUP]:", spec,
				   NULL);
	memcpy(user, spec, len);
	user[len] = '\0';
	root = !strcmp(user, "root");

	r = find_spec(files->passwd, user, out);
	if (r < 0)
		return no_files(f, -r, files->passwd);
	if (!r && root) {
		r = unlisted(0, out);
		(void)copy(out->name, sizeof(out->name), "root");
		(void)copy(out->home, sizeof(out->home), "/root");
	}
	if (!r)
		return finding_set(f, EXIT_USAGE, STEP, 0, "no such user in this container:", user,
				   "name one of /etc/passwd, or give a number");
	if (group && parse_u32(++group, ID_MAX, &out->gid) < 0) {
		r = find_group(files->group, group, &out->gid);
		if (r < 0)
			return no_files(f, -r, files->group);
		if (!r)
			return finding_set(f, EXIT_USAGE, STEP, 0,
					   "no such group in this container:", group,
					   "name one of /etc/group, or give a number");
	}
	if (!root && (!out->uid || !out->gid))
		return finding_set(f, EXIT_USAGE, STEP, 0,
				   out->uid ? "would run in group root:" : "would run as root:",
				   spec, "--user=root, if that is really meant");
	return 0;
}

/* Is the id in one of the lines `INSIDE OUTSIDE COUNT`? */
static bool is_mapped(const char *path, uint32_t id)
{
	struct lines l;
	char line[128];
	bool found = false;

	if (open_lines(&l, path) <= 0)
		return true;
	while (!found && next_line(&l, line, sizeof(line)) > 0) {
		const char *at = line + strspn(line, " ");
		uint32_t inside, outside, count;

		found = field_u32(&at, &inside) == 0 && field_u32(&at, &outside) == 0 &&
			field_u32(&at, &count) == 0 && id >= inside && id - inside < count;
	}
	close(l.fd);
	return found;
}

int account_is_mapped(const struct account *a, struct finding *f)
{
	static const char hint[] = "choose another --user, or widen the instance's id map";

	if (!is_mapped("/proc/self/uid_map", a->uid))
		return finding_set(f, EXIT_CONFINE, "uid", EINVAL,
				   "has no mapping in this user namespace", a->name, hint);
	if (!is_mapped("/proc/self/gid_map", a->gid))
		return finding_set(f, EXIT_CONFINE, "gid", EINVAL,
				   "has no mapping in this user namespace", a->name, hint);
	return 0;
}
