/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's tar, unpacked into a folder of its own; beside it lies one that
 * has to stay as it is.
 */
#include <fcntl.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/rustbox/image/unpack.h"
#include "cmd/rustbox/store/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/layer_fuzz.XXXXXX";
static int top = -1;

static void drop(void)
{
	struct error err;

	(void)tree_remove(AT_FDCWD, folder, &err);
}

static void no_log(void *data, enum log_level level, const char *text)
{
	(void)data;
	(void)level;
	(void)text;
}

static void set_up(void)
{
	if (top >= 0)
		return;
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	log_redirect(no_log, NULL);
	if (!mkdtemp(folder))
		abort();
	(void)atexit(drop);
	top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0 || mkdirat(top, "outside", 0755) < 0)
		abort();
}

static void check_outside(void)
{
	struct stat st;

	if (fstatat(top, "outside", &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_nlink != 2 ||
	    st.st_mode != (S_IFDIR | 0755))
		abort();
	if (fstat(top, &st) < 0 || st.st_nlink != 4)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tar_stream stream = { .limits = { 1 << 20 } };
	struct unpack how = { .is_layer = true };
	struct error err = { 0 };

	set_up();
	if (tree_remove(top, "to", &err) < 0 || mkdirat(top, "to", 0755) < 0)
		abort();
	cleanup_fd int to = openat(top, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int tar = memfd_create("tar", MFD_CLOEXEC);
	if (to < 0 || tar < 0 || pwrite(tar, data, size, 0) != (ssize_t)size)
		abort();
	how.folder = to;
	if ((tar_stream_open(&stream, tar, "fuzz", TAR_ANY, -1, &err) < 0 ||
	     unpack(&stream, &how, &err) < 0) &&
	    !*err.text)
		abort();
	tar_stream_close(&stream);
	check_outside();
	return 0;
}
