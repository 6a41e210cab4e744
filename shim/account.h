/* SPDX-License-Identifier: Apache-2.0 */
/* account: who the application runs as, from /etc/passwd and /etc/group alone. */
#ifndef SHIM_ACCOUNT_H
#define SHIM_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "finding.h"

#define ACCOUNT_FALLBACK_ID 65532 /* "nonroot" of distroless images */

struct account {
	uid_t uid;
	gid_t gid;
	bool listed;	 /* has a line in the passwd file */
	char name[64];	 /* login name; "stremio" when not listed */
	char home[256];	 /* absolute */
	char shell[128]; /* absolute */
};

/* Where to look; a parameter so that tests and fuzzers bring their own. */
struct account_files {
	const char *passwd;
	const char *group;
};

extern const struct account_files account_files_system; /* /etc/passwd, /etc/group */

/**
 * account_resolve() - turn `USER[:GROUP]` into ids.
 * @spec: `auto`, a name or a number, optionally with a group's name or number.
 * @files: the files to read; missing ones count as empty.
 * @out: the account.
 * @f: out, on failure, step "user".
 *
 * `auto` is user `stremio`, else `nonroot`, else uid 1000 when it is listed, else
 * 65532:65532. uid 0 and gid 0 are refused unless the user is spelled `root`.
 * A number that is not listed gets the group of the same number.
 *
 * Return: 0; -EINVAL or -ENOENT with EXIT_USAGE (no such user, root by accident);
 * other -errno with EXIT_SETUP (files that cannot be read). Source: passwd(5), group(5).
 */
int account_resolve(const char *spec, const struct account_files *files, struct account *out,
		    struct finding *f);

/**
 * account_is_mapped() - are the ids to be had in this user namespace?
 * @a: the account. @f: out, on failure, step "uid" or "gid".
 * Before anything is prepared for it. A map that cannot be read is no failure: the change
 * of ids will tell. Return: 0; -EINVAL with EXIT_CONFINE. Source: user_namespaces(7).
 */
int account_is_mapped(const struct account *a, struct finding *f);

/**
 * account_parse_passwd() - read one line of a passwd file.
 * @line: the line without its newline; changed in place.
 * @out: the account; strings that do not fit make the line invalid.
 * Return: 0 or -EINVAL.
 */
int account_parse_passwd(char *line, struct account *out);

/**
 * account_parse_group() - read one line of a group file.
 * @line: the line without its newline; changed in place.
 * @name: out, points into @line. @gid: out.
 * Return: 0 or -EINVAL.
 */
int account_parse_group(char *line, const char **name, gid_t *gid);

#endif
