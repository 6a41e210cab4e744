// SPDX-License-Identifier: Apache-2.0
/* stremio-policy: checks, compiles, lists and compares system call policies. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "codegen.h"
#include "file.h"
#include "output.h"
#include "verify.h"

static const char help[] =
	"Usage: stremio-policy check FILE...\n"
	"       stremio-policy compile [OPTION]... -o OUT FILE\n"
	"       stremio-policy list [OPTION]... FILE\n"
	"       stremio-policy diff [OPTION]... A B\n"
	"\n"
	"Policies are text, one rule a line; compiled they are seccomp filters.\n"
	"\n"
	"  check    reads FILE for both architectures and both userns variants, compiles\n"
	"           it, and runs the result against the rules\n"
	"  compile  writes the filter for one of them\n"
	"  list     prints each call with its number, action, tests and FILE:LINE\n"
	"  diff     prints the calls that A and B (text or compiled) answer differently,\n"
	"           with both answers and an example of the arguments\n"
	"\n"
	"  -a, --arch=x86_64|aarch64    default: this machine's (not for check)\n"
	"  -u, --userns=deny|allow      default: deny (not for check)\n"
	"  -n, --name=NAME              default: FILE's name without its suffix (compile, list)\n"
	"  -o, --output=OUT             - is the standard output (compile, list)\n"
	"  -f, --format=bpf|c|json|list default: bpf (compile)\n"
	"  -h, --help\n"
	"\n"
	"The language (a # begins a comment, words are separated by blanks):\n"
	"  default ACTION               for calls that are not named\n"
	"  ACTION CALL... [if TEST [&& TEST]...]\n"
	"  @GROUP = CALL...             and += to add; @GROUP stands for its calls\n"
	"  include FILE                 relative to the including file\n"
	"  role application|supervisor  a supervisor's filter may deny execve\n"
	"ACTION is allow, errno NAME or kill. CALL is NAME, NAME? (left out where it is not\n"
	"known) or NAME=NUMBER (for calls younger than libseccomp). TEST is argN == V (64\n"
	"bits), argN low32 == V, argN & MASK == V (low 32 bits) or, last, argN low32 in V...\n"
	"The rules of one call are tried in their order; the last one has no test. A line may\n"
	"begin with a condition: [x86_64], [aarch64], [userns=deny], [userns=allow], or one\n"
	"of each kind in one bracket.\n"
	"\n"
	"Exit: 0 good; 1 diff found a difference; 64 usage; 65 the policy is wrong or too\n"
	"large; 66 an input cannot be read; 70 a bug was found by the self-check; 73 the output\n"
	"cannot be written.\n";

struct options {
	const char *takes; /* the letters of the options the command has */
	struct target target;
	const char *format;
	const char *name;
	const char *output;
};

/* A policy in memory, from text or from a compiled file. */
struct loaded {
	struct ruleset rs;
	struct policy p;
	struct policy_file_header head;
	struct sock_filter code[POLICY_MAX_INSNS];
};

static int usage(const char *text, const char *what)
{
	fprintf(stderr, "stremio-policy: usage: %s%s%s (stremio-policy --help)\n", text,
		what != NULL ? " " : "", what != NULL ? what : "");
	return EX_USAGE;
}

static int unreadable(const char *path, int err)
{
	fprintf(stderr, "stremio-policy: %s: cannot be read: %s\n", path, strerror(err));
	return EX_NOINPUT;
}

/* Reads, checks, compiles and verifies a text policy. 0 or an exit status, said. */
static int load_text(struct loaded *l, const char *path, const char *name, struct target target,
		     FILE *notes)
{
	uint16_t count = 0;
	int rc = ruleset_load(&l->rs, path, name, target, stderr, notes);

	if (rc == -EINVAL)
		return EX_DATAERR;
	if (rc != 0)
		return unreadable(path, -rc);
	if (codegen(&l->rs, l->code, &count) != 0) {
		fprintf(stderr,
			"stremio-policy: %s: the filter is longer than the kernel's %d "
			"instructions (fewer tests)\n",
			path, POLICY_MAX_INSNS);
		return EX_DATAERR;
	}
	codegen_describe(&l->rs, &l->p);
	l->p.code = l->code;
	l->p.count = count;
	return verify(&l->rs, &l->p) == 0 ? 0 : EX_SOFTWARE;
}

/* The same for either kind of file: a compiled one is known by its first bytes. */
static int load_any(struct loaded *l, const char *path, struct target target)
{
	char magic[sizeof(l->head.magic)];
	const char *why = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd < 0)
		return unreadable(path, errno);
	if (pread(fd, magic, sizeof(magic), 0) != (ssize_t)sizeof(magic) ||
	    memcmp(magic, POLICY_FILE_MAGIC, sizeof(magic)) != 0) {
		close(fd);
		return load_text(l, path, NULL, target, NULL);
	}
	rc = policy_file_read(fd, 0, geteuid(), &l->p, &l->head, l->code, &why);
	close(fd);
	if (rc == 0)
		return 0;
	fprintf(stderr, "stremio-policy: %s: %s: %s\n", path, why, strerror(-rc));
	return EX_DATAERR;
}

static struct loaded *new_loaded(void)
{
	struct loaded *l = calloc(1, sizeof(*l));

	if (l == NULL)
		abort();
	return l;
}

static void free_loaded(struct loaded *l)
{
	ruleset_free(&l->rs);
	free(l);
}

static int check_file(const char *path)
{
	struct target t;
	struct loaded *l;
	int i, rc;

	for (i = 0; i < 2 * ARCH_COUNT; i++) {
		t.arch = (enum arch_id)(i / 2);
		t.userns_allow = i % 2 != 0;
		l = new_loaded();
		/* The notes of one variant per architecture will do. */
		rc = load_text(l, path, NULL, t, t.userns_allow ? NULL : stdout);
		if (rc == 0)
			printf("%s: %s userns=%s: %zu rules, %u instructions\n", path,
			       arch_name(t.arch), l->p.userns, l->rs.count, l->p.count);
		free_loaded(l);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static void write_as(FILE *out, const struct loaded *l, const char *format)
{
	char cname[POLICY_NAME_SIZE + 8];
	size_t i;

	if (strcmp(format, "bpf") == 0) {
		write_bpf(out, &l->p);
	} else if (strcmp(format, "json") == 0) {
		write_json(out, &l->p, &l->rs);
	} else if (strcmp(format, "list") == 0) {
		write_list(out, &l->p, &l->rs);
	} else {
		/* The variants of one policy must have names of their own in C. */
		snprintf(cname, sizeof(cname), "%s%s_%s",
			 isdigit((unsigned char)l->p.name[0]) ? "_" : "", l->p.name, l->p.userns);
		for (i = 0; cname[i] != '\0'; i++)
			if (!isalnum((unsigned char)cname[i]))
				cname[i] = '_';
		write_c(out, &l->p, &l->rs, cname);
	}
}

static int cannot_write(const char *path)
{
	fprintf(stderr, "stremio-policy: %s: cannot be written: %s\n", path, strerror(errno));
	return EX_CANTCREAT;
}

/* A file appears whole or not at all: a build must not take half of one. */
static int write_output(const struct loaded *l, const struct options *o)
{
	char temp[4096];
	FILE *out;
	int fd, bad;

	if (strcmp(o->output, "-") == 0) {
		write_as(stdout, l, o->format);
		return fflush(stdout) == 0 && !ferror(stdout) ? 0 : cannot_write("standard output");
	}
	if ((size_t)snprintf(temp, sizeof(temp), "%s.XXXXXX", o->output) >= sizeof(temp)) {
		errno = ENAMETOOLONG;
		return cannot_write(o->output);
	}
	fd = mkostemp(temp, O_CLOEXEC);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (out == NULL)
		return cannot_write(o->output);
	write_as(out, l, o->format);
	bad = ferror(out) || fchmod(fd, 0644) != 0;
	bad = fclose(out) != 0 || bad;
	if (!bad && rename(temp, o->output) == 0)
		return 0;
	bad = errno;
	unlink(temp);
	errno = bad;
	return cannot_write(o->output);
}

static int compile(const struct options *o, char **file, int files)
{
	struct loaded *l;
	int rc;

	if (files != 1)
		return usage("one FILE is wanted", NULL);
	if (o->output == NULL)
		return usage("-o OUT is missing", NULL);
	l = new_loaded();
	rc = load_text(l, file[0], o->name, o->target, stderr);
	if (rc == 0)
		rc = write_output(l, o);
	free_loaded(l);
	return rc;
}

static int diff(const struct options *o, char **file, int files)
{
	struct loaded *a, *b;
	unsigned int count;
	enum arch_id arch;
	int rc;

	if (files != 2)
		return usage("two files are wanted", NULL);
	a = new_loaded();
	b = new_loaded();
	rc = load_any(a, file[0], o->target);
	if (rc == 0)
		rc = load_any(b, file[1], o->target);
	if (rc == 0 && a->p.arch != b->p.arch) {
		fprintf(stderr, "stremio-policy: %s and %s are for different architectures\n",
			file[0], file[1]);
		rc = EX_DATAERR;
	}
	if (rc == 0) {
		arch = a->p.arch == arch_audit(ARCH_X86_64) ? ARCH_X86_64 : ARCH_AARCH64;
		count = compare_policies(stdout, &a->p, &b->p, arch);
		rc = count == 0 ? 0 : 1;
	}
	free_loaded(a);
	free_loaded(b);
	return rc;
}

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"arch", required_argument, NULL, 'a'},	  {"userns", required_argument, NULL, 'u'},
		{"format", required_argument, NULL, 'f'}, {"name", required_argument, NULL, 'n'},
		{"output", required_argument, NULL, 'o'}, {NULL, 0, NULL, 0},
	};
	int c, arch;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":a:u:f:n:o:", longs, NULL)) != -1) {
		if (c != ':' && c != '?' && strchr(o->takes, c) == NULL)
			return usage("this command has no option", argv[optind - 1]);
		switch (c) {
		case 'a':
			arch = arch_by_name(optarg);
			if (arch < 0)
				return usage("unknown architecture", optarg);
			o->target.arch = (enum arch_id)arch;
			break;
		case 'u':
			if (strcmp(optarg, "deny") != 0 && strcmp(optarg, "allow") != 0)
				return usage("--userns is deny or allow, not", optarg);
			o->target.userns_allow = optarg[0] == 'a';
			break;
		case 'f':
			if (strcmp(optarg, "bpf") != 0 && strcmp(optarg, "c") != 0 &&
			    strcmp(optarg, "json") != 0 && strcmp(optarg, "list") != 0)
				return usage("--format is bpf, c, json or list, not", optarg);
			o->format = optarg;
			break;
		case 'n':
			o->name = optarg;
			break;
		case 'o':
			o->output = optarg;
			break;
		case ':':
			return usage("a value is missing after", argv[optind - 1]);
		default:
			return usage("unknown option", argv[optind - 1]);
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {.format = "bpf"};
	const char *command = argc > 1 ? argv[1] : "";
	int i, rc;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
			fputs(help, stdout);
			return 0;
		}
	}
	o.target.arch =
		policy_native_arch() == arch_audit(ARCH_X86_64) ? ARCH_X86_64 : ARCH_AARCH64;
	o.takes = strcmp(command, "compile") == 0 ? "aufno"
		  : strcmp(command, "list") == 0  ? "auno"
		  : strcmp(command, "diff") == 0  ? "au"
						  : "";
	if (strcmp(command, "list") == 0) {
		o.format = "list";
		o.output = "-";
	}
	if (argc > 1) {
		argc--;
		argv++;
	}
	rc = parse_options(argc, argv, &o);
	if (rc != 0)
		return rc;
	argv += optind;
	argc -= optind;
	if (strcmp(command, "compile") == 0 || strcmp(command, "list") == 0)
		return compile(&o, argv, argc);
	if (strcmp(command, "diff") == 0)
		return diff(&o, argv, argc);
	if (strcmp(command, "check") != 0)
		return usage(command[0] != '\0' ? "unknown command" : "no command",
			     command[0] != '\0' ? command : NULL);
	if (argc < 1)
		return usage("no FILE", NULL);
	for (i = 0; i < argc; i++) {
		rc = check_file(argv[i]);
		if (rc != 0)
			return rc;
	}
	return 0;
}
