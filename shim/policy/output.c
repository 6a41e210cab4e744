// SPDX-License-Identifier: Apache-2.0
#include "output.h"

#include <ctype.h>
#include <string.h>

#include "file.h"

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
