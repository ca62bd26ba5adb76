/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime has written about its failure: its log, lines of JSON such as
 * {"level":"error","msg":"…","time":"…"}, and its standard error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * The message of the log's last line of level error, or worse. True with err
 * set, false when there is none. Warnings go to our own log, `source` in front.
 * What is not a line of JSON is passed over. The text is changed.
 */
bool engine_log_find_error(char *text, size_t size, const char *source, struct error *err);

/* The last line that is not empty; true with err set. The text is changed. */
bool engine_log_find_last_line(char *text, size_t size, struct error *err);

/* The end of the file, 64 KiB at most. Malloc'd; NULL when it is empty. */
char *engine_log_read_end(int fd, size_t *ret_size);
