// SPDX-License-Identifier: Apache-2.0
/*
 * Linked into the sanitizer build of the shim. Leak detection stops the world with calls that
 * PID 1's own filter denies, and the shim has no heap to leak from.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=0:exitcode=99:handle_segv=0:handle_sigbus=0:"
	       "handle_sigfpe=0:handle_abort=0";
}
