/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into stremio-hook by the tests: libudev takes a directory for a device although it
 * lies on a tmpfs. libudev has a variable for that, which the hook, as it should, has cleared.
 *
 * It calls nothing, so that loading it costs the hook next to nothing where that is measured.
 */
char *secure_getenv(const char *name)
{
	static const char wanted[] = "SYSTEMD_DEVICE_VERIFY_SYSFS";
	static char no[] = "0";
	unsigned int i = 0;

	while (i < sizeof(wanted) && name[i] == wanted[i])
		i++;
	return i < sizeof(wanted) ? (char *)0 : no;
}
