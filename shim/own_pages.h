/* SPDX-License-Identifier: Apache-2.0 */
/* own_pages: memory that a launch takes, at once, and given back when it is over. */
#ifndef SHIM_OWN_PAGES_H
#define SHIM_OWN_PAGES_H

#include <stdint.h>

/**
 * own_pages_below() - have the pages below an address there before they are written to.
 * @top: the end of a stack, a multiple of the page size. @bytes: how much of it will be used.
 *
 * A page fault costs ten times what a page does that comes with others. A failure changes
 * nothing: then each page comes when it is touched.
 * Source: MADV_POPULATE_WRITE of madvise(2), Linux 5.14.
 */
void own_pages_below(uintptr_t top, uintptr_t bytes);

/**
 * own_pages_release() - let go of this program's resident code and constants.
 *
 * Most of them serve the launch, and the supervisor lives for days. What it still needs comes
 * back from the page cache when it is touched. A failure only keeps memory.
 * Source: MADV_DONTNEED of madvise(2), on segments that are not writable.
 */
void own_pages_release(void);

#endif
