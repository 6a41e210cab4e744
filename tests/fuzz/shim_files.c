// SPDX-License-Identifier: Apache-2.0
/*
 * The readers that PID 1 itself has: lines of passwd and group files, the args file, and the
 * kernel's status text. The first byte chooses, the rest is the text.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "args_file.h"
#include "groups.h"
#include "verify.h"

#define WORDS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void passwd(char *text)
{
	struct account a;

	if (account_parse_passwd(text, &a) < 0)
		return;
	assert(a.listed && a.home[0] == '/' && a.shell[0] == '/' && a.name[0]);
	assert(a.uid != (uid_t)-1 && a.gid != (gid_t)-1);
	assert(memchr(a.name, '\0', sizeof(a.name)) && memchr(a.home, '\0', sizeof(a.home)));
}

static void group(char *text)
{
	const char *name;
	gid_t gid;

	if (account_parse_group(text, &name, &gid) == 0)
		assert(name[0] && gid != (gid_t)-1);
}

static void args(char *text, size_t size)
{
	char *words[WORDS];
	int n = args_file_split(text, size, words, WORDS);

	if (n < 0)
		return;
	assert(n < WORDS && !words[n]);
	for (int i = 0; i < n; i++)
		assert(words[i] >= text && words[i] <= text + size && words[i][0] != '#');
}

/* A text that says anything but this must not pass. */
static void status(const char *text)
{
	struct groups none = {.count = 0};
	struct expectation e = {.uid = 1000, .gid = 1000, .groups = &none, .filtered = true};
	struct finding f;

	if (verify_status(text, &e, &f) == 0)
		assert(strstr(text, "NoNewPrivs:") && strstr(text, "CapEff:") &&
		       strstr(text, "Seccomp:"));
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
	switch (data[0] % 4) {
	case 0:
		passwd(text);
		break;
	case 1:
		group(text);
		break;
	case 2:
		args(text, size - 1);
		break;
	default:
		status(text);
	}
	free(text);
	return 0;
}
