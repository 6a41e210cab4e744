/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcap-ng refers to stdio and syslog in paths that are not taken here (the
 * bounding set, see confine.c; printing), and to strtoul(3). Linking them would more than double this program
 * and bring a heap and format parsing into PID 1. So the linker finds these instead:
 * a path that does get here ends the program, it does not go on unconfined.
 * Only for the static build; a host build takes the real ones.
 */
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <syslog.h>

FILE *fopen(const char *restrict path, const char *restrict mode)
{
	(void)path;
	(void)mode;
	__builtin_trap();
}

int fclose(FILE *f)
{
	(void)f;
	__builtin_trap();
}

char *fgets(char *restrict s, int size, FILE *restrict f)
{
	(void)s;
	(void)size;
	(void)f;
	__builtin_trap();
}

int __fsetlocking(FILE *f, int type)
{
	(void)f;
	(void)type;
	__builtin_trap();
}

int snprintf(char *restrict s, size_t size, const char *restrict format, ...)
{
	(void)s;
	(void)size;
	(void)format;
	__builtin_trap();
}

int sscanf(const char *restrict s, const char *restrict format, ...)
{
	(void)s;
	(void)format;
	__builtin_trap();
}

int printf(const char *restrict format, ...)
{
	(void)format;
	__builtin_trap();
}

int sprintf(char *restrict s, const char *restrict format, ...)
{
	(void)s;
	(void)format;
	__builtin_trap();
}

/* This one is called, by the library's constructor: the kernel's last capability. */
unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
	unsigned long n = 0;

	if (end || base != 10)
		__builtin_trap();
	while (*s >= '0' && *s <= '9')
		n = n * 10 + (unsigned long)(*s++ - '0');
	return n;
}

void syslog(int priority, const char *format, ...)
{
	(void)priority;
	(void)format;
	__builtin_trap();
}
