/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Make each system call that incus-profile.yaml takes away, with arguments that do no harm
 * where it is there, and print its name and errno. Static, for an image without libraries.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name)                \
	{                         \
#name, SYS_##name \
	}

int main(void)
{
	static const struct {
		const char *name;
		long nr;
	} calls[] = {
		CALL(add_key),
		CALL(bpf),
		CALL(fanotify_init),
		CALL(io_uring_enter),
		CALL(io_uring_register),
		CALL(io_uring_setup),
		CALL(keyctl),
		CALL(perf_event_open),
		CALL(request_key),
		CALL(userfaultfd),
	};

	for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		errno = 0;
		(void)syscall(calls[i].nr, -1L, 0L, 0L, 0L, 0L, 0L);
		printf("%s %d\n", calls[i].name, errno);
	}
	return 0;
}
