// SPDX-License-Identifier: Apache-2.0
/* The smallest application: exits at once, or with any argument waits for a signal. */
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		pause();
	return 0;
}
