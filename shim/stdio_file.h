/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side of standard streams: FIFOs and files. Nothing here blocks on a FIFO. */
#pragma once

#include "base/error.h"
#include "shim/stdio_uri.h"

/*
 * For writing. A FIFO is opened for reading, too: as long as we hold it,
 * clients may come and go, and the process gets no EPIPE. A file that a path
 * names must exist; file:// makes it (0644) and its folders (0755). Files are
 * appended to.
 */
int stdio_file_open_output(const struct stdio_uri *uri, struct error *err);

/*
 * The same of a FIFO, as soon as a client has it open, or waits for it to be
 * opened: what is written to one that nobody has opened is lost when we close
 * it. -1 with errno: ENXIO, there is no client yet; anything else, it is no
 * FIFO, or stdio_file_open_output() will say what is wrong.
 */
int stdio_file_meet_client(const struct stdio_uri *uri);

/*
 * For reading. *ret_keep is a writing end of the FIFO (-1 of a file): as long
 * as it is open the clients' leaving is no end of file.
 */
int stdio_file_open_input(const char *path, int *ret_keep, struct error *err);
