/* SPDX-License-Identifier: Apache-2.0 */
/* Names of errors and signals, which musl does not give out. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "escape.h"

struct name {
	int number;
	const char *name;
};

#define NAME(x)       \
	{             \
		x, #x \
	}

static const struct name errors[] = {
	NAME(EPERM),	    NAME(ENOENT),	   NAME(ESRCH),	       NAME(EINTR),
	NAME(EIO),	    NAME(ENXIO),	   NAME(E2BIG),	       NAME(EBADF),
	NAME(ECHILD),	    NAME(EAGAIN),	   NAME(ENOMEM),       NAME(EACCES),
	NAME(EFAULT),	    NAME(ENOTBLK),	   NAME(EBUSY),	       NAME(EEXIST),
	NAME(EXDEV),	    NAME(ENODEV),	   NAME(ENOTDIR),      NAME(EISDIR),
	NAME(EINVAL),	    NAME(EMFILE),	   NAME(ENOTTY),       NAME(ETXTBSY),
	NAME(ENOSPC),	    NAME(EROFS),	   NAME(ENAMETOOLONG), NAME(ENOSYS),
	NAME(ELOOP),	    NAME(ENODATA),	   NAME(EOVERFLOW),    NAME(EUSERS),
	NAME(EPROTO),	    NAME(EPROTONOSUPPORT), NAME(EPROTOTYPE),   NAME(ESOCKTNOSUPPORT),
	NAME(EOPNOTSUPP),   NAME(EAFNOSUPPORT),	   NAME(EPFNOSUPPORT), NAME(EADDRNOTAVAIL),
	NAME(ECONNREFUSED), NAME(ENOPROTOOPT),	   NAME(ENETUNREACH),  NAME(EHOSTUNREACH),
	NAME(ETIMEDOUT),    NAME(ENOKEY),	   NAME(EDQUOT),       NAME(ECONNRESET),
	NAME(ENOTCONN),
};

static const struct name signals[] = {
	NAME(SIGSYS), NAME(SIGSEGV), NAME(SIGILL),  NAME(SIGKILL), NAME(SIGTRAP),
	NAME(SIGBUS), NAME(SIGABRT), NAME(SIGTERM), NAME(SIGHUP),  NAME(SIGPIPE),
};

static const char *find(const struct name *names, size_t count, int number)
{
	static char buf[16];

	for (size_t i = 0; i < count; i++)
		if (names[i].number == number)
			return names[i].name;
	(void)snprintf(buf, sizeof(buf), "%d", number);
	return buf;
}

const char *errno_name(int err)
{
	return find(errors, sizeof(errors) / sizeof(errors[0]), err);
}

const char *signal_name(int signum)
{
	return find(signals, sizeof(signals) / sizeof(signals[0]), signum);
}
