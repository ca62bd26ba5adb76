/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who reads an output FIFO: clients close their end as soon as they are told
 * that a process is deleted, read or not.
 */
#pragma once

#include <stdbool.h>

/*
 * The FIFO behind an open descriptor, by a descriptor that is neither reader
 * nor writer (O_PATH). -1 when it is no FIFO, or cannot be had.
 */
int stdio_reader_find(int fd);

/* Opened for writing alone: broken as soon as the last client has gone. -1 when it cannot be had.
 */
int stdio_reader_open_writer(int fifo);

/* True when the FIFO is empty, or nobody is there to read it. */
bool stdio_reader_is_done(int fifo);
