/* SPDX-License-Identifier: Apache-2.0 */
/* What blobs are: the media types of image-spec and of Docker's distribution. */
#pragma once

#include "base/error.h"
#include "cmd/rustbox/image/tar_stream.h"

enum media_kind { MEDIA_INDEX, MEDIA_MANIFEST, MEDIA_CONFIG, MEDIA_LAYER };

/* What a descriptor says it is. -1 with err, by name, when it is not one of those. */
int media_type_read(const char *text, enum media_kind *ret, enum tar_filter *ret_filter,
		    struct error *err);
/* The same where one kind only will do. */
int media_type_check(const char *text, enum media_kind kind, enum tar_filter *ret_filter,
		     struct error *err);
