/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tell who this process is and what it was given, one line each, then wait. Static, for images
 * without shell and libraries.
 */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	char cwd[PATH_MAX];

	for (int i = 0; i < argc; i++)
		printf("arg %d %s\n", i, argv[i]);
	printf("id %d:%d\n", (int)getuid(), (int)getgid());
	printf("cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "?");
	for (char **entry = environ; *entry; entry++)
		printf("env %s\n", *entry);
	puts("told");
	fflush(stdout);
	for (;;)
		pause();
}
