/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape: tries the known ways out of a confinement, and says what became of each.
 *
 * Started as the confined application, it prints one line for each attempt: `blocked ID by
 * WHAT`, `reached ID: WHAT`, `skipped ID: WHY` or `broken ID: WHY` (the attempt itself failed,
 * which proves nothing). Exit status: 0 when all is as meant; 1 when something was reached that
 * should not be, or a control was not reached, or an attempt is broken; 64 for usage.
 *
 * It needs nothing but itself and what --prepare makes. In any container, an Incus instance too:
 *
 *   incus file push escape NAME/opt/escape/ -p --uid 0 --gid 0 --mode 755
 *   incus exec NAME -- /opt/escape/escape --prepare=/opt/escape/helpers
 *   incus exec NAME -- /opt/stremio-shim/stremio-shim /opt/escape/escape
 *
 * To try it as the child of PID 1, name it as the shim's command in lxc.init.cmd and read
 * `incus console NAME --show-log`. A process of another user to look at, if one is wanted:
 * `incus exec NAME --user 4242 -- /opt/escape/escape --sit &`, then --victim=find.
 *
 * --prepare needs the container's root. It leaves in the directory copies of this program that
 * are set-user-id root, set-group-id root, and carry every file capability, and three files of
 * root's: read by the owner only, by the group only, and by everybody.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escape.h"

static const struct attempt *const tables[] = {
	attempts_controls, attempts_state,  attempts_identity,	attempts_files,
	attempts_devices,  attempts_proc,   attempts_processes, attempts_namespaces,
	attempts_mounts,   attempts_kernel, attempts_uring,	attempts_seccomp,
	attempts_entry,	   attempts_memory, attempts_sockets,	attempts_terminal,
	attempts_machine,  attempts_limits,
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

struct options {
	bool json, list, landlock, userns_allowed;
	int deadline_ms;
	const char *only, *prepare;
};

struct counts {
	int attempts, blocked, reached, skipped, broken; /* BLOCK only */
	int latent, open;				 /* of these, reached */
	int controls, controls_reached;
	int unexpected;
};

static const char *kind_name(const struct attempt *a)
{
	static const char *const names[] = {"block", "latent", "open", "control"};

	return names[a->kind];
}

/* What this run means to block: Landlock and user namespaces can be off on purpose. */
static enum kind kind_here(const struct attempt *a, const struct options *o)
{
	if (a->flags & NEEDS_LANDLOCK && !o->landlock)
		return OPEN;
	if (a->flags & NEEDS_USERNS_DENY && o->userns_allowed)
		return OPEN;
	return a->kind;
}

/* --------------------------------------------------------------------------- output */

static void put_json_text(const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
}

static const char *const outcome_name[] = {"broken", "blocked", "reached", "skipped"};

static void show(const struct attempt *a, enum kind k, const struct verdict *v, bool json)
{
	static bool more;

	if (!json) {
		printf("%s %s%s%s%s\n", outcome_name[v->outcome], a->id,
		       v->outcome == BLOCKED ? " by " : ": ", v->text,
		       k == OPEN && v->outcome == REACHED     ? " [open by design]"
		       : k == CONTROL			      ? " [control]"
		       : k == LATENT && v->outcome == REACHED ? " [latent]"
							      : "");
		return;
	}
	printf("%s\n  {\"id\":\"%s\",\"kind\":\"%s\",\"expected\":\"%s\",\"outcome\":\"%s\","
	       "\"detail\":\"",
	       more ? "," : "{\"attempts\":[", a->id, kind_name(a),
	       k == OPEN      ? "either"
	       : k == CONTROL ? "reached"
			      : "blocked",
	       outcome_name[v->outcome]);
	put_json_text(v->text);
	printf("\"}");
	more = true;
}

static void show_counts(const struct counts *n, bool json)
{
	printf(json ? "\n],\"counts\":{\"attempts\":%d,\"blocked\":%d,\"reached\":%d,\"skipped\":%d,"
		      "\"broken\":%d,\"latent\":%d,\"open\":%d,\"controls\":%d,"
		      "\"controls_reached\":%d,\"unexpected\":%d}}\n"
		    : "# attempts %d: blocked %d, reached %d, skipped %d, broken %d; latent %d; "
		      "open by design %d; controls %d, reached %d; unexpected %d\n",
	       n->attempts, n->blocked, n->reached, n->skipped, n->broken, n->latent, n->open,
	       n->controls, n->controls_reached, n->unexpected);
}

static void count(struct counts *n, enum kind k, enum outcome o)
{
	bool is_reached = o == REACHED;

	switch (k) {
	case CONTROL:
		n->controls++;
		n->controls_reached += is_reached;
		n->unexpected += !is_reached && o != SKIPPED;
		return;
	case OPEN:
		n->open += is_reached;
		n->unexpected += o == BROKEN;
		return;
	case LATENT:
		n->latent += is_reached;
		break;
	case BLOCK:
		n->attempts++;
		n->blocked += o == BLOCKED;
		n->reached += is_reached;
		n->skipped += o == SKIPPED;
		n->broken += o == BROKEN;
		break;
	}
	n->unexpected += is_reached || o == BROKEN;
}

/* ---------------------------------------------------------------------------- set-up */

static void note_descriptors(struct config *c)
{
	for (int fd = 3; fd < 1024 && c->inherited_count < 8; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			c->inherited[c->inherited_count++] = fd;
}

static bool in_user_namespace(void)
{
	char buf[256];
	unsigned int inside, outside, length;

	if (slurp("/proc/self/uid_map", buf, sizeof(buf)) <= 0)
		return false;
	return sscanf(buf, "%u %u %u", &inside, &outside, &length) != 3 || inside != 0 ||
	       outside != 0 || length != 4294967295U;
}

/* The process that --sit made: its arguments are for everybody to read. */
static pid_t find_victim(void)
{
	char path[40], buf[512];
	struct stat st;

	for (int tries = 0; tries < 50; tries++, usleep(100000))
		for (pid_t pid = 2; pid < 4096; pid++) {
			const char *words;
			ssize_t n;

			(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
			n = slurp(path, buf, sizeof(buf));
			(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
			/* Two words, the second of them that: no launcher on its way to it. */
			words = memchr(buf, '\0', n > 0 ? (size_t)n : 0);
			if (words && buf + n - words == 7 && !memcmp(words + 1, "--sit", 6) &&
			    stat(path, &st) == 0 && st.st_uid != geteuid())
				return pid;
		}
	return VICTIM_UNSEEN;
}

static int usage(void)
{
	(void)fputs(
		"usage: escape [--json] [--list] [--only=PART] [--in-force=landlock]\n"
		"              [--open=userns] [--helpers=DIR] [--shim=FILE] [--abstract=NAME]\n"
		"              [--victim=PID|find] [--deadline=MILLISECONDS] [--anywhere]\n"
		"       escape --prepare=DIR   as the container's root, first\n"
		"       escape --sit           be a process of another user\n"
		"       escape --landlock-abi  say what the kernel has (-1: nothing)\n",
		stderr);
	return 64;
}

/* Return: 0, or the exit status for wrong words. */
static int parse(int argc, char **argv, struct options *o, struct config *c)
{
	static const struct option longs[] = {
		{"json", 0, NULL, 'j'},	    {"list", 0, NULL, 'l'},	{"only", 1, NULL, 'o'},
		{"in-force", 1, NULL, 'i'}, {"open", 1, NULL, 'u'},	{"helpers", 1, NULL, 'h'},
		{"shim", 1, NULL, 's'},	    {"abstract", 1, NULL, 'x'}, {"victim", 1, NULL, 'v'},
		{"deadline", 1, NULL, 'd'}, {"anywhere", 0, NULL, 'a'}, {"prepare", 1, NULL, 'p'},
		{NULL, 0, NULL, 0},
	};
	int k;

	while ((k = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (k == 'j')
			o->json = true;
		else if (k == 'l')
			o->list = true;
		else if (k == 'o')
			o->only = optarg;
		else if (k == 'i' && !strcmp(optarg, "landlock"))
			o->landlock = true;
		else if (k == 'u' && !strcmp(optarg, "userns"))
			o->userns_allowed = true;
		else if (k == 'h')
			c->helpers = optarg;
		else if (k == 's')
			c->shim = optarg;
		else if (k == 'x')
			c->abstract = optarg;
		else if (k == 'v')
			c->victim = !strcmp(optarg, "find") ? find_victim() : atoi(optarg);
		else if (k == 'd' && atoi(optarg) > 0)
			o->deadline_ms = atoi(optarg);
		else if (k == 'a')
			c->in_user_namespace = true;
		else if (k == 'p')
			o->prepare = optarg;
		else
			return usage();
	}
	return optind == argc ? 0 : usage();
}

static int run_all(const struct options *o, const struct config *c)
{
	struct counts n = {0};

	for (size_t t = 0; t < TABLES; t++)
		for (const struct attempt *a = tables[t]; a->id; a++) {
			enum kind k = kind_here(a, o);
			struct verdict v;

			if (o->only && !strstr(a->id, o->only))
				continue;
			if (o->list) {
				printf("%-8s %-34s %s\n", kind_name(a), a->id, a->what);
				continue;
			}
			(void)fflush(stdout);
			v = judge(a, c, o->deadline_ms);
			show(a, k, &v, o->json);
			count(&n, k, v.outcome);
		}
	if (o->list)
		return 0;
	show_counts(&n, o->json);
	return n.unexpected || n.attempts + n.controls + n.latent + n.open == 0;
}

int main(int argc, char **argv)
{
	struct options o = {.deadline_ms = 8000};
	struct config c = {
		.helpers = "/opt/escape/helpers",
		.shim = "/opt/stremio-shim/stremio-shim",
		.abstract = "/tmp/.X11-unix/X0",
	};
	int r;

	note_descriptors(&c);
	if (prctl(PR_GET_PDEATHSIG, &c.pdeathsig, 0, 0, 0) < 0)
		c.pdeathsig = 0;
	if (argc > 1 && !strcmp(argv[1], "--gain"))
		return helper_gain();
	if (argc > 1 && !strcmp(argv[1], "--sit"))
		return helper_sit();
	if (argc > 1 && !strcmp(argv[1], "--landlock-abi"))
		return printf("%ld\n", syscall(444, NULL, 0, 1)) < 0;
	c.is_init = getpid() == 1;
	c.parent = getppid();
	c.in_user_namespace = in_user_namespace();
	r = parse(argc, argv, &o, &c);
	if (r)
		return r;
	if (o.prepare)
		return helper_prepare(o.prepare, "/proc/self/exe");
	c.seccomp_mode = (int)status_value("self", "Seccomp", 10);
	c.effective = (unsigned long long)status_value("self", "CapEff", 16);
	(void)signal(SIGPIPE, SIG_DFL);
	return run_all(&o, &c);
}
