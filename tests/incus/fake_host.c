/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs DIR/real-hook, DIR being where this program lies, on a host that has other devices: in a
 * mount namespace of its own DIR/class stands for /sys/class, DIR/dev, if there is one, for /dev,
 * and fake_sysfs.so is loaded. Environment and arguments go to it as they are, but for that. Who
 * is not root has the real hook as it is: it is asked for its version, as by doctor.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static int die(const char *what)
{
	perror(what);
	return 125;
}

int main(int argc, char **argv)
{
	char dir[4096];
	ssize_t len = readlink("/proc/self/exe", dir, sizeof(dir) - 1);

	(void)argc;
	if (len <= 0)
		return die("/proc/self/exe");
	dir[len] = '\0';
	*strrchr(dir, '/') = '\0';
	if (geteuid() != 0) {
		execv(strcat(dir, "/real-hook"), argv);
		return die(dir);
	}
	if (chdir(dir) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("class", "/sys/class", NULL, MS_BIND, NULL) < 0)
		return die(dir);
	if (mount("dev", "/dev", NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
		return die("dev");
	if (setenv("LD_PRELOAD", strcat(dir, "/fake_sysfs.so"), 1) < 0)
		return die("setenv");
	*strrchr(dir, '/') = '\0';
	execv(strcat(dir, "/real-hook"), argv);
	return die(dir);
}
