/* SPDX-License-Identifier: Apache-2.0 */
/* stremio-hook: the host's devices into Incus instances; see stremio-hook.8. */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptors.h"
#include "hook_report.h"
#include "verbs.h"

#ifndef SHIM_VERSION
#define SHIM_VERSION "0.1.0"
#endif

static const struct {
	const char *name;
	int (*run)(const struct call *c);
	bool takes_instance;
} verbs[] = {
	{"start-host", verb_start_host, false},
	{"stop", verb_stop, false},
	{"plug", verb_plug, false},
	{"status", verb_status, true},
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const char help[] =
	"Usage: stremio-hook start-host|stop|plug [--dry-run]\n"
	"       stremio-hook status [NAME] [--json]\n"
	"\n"
	"Wires this host's GPU and sound devices into Incus instances.\n"
	"\n"
	"  start-host   for lxc.hook.start-host: wire the devices of a starting instance\n"
	"  stop         for lxc.hook.stop: forget it\n"
	"  plug         for udev: bring every running instance into line with the devices\n"
	"  status       show what is wired where; exit 69 when NAME has nothing\n"
	"\n"
	"      --dry-run  say what would be done, and do nothing\n"
	"      --json     show it as JSON\n"
	"  -h, --help     show this text\n"
	"  -V, --version  show the version\n"
	"\n"
	"Which devices: the instance's environment.STREMIO_DEVICES, words with commas between\n"
	"them: gpu, gpu-primary, sound, sound-playback, each for all cards or, as in sound:PCH,\n"
	"for one; x11, wayland, pulse and none are for others. Default gpu,sound,x11.\n";

/* What was inherited from liblxc or udev, or through them from an instance's configuration. */
static int clean_process(struct finding *f)
{
	struct rlimit no_core = {0, 0};
	unsigned int closed;
	int r = descriptors_clean(&closed, f);

	if (r < 0)
		return r;
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
	umask(022);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_DUMPABLE, 0);
	/* No supplementary groups: of no use to host root, and a way around the ids that
	 * instance_enter() takes. */
	if (chdir("/") < 0 || (geteuid() == 0 && setgroups(0, NULL) < 0))
		return finding_set(f, EXIT_SETUP, "process", errno,
				   "cannot leave what was inherited behind", NULL, NULL);
	return 0;
}

static int find_verb(const char *word)
{
	for (size_t i = 0; i < VERBS; i++) {
		if (!strcmp(word, verbs[i].name))
			return (int)i;
	}
	return -EINVAL;
}

static int parse_word(const char *word, int *verb, struct call *c)
{
	if (!strcmp(word, "--dry-run")) {
		c->dry_run = true;
	} else if (!strcmp(word, "--json")) {
		c->json = true;
	} else if (*verb < 0) {
		*verb = find_verb(word);
		return *verb < 0 ? -EINVAL : 0;
	} else if (verbs[*verb].takes_instance && !c->instance && word[0] != '-') {
		c->instance = word;
	} else {
		return -EINVAL;
	}
	return 0;
}

/* Return: the verb's place in the table, or -EINVAL and a finding. */
static int parse(char **argv, struct call *c, struct finding *f)
{
	int verb = -1;

	for (char **word = argv + 1; *word; word++) {
		if (parse_word(*word, &verb, c) < 0)
			return finding_set(f, EXIT_USAGE, "options", 0, "not understood:", *word,
					   "see stremio-hook --help");
	}
	if (verb < 0)
		return finding_set(f, EXIT_USAGE, "options", 0, "no verb", NULL,
				   "see stremio-hook --help");
	if (verbs[verb].takes_instance ? c->dry_run : c->json)
		return finding_set(f, EXIT_USAGE, "options", 0, "an option of another verb", NULL,
				   "see stremio-hook --help");
	return verb;
}

static int give_up(const struct call *c, const struct finding *f)
{
	struct report rep;

	report_open(&rep, c->rq.name, c->rq.log);
	report(&rep, REPORT_ERROR, f);
	report_close(&rep);
	/* A slip in the profile's line costs the devices, not the instance. */
	return c->rq.from_start ? 0 : f->status;
}

int main(int argc, char **argv)
{
	struct call c = {.monitor = getppid()};
	struct finding f;
	int verb;

	request_read(&c.rq);
	if (clean_process(&f) < 0)
		return give_up(&c, &f);
	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return fputs(help, stdout) < 0 || fflush(stdout) ? EXIT_SETUP : 0;
	if (argc == 2 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")))
		return puts("stremio-hook " SHIM_VERSION) < 0 || fflush(stdout) ? EXIT_SETUP : 0;
	verb = parse(argv, &c, &f);
	if (verb < 0)
		return give_up(&c, &f);
	/* A line at a time: several workers write there. */
	if (c.dry_run)
		(void)setvbuf(stdout, NULL, _IOLBF, 0);
	verb = verbs[verb].run(&c);
	(void)fflush(stdout);
	(void)signal(SIGCHLD, SIG_IGN); /* worker.h */
	/* Not through exit(3), whose handlers touch fifteen pages of libraries to no end. */
	_exit(verb);
}
