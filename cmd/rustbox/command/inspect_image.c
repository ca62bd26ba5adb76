/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/command/inspect_words.h"
#include "cmd/rustbox/image/image.h"

static struct value *rootfs(const struct invocation *call, const struct image_config *config,
			    struct error *err)
{
	const struct image_rootfs *rootfs = config->rootfs;
	struct fields f = { .arena = call->arena, .err = err };

	fields_text(&f, "Type", rootfs && rootfs->type ? rootfs->type : "layers");
	fields_texts(&f, "Layers", rootfs ? rootfs->diff_ids : NULL,
		     rootfs ? rootfs->n_diff_ids : 0);
	return fields_end(&f);
}

static struct value *driver(const struct invocation *call, const struct image *image,
			    struct error *err)
{
	struct fields f = { .arena = call->arena, .err = err };
	struct fields data = f;

	fields_texts(&data, "Layers", image->layers, image->n_layers);
	fields_text(&f, "Name", "overlay2");
	fields_value(&f, "Data", fields_end(&data));
	return fields_end(&f);
}

struct value *inspect_image(const struct invocation *call, const struct image *image,
			    struct error *err)
{
	static const struct image_settings no_settings;
	const struct image_config *config = image->config;
	struct fields f = { .arena = call->arena, .err = err };

	fields_text(&f, "Id", image->id);
	fields_texts(&f, "RepoTags", image->names, image->n_names);
	fields_text(&f, "Created", config->created);
	fields_text(&f, "Author", config->author);
	fields_text(&f, "Comment",
		    config->n_history ? config->history[config->n_history - 1].comment : NULL);
	fields_json(&f, "Config", &image_settings_type,
		    config->config ? config->config : &no_settings);
	fields_text(&f, "Architecture", config->architecture);
	if (config->variant)
		fields_text(&f, "Variant", config->variant);
	fields_text(&f, "Os", config->os);
	fields_number(&f, "Size", (int64_t)image->size);
	fields_value(&f, "GraphDriver", driver(call, image, err));
	fields_value(&f, "RootFS", rootfs(call, config, err));
	return fields_end(&f);
}
