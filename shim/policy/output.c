// SPDX-License-Identifier: Apache-2.0
#include "output.h"

#include <ctype.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "file.h"

/* The highest of asm-generic/errno.h. */
#define ERRNO_LAST EHWPOISON

void write_bpf(FILE *out, const struct policy *p)
{
	struct policy_file_header h;

	memset(&h, 0, sizeof(h));
	memcpy(h.magic, POLICY_FILE_MAGIC, sizeof(h.magic));
	h.version = POLICY_FILE_VERSION;
	h.flags = p->flags;
	h.arch = p->arch;
	h.count = p->count;
	h.canary_enosys = p->canary_enosys;
	h.canary_eperm = p->canary_eperm;
	/* The name's length was checked when it was set. */
	memcpy(h.name, p->name, strlen(p->name));
	fwrite(&h, sizeof(h), 1, out);
	fwrite(p->code, sizeof(*p->code), p->count, out);
}

/* A file's name as seen from the policy's: groups/denied.inc. */
static const char *seen_from(const char *base, const char *file)
{
	const char *slash = strrchr(base, '/');
	size_t len = slash != NULL ? (size_t)(slash - base) + 1 : 0;

	return strncmp(file, base, len) == 0 ? file + len : file;
}

static bool denies(const struct rule *r)
{
	return (r->action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
}

/* The index of a rule's file among those with errno rules, in the order of their first. */
static size_t denial_file(const struct ruleset *rs, const struct rule *r)
{
	size_t i, k, n = 0;

	for (i = 0; i < rs->count; i++) {
		if (!denies(&rs->rules[i]))
			continue;
		if (strcmp(rs->rules[i].file, r->file) == 0)
			return n;
		for (k = 0; k < i; k++)
			if (denies(&rs->rules[k]) &&
			    strcmp(rs->rules[k].file, rs->rules[i].file) == 0)
				break;
		n += k == i;
	}
	return n;
}

static void write_denials(FILE *out, const struct ruleset *rs, const char *upper)
{
	const struct rule *r, *last = NULL;
	size_t i, files = 0;

	/* One row for a line with several tests of one call. */
	fprintf(out, "\n#define %s_DENIALS", upper);
	for (i = 0; i < rs->count; i++) {
		r = &rs->rules[i];
		if (!denies(r) || (last != NULL && last->nr == r->nr && last->line == r->line &&
				   last->action == r->action && last->file == r->file))
			continue;
		fprintf(out, " \\\n\t{%u, %u, %u, %zu},", r->nr, r->action & SECCOMP_RET_DATA,
			r->line, denial_file(rs, r));
		last = r;
	}
	if (last == NULL)
		fprintf(out, " {0}");
	fprintf(out, "\n#define %s_FILES", upper);
	for (i = 0; i < rs->count; i++) {
		r = &rs->rules[i];
		if (!denies(r) || denial_file(rs, r) != files)
			continue;
		fprintf(out, " \"%s\",", seen_from(rs->file, r->file));
		files++;
	}
	fprintf(out, "%s\n", files == 0 ? " \"\"" : "");
}

/* As characters: a string literal may have 4095 of them only. */
static void write_name(FILE *out, const char *name)
{
	fprintf(out, " \\\n\t");
	for (; *name != '\0'; name++)
		fprintf(out, "'%c', ", *name);
	fprintf(out, "0,");
}

static void write_names(FILE *out, enum arch_id arch, const char *upper)
{
	char name[64];
	uint32_t nr, end = 0;
	int err;

	for (nr = 0; nr < CALL_LIMIT; nr++) {
		call_name(arch, nr, name, sizeof(name));
		if (name[0] != '\0')
			end = nr + 1;
	}
	fprintf(out, "\n#define %s_CALLS", upper);
	for (nr = 0; nr < end; nr++) {
		call_name(arch, nr, name, sizeof(name));
		write_name(out, name);
	}
	fprintf(out, "\n\n#define %s_ERRNOS", upper);
	for (err = 0; err <= ERRNO_LAST; err++)
		write_name(out, errno_name(err) != NULL ? errno_name(err) : "");
	fprintf(out, "\n");
}

void write_c(FILE *out, const struct policy *p, const struct ruleset *rs, const char *cname)
{
	char upper[128];
	size_t i;

	for (i = 0; cname[i] != '\0' && i + 1 < sizeof(upper); i++)
		upper[i] = (char)toupper((unsigned char)cname[i]);
	upper[i] = '\0';
	fprintf(out,
		"/* Made by stremio-policy from the policy \"%s\" (%s, userns=%s): do not edit. */\n",
		p->name, arch_name(rs->target.arch), p->userns);
	fprintf(out, "#include <linux/filter.h>\n\n");
	fprintf(out, "#ifndef __%s__\n#error \"this policy is for %s\"\n#endif\n\n",
		arch_name(rs->target.arch), arch_name(rs->target.arch));
	fprintf(out, "#define %s_TITLE \"%s\"\n", upper, p->name);
	fprintf(out, "#define %s_USERNS \"%s\"\n", upper, p->userns);
	fprintf(out, "#define %s_ARCH 0x%08xu\n", upper, p->arch);
	fprintf(out, "#define %s_FLAGS %u\n", upper, p->flags);
	fprintf(out, "#define %s_CANARY_ENOSYS 0x%xu\n", upper, p->canary_enosys);
	fprintf(out, "#define %s_CANARY_EPERM 0x%xu\n", upper, p->canary_eperm);
	fprintf(out, "#define %s_COUNT %u\n\n", upper, p->count);
	fprintf(out, "static const struct sock_filter %s_code[%s_COUNT] = {\n", cname, upper);
	for (i = 0; i < p->count; i++)
		fprintf(out, "\t{0x%02x, %u, %u, 0x%08x},\n", p->code[i].code, p->code[i].jt,
			p->code[i].jf, p->code[i].k);
	fprintf(out, "};\n");
	write_denials(out, rs, upper);
	write_names(out, rs->target.arch, upper);
}

void write_list(FILE *out, const struct policy *p, const struct ruleset *rs)
{
	const struct rule *r;
	char action[32];
	size_t i;

	fprintf(out, "# %s: %s, userns=%s, role %s, %u instructions\n", p->name,
		arch_name(rs->target.arch), p->userns,
		rs->supervisor ? "supervisor" : "application", p->count);
	for (i = 0; i < rs->count; i++) {
		r = &rs->rules[i];
		fprintf(out, "%-24s %4u  %-18s %s%s%s%s:%u\n", r->name, r->nr,
			action_text(r->action, action, sizeof(action)), r->tested ? "if " : "",
			r->tests, r->tested ? "  " : "", r->file, r->line);
	}
	fprintf(out, "%-24s %4s  %s\n", "(any other)", "-",
		action_text(rs->fallback, action, sizeof(action)));
	fprintf(out, "%-24s %4s  errno ENOSYS\n", "(other architectures)", "-");
}

static void json_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f)
			/* Only file names can have these; Latin-1 keeps the output valid. */
			fprintf(out, "\\u%04x", (unsigned char)*s);
		else
			fputc(*s, out);
	}
	fputc('"', out);
}

static void json_action(FILE *out, const char *key, uint32_t action)
{
	char text[32];

	fprintf(out, "\"%s\":", key);
	json_string(out, action_text(action, text, sizeof(text)));
}

static void json_tests(FILE *out, const struct rule *r)
{
	const char *comma = "";
	int i;

	fprintf(out, ",\"tests\":[");
	for (i = 0; i < 6; i++) {
		if (r->match.mask[i] == 0)
			continue;
		/* As text: JSON numbers lose bits above 2^53 in many readers. */
		fprintf(out, "%s{\"arg\":%d,\"mask\":\"0x%llx\",\"value\":\"0x%llx\"}", comma, i,
			(unsigned long long)r->match.mask[i],
			(unsigned long long)r->match.value[i]);
		comma = ",";
	}
	fprintf(out, "]");
}

void write_json(FILE *out, const struct policy *p, const struct ruleset *rs)
{
	const struct rule *r;
	size_t i;

	fprintf(out, "{\"schema\":1,\"name\":\"%s\",\"arch\":\"%s\",\"userns\":\"%s\",", p->name,
		arch_name(rs->target.arch), p->userns);
	fprintf(out, "\"role\":\"%s\",", rs->supervisor ? "supervisor" : "application");
	json_action(out, "default", rs->fallback);
	fprintf(out, ",\"instructions\":%u,\"rules\":[", p->count);
	for (i = 0; i < rs->count; i++) {
		r = &rs->rules[i];
		fprintf(out, "%s\n{\"call\":\"%s\",\"number\":%u,", i ? "," : "", r->name, r->nr);
		json_action(out, "action", r->action);
		json_tests(out, r);
		fprintf(out, ",\"file\":");
		json_string(out, r->file);
		fprintf(out, ",\"line\":%u}", r->line);
	}
	fprintf(out, "\n]}\n");
}
