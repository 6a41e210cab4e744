/* SPDX-License-Identifier: Apache-2.0 */
#include "own_pages.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE ((uintptr_t)OWN_PAGE)

#define POPULATE_WRITE 23 /* linux/mman.h; headers of an older distribution lack it */

/* The linker's: this program's own first bytes. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

void own_pages_below(const void *at, unsigned int pages)
{
	uintptr_t bytes = pages * PAGE;

	(void)madvise((void *)(((uintptr_t)at & ~(PAGE - 1)) - bytes), bytes, POPULATE_WRITE);
}

void own_pages_release(void)
{
	const ElfW(Ehdr) *file = &__ehdr_start;
	const ElfW(Phdr) *segment = (const void *)((const char *)file + file->e_phoff);
	uintptr_t base = file->e_type == ET_EXEC ? 0 : (uintptr_t)file;

	for (int i = 0; i < file->e_phnum; i++, segment++) {
		uintptr_t start = (base + segment->p_vaddr) & ~(PAGE - 1);

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			(void)madvise((void *)start,
				      base + segment->p_vaddr + segment->p_memsz - start,
				      MADV_DONTNEED);
	}
}
