/* SPDX-License-Identifier: Apache-2.0 */
/* own_pages: give back what of this program is over. */
#ifndef SHIM_OWN_PAGES_H
#define SHIM_OWN_PAGES_H

/**
 * own_pages_release() - let go of this program's resident code and constants.
 *
 * Most of them serve the launch, and the supervisor lives for days. What it still needs comes
 * back from the page cache when it is touched. A failure only keeps memory.
 * Source: MADV_DONTNEED of madvise(2), on segments that are not writable.
 */
void own_pages_release(void);

#endif
