/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of images, as Docker's users write them: [HOST[:PORT]/]PATH[:TAG].
 * Here they have one form only: "docker.io/library/busybox:latest", "busybox"
 * and "library/busybox" all are "busybox:latest". podman's "localhost/" stays.
 */
#pragma once

#include "base/error.h"
#include "base/mem.h"

enum { REFERENCE_MAX = 240 }; /* bytes of a name: a file is called so */

/* The one form of it, in the arena. A digest ("name@sha256:…") is refused: it is not a name. */
int reference_read(const char *text, struct arena *arena, char **ret, struct error *err);

/* To and from the file name in images/references/: '/' is '%' there. In place. */
void reference_to_file(char *name);
void reference_from_file(char *name);
