/* SPDX-License-Identifier: Apache-2.0 */
/* own_pages: memory that a launch takes, at once, and given back when it is over. */
#ifndef SHIM_OWN_PAGES_H
#define SHIM_OWN_PAGES_H

#define OWN_PAGE 4096 /* bytes, the least of any kernel: larger ones refuse, or have more */

/**
 * own_pages_below() - have the pages below an address there before they are written to.
 * @at: in the first page of a stack that is there already, or its end. @pages: how many below that
 *	one will be used, of OWN_PAGE bytes.
 *
 * A page fault costs ten times what a page does that comes with others. A failure changes
 * nothing: then each page comes when it is touched.
 * Source: MADV_POPULATE_WRITE of madvise(2), Linux 5.14.
 */
void own_pages_below(const void *at, unsigned int pages);

/**
 * own_pages_release() - let go of this program's resident code and constants.
 *
 * Most of them serve the launch, and the supervisor lives for days. What it still needs comes
 * back from the page cache when it is touched. A failure only keeps memory.
 * Source: MADV_DONTNEED of madvise(2), on segments that are not writable.
 */
void own_pages_release(void);

#endif
