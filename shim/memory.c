/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

void memory_trim(void)
{
	(void)malloc_trim(0);
}

/* The kernel maps whole pages of a segment; the next one begins on a page of its own. */
static size_t unmap_segment(const ElfW(Phdr) * segment, ElfW(Addr) base)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	ElfW(Addr) begin = (base + segment->p_vaddr) & ~(page - 1);
	ElfW(Addr) end = (base + segment->p_vaddr + segment->p_filesz + page - 1) & ~(page - 1);

	// NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers
	return madvise((void *)begin, end - begin, MADV_DONTNEED) == 0 ? end - begin : 0;
}

/* The first object is the program; one that is linked dynamically has others. */
static int unmap_program(struct dl_phdr_info *info, size_t size, void *data)
{
	size_t *ret_bytes = data;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			*ret_bytes += unmap_segment(segment, info->dlpi_addr);
	}
	return 1;
}

size_t memory_give_back(void)
{
	size_t bytes = 0;

	memory_trim();
	(void)dl_iterate_phdr(unmap_program, &bytes);
	return bytes;
}
