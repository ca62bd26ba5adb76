/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled seccomp filters, kept from one container to the next: libseccomp
 * takes longer for an engine's usual profile than all the rest of a create.
 *
 * An entry is a file that begins with the SHA-256 of all that the program
 * depends on: the configuration, libseccomp's version and ours. Its name is one
 * of 256, of that digest's first byte: an entry that nobody wants any more, as
 * after an update, gives way to the next one there, and nothing has to be
 * counted or tidied up. Only root has a cache, in a folder that nobody else may
 * enter; whatever is wrong with it, there is none.
 */
#pragma once

#include "runtime/seccomp.h"

#define SECCOMP_CACHE_DIRECTORY "/run/rustbox-seccomp"

/* seccomp_compile(), or what it has given before. `directory` is made when it is missing. */
int seccomp_cache_compile(const char *directory, const struct spec_seccomp *config,
			  struct arena *arena, struct seccomp_filter *ret, struct error *err);

/*
 * The filter of a container: linux.seccomp by way of the cache, or the program
 * of its own that an annotation brings. *ret is `filter`, or NULL: none.
 */
int seccomp_prepare(const struct spec *spec, struct arena *arena, struct seccomp_filter *filter,
		    const struct seccomp_filter **ret, struct error *err);
