/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void memory_trim(void)
{
	(void)malloc_trim(0);
}

/* The kernel maps whole pages of a segment; the next one begins on a page of its own. */
static size_t unmap_segment(const struct dl_phdr_info *program, size_t i)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = program->dlpi_addr + program->dlpi_phdr[i].p_vaddr;
	uintptr_t end = begin + program->dlpi_phdr[i].p_filesz;

	begin &= ~(page - 1);
	end = (end + page - 1) & ~(page - 1);
	// NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers
	return madvise((void *)begin, end - begin, MADV_DONTNEED) == 0 ? end - begin : 0;
}

/* The first object is the program; one that is linked dynamically has others. */
static int unmap_program(struct dl_phdr_info *program, size_t size, void *data)
{
	size_t *ret_bytes = data;

	for (size_t i = 0; i < program->dlpi_phnum; i++)
		if (program->dlpi_phdr[i].p_type == PT_LOAD &&
		    !(program->dlpi_phdr[i].p_flags & PF_W))
			*ret_bytes += unmap_segment(program, i);
	return 1;
}

size_t memory_give_back(void)
{
	size_t bytes = 0;

	memory_trim();
	(void)dl_iterate_phdr(unmap_program, &bytes);
	return bytes;
}
