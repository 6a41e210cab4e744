/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of a host that is a tmpfs on /sys/class, in a mount namespace of this program's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "discover.h"

#define DRM "/sys/class/drm"

static bool may_mount;

static void put(const char *name, const char *file, const char *text)
{
	char path[128];
	FILE *out;

	(void)snprintf(path, sizeof(path), DRM "/%s/%s", name, file);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	(void)fclose(out);
}

/* Without numbers: it has no node. */
static void make_device(const char *name, const char *numbers)
{
	unsigned int major_number, minor_number;
	char text[128] = "";

	(void)snprintf(text, sizeof(text), DRM "/%s", name);
	assert_int_equal(mkdir(text, 0755), 0);
	(void)snprintf(text, sizeof(text), DRM "/%s/subsystem", name);
	assert_int_equal(symlink("../../drm", text), 0);
	text[0] = '\0';
	if (numbers) {
		assert_int_equal(sscanf(numbers, "%u:%u", &major_number, &minor_number), 2);
		put(name, "dev", numbers);
		(void)snprintf(text, sizeof(text), "MAJOR=%u\nMINOR=%u\nDEVNAME=dri/%s\n",
			       major_number, minor_number, name);
	}
	put(name, "uevent", text);
}

static int make_host(void **state)
{
	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("class", "/sys/class", "tmpfs", 0, NULL) < 0)
		return 0;
	may_mount = true;
	/* libudev's, for what is no sysfs. */
	(void)setenv("SYSTEMD_DEVICE_VERIFY_SYSFS", "0", 1);
	assert_int_equal(mkdir(DRM, 0755), 0);
	/* Three that have primary nodes, two of which draw; the rest have none. */
	make_device("card0", "226:0");
	make_device("card1", "226:1");
	make_device("card2", "226:2");
	make_device("renderD128", "226:128");
	make_device("renderD129", "226:129");
	make_device("card1-HDMI-A-1", NULL);
	make_device("card3", NULL);
	make_device("card4", "1:4");
	make_device("card5", "226:133");
	return 0;
}

/* What a list makes of card0, card1, card2, renderD128 and renderD129: n a node, - its name, . nothing */
static void expect(const char *list, const char *wanted)
{
	static const char *const names[] = {"dri/card0", "dri/card1", "dri/card2", "dri/renderD128",
					    "dri/renderD129"};
	static struct nodes nodes;
	struct devices d;
	struct finding f;
	char found[6] = "";

	assert_int_equal(devices_parse(list, &d, &f), 0);
	assert_int_equal(discover(&d, NULL, &nodes, &f), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct node *n = nodes_find(&nodes, names[i]);

		found[i] = !n ? '.' : n->name_only ? '-' : 'n';
	}
	if (strcmp(found, wanted) != 0)
		fail_msg("%s: %s, not %s", list, found, wanted);
	for (size_t i = 0; i < nodes.count; i++) {
		const char *name = nodes.node[i].name;

		/* No connector, nothing without a node, no other driver's and none that draws. */
		if (nodes.node[i].name_only && (name[8] > '2' || name[9]))
			fail_msg("%s: %s", list, name);
	}
}

static void whichever_gpu_draws_all_primary_nodes_have_their_names(void **state)
{
	(void)state;
	if (!may_mount)
		skip();
	expect("gpu", "---nn");
	expect("gpu:renderD128", "---n.");
	expect("gpu:renderD129", "---.n");
	/* None of them draws. */
	expect("gpu:nvidia0", "---..");
}

static void naming_one_primary_node_takes_no_name_from_the_others(void **state)
{
	(void)state;
	if (!may_mount)
		skip();
	expect("gpu,gpu-primary:card1", "-n-nn");
	expect("gpu:renderD129,gpu-primary:card2", "--n.n");
	expect("gpu,gpu-primary", "nnnnn");
}

static void who_asks_for_no_gpu_gets_no_names(void **state)
{
	(void)state;
	if (!may_mount)
		skip();
	expect("gpu-primary:card1", ".n...");
	expect("sound", ".....");
	expect("none", ".....");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whichever_gpu_draws_all_primary_nodes_have_their_names),
		cmocka_unit_test(naming_one_primary_node_takes_no_name_from_the_others),
		cmocka_unit_test(who_asks_for_no_gpu_gets_no_names),
	};

	return cmocka_run_group_tests(tests, make_host, NULL);
}
