/* SPDX-License-Identifier: Apache-2.0 */
/* What the bytes of an executable say: the part of executable.h that parses. */
#include <elf.h>
#include <string.h>

#include "runtime/executable.h"

enum {
	LINE_MAX_SIZE = 256, /* the kernel looks at so much of a "#!" line */
	HEADERS_MAX = 128,   /* program headers that we look at; real files have about a dozen */
	HEADER_MAX = sizeof(Elf64_Phdr),
};

/* Numbers of the file's class and byte order. */
struct elf {
	bool is_64, big;
};

static uint64_t number(const struct elf *elf, const unsigned char *p, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value = value << 8 | p[elf->big ? i : size - 1 - i];
	return value;
}

/* A member of the file's structure: by name for both classes. */
#define MEMBER(elf, p, structure, member)                                                          \
	((elf)->is_64 ? number(elf, (p) + offsetof(Elf64_##structure, member),                     \
			       sizeof(((Elf64_##structure *)0)->member))                           \
		      : number(elf, (p) + offsetof(Elf32_##structure, member),                     \
			       sizeof(((Elf32_##structure *)0)->member)))

static void read_loader(const struct executable_source *source, uint64_t offset, uint64_t size,
			struct executable_format *ret)
{
	if (size >= sizeof(ret->interpreter)) {
		ret->cut = true;
		return;
	}
	ssize_t n = source->read(source, ret->interpreter, (size_t)size, offset);
	ret->interpreter[n > 0 ? n : 0] = '\0';
}

static void parse_elf(const struct executable_source *source, const unsigned char *head,
		      size_t size, struct executable_format *ret)
{
	const struct elf elf = { .is_64 = head[EI_CLASS] == ELFCLASS64,
				 .big = head[EI_DATA] == ELFDATA2MSB };
	size_t step = elf.is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	unsigned char headers[HEADERS_MAX * HEADER_MAX];

	ret->kind = EXECUTABLE_OTHER;
	if (size < (elf.is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
		return;
	ret->kind = EXECUTABLE_ELF;
	ret->is_64 = elf.is_64;
	ret->type = (uint16_t)MEMBER(&elf, head, Ehdr, e_type);
	ret->machine = (uint16_t)MEMBER(&elf, head, Ehdr, e_machine);
	uint64_t at = MEMBER(&elf, head, Ehdr, e_phoff);
	uint64_t count = MEMBER(&elf, head, Ehdr, e_phnum);

	if (MEMBER(&elf, head, Ehdr, e_phentsize) != step || at > INT64_MAX / 2)
		return;
	if (count > HEADERS_MAX)
		count = HEADERS_MAX;
	ssize_t n = source->read(source, headers, (size_t)count * step, at);
	if (n < 0)
		return;
	for (const unsigned char *header = headers; (size_t)n >= step;
	     header += step, n -= (ssize_t)step) {
		if (MEMBER(&elf, header, Phdr, p_type) != PT_INTERP)
			continue;
		uint64_t offset = MEMBER(&elf, header, Phdr, p_offset);
		if (offset <= INT64_MAX / 2)
			read_loader(source, offset, MEMBER(&elf, header, Phdr, p_filesz), ret);
		return;
	}
}

/* "#! /path argument\n": as the kernel reads it, blanks are spaces and tabs. */
static void parse_script(const char *line, size_t size, struct executable_format *ret)
{
	const char *end = memchr(line, '\n', size);
	size_t start = 2;

	ret->kind = EXECUTABLE_SCRIPT;
	size_t length = end ? (size_t)(end - line) : size;
	while (start < length && (line[start] == ' ' || line[start] == '\t'))
		start++;
	size_t stop = start;
	while (stop < length && line[stop] != ' ' && line[stop] != '\t' && line[stop])
		stop++;
	ret->cut = !end && stop == LINE_MAX_SIZE;
	memcpy(ret->interpreter, line + start, stop - start);
	ret->interpreter[stop - start] = '\0';
	ret->crlf = end && stop == length && stop > start && line[stop - 1] == '\r';
}
_Static_assert((int)LINE_MAX_SIZE < (int)EXECUTABLE_INTERPRETER_MAX, "a line must fit");

void executable_parse(const struct executable_source *source, struct executable_format *ret)
{
	unsigned char head[LINE_MAX_SIZE] = { 0 };
	ssize_t n = source->read(source, head, sizeof(head), 0);

	memset(ret, 0, sizeof(*ret));
	if (n < 0)
		return;
	if (n == 0)
		ret->kind = EXECUTABLE_EMPTY;
	else if (n >= 2 && head[0] == '#' && head[1] == '!')
		parse_script((const char *)head, (size_t)n, ret);
	else if (n >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
		parse_elf(source, head, (size_t)n, ret);
	else
		ret->kind = EXECUTABLE_OTHER;
}
