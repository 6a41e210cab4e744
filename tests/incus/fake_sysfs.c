/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into stremio-hook by the tests: libudev takes a directory for a device although it
 * lies on a tmpfs. libudev has a variable for that, which the hook, as it should, has cleared.
 */
#include <stdlib.h>
#include <string.h>

char *secure_getenv(const char *name)
{
	static char no[] = "0";

	return strcmp(name, "SYSTEMD_DEVICE_VERIFY_SYSFS") ? NULL : no;
}
