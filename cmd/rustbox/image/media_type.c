/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/media_type.h"

#include "base/str.h"

#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

static const struct {
	const char *text;
	enum media_kind kind;
	enum tar_filter filter;
} rows[] = {
	{ OCI "index.v1+json", MEDIA_INDEX, TAR_PLAIN },
	{ DOCKER "distribution.manifest.list.v2+json", MEDIA_INDEX, TAR_PLAIN },
	{ OCI "manifest.v1+json", MEDIA_MANIFEST, TAR_PLAIN },
	{ DOCKER "distribution.manifest.v2+json", MEDIA_MANIFEST, TAR_PLAIN },
	{ OCI "config.v1+json", MEDIA_CONFIG, TAR_PLAIN },
	{ DOCKER "container.image.v1+json", MEDIA_CONFIG, TAR_PLAIN },
	{ OCI "layer.v1.tar", MEDIA_LAYER, TAR_PLAIN },
	{ OCI "layer.v1.tar+gzip", MEDIA_LAYER, TAR_GZIP },
	{ OCI "layer.v1.tar+zstd", MEDIA_LAYER, TAR_ZSTD },
	{ OCI "layer.nondistributable.v1.tar", MEDIA_LAYER, TAR_PLAIN },
	{ OCI "layer.nondistributable.v1.tar+gzip", MEDIA_LAYER, TAR_GZIP },
	{ OCI "layer.nondistributable.v1.tar+zstd", MEDIA_LAYER, TAR_ZSTD },
	{ DOCKER "image.rootfs.diff.tar", MEDIA_LAYER, TAR_PLAIN },
	{ DOCKER "image.rootfs.diff.tar.gzip", MEDIA_LAYER, TAR_GZIP },
	{ DOCKER "image.rootfs.diff.tar.zstd", MEDIA_LAYER, TAR_ZSTD },
	{ DOCKER "image.rootfs.foreign.diff.tar.gzip", MEDIA_LAYER, TAR_GZIP },
};

static const char *const kind_names[] = { "an index", "a manifest", "a configuration", "a layer" };

int media_type_read(const char *text, enum media_kind *ret, enum tar_filter *ret_filter,
		    struct error *err)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!str_equal(rows[i].text, text))
			continue;
		*ret = rows[i].kind;
		*ret_filter = rows[i].filter;
		return 0;
	}
	return error_set(err, 0, "media type %.200s is not supported", text);
}

int media_type_check(const char *text, enum media_kind kind, enum tar_filter *ret_filter,
		     struct error *err)
{
	enum media_kind found;

	if (media_type_read(text, &found, ret_filter, err) < 0)
		return -1;
	return found == kind ? 0
			     : error_set(err, 0, "media type %s, where %s is wanted", text,
					 kind_names[kind]);
}
