/* SPDX-License-Identifier: Apache-2.0 */
/* Shares and limits of block I/O. */
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/str.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/vector.h"

enum { WEIGHT_LEAST = 10, WEIGHT_MOST = 1000 };

struct device_value {
	int64_t major, minor;
	const char *text; /* what stands behind the device */
};

/* "/dev/sda:VALUE" */
static int read_device(const struct plan *plan, const char *option, const char *text,
		       struct device_value *ret, struct error *err)
{
	const char *colon = strrchr(text, ':');
	char *path = colon ? arena_strndup(plan->arena, text, (size_t)(colon - text), err) : NULL;
	struct stat st;

	if (!colon || colon == text || !colon[1])
		return error_set(err, 0, "--%s %s: write DEVICE:VALUE, as /dev/sda:%s", option,
				 text, strstr(option, "bps") ? "10m" : "100");
	if (!path)
		return -1;
	if (stat(path, &st) < 0)
		return error_set(err, errno, "--%s %s", option, path);
	if (!S_ISBLK(st.st_mode))
		return error_set(err, 0, "--%s %s: not a block device", option, path);
	*ret = (struct device_value){ major(st.st_rdev), minor(st.st_rdev), colon + 1 };
	return 0;
}

/* Bytes as sizes are written; operations are plain numbers. */
static int read_rate(const char *option, const char *text, uint64_t *ret, struct error *err)
{
	int64_t bytes = 0;

	if (str_ends_with(option, "bps")) {
		if (plan_read_size(option, text, false, &bytes, err) < 0)
			return -1;
		*ret = (uint64_t)bytes;
		return 0;
	}
	return str_to_uint(text, 10, UINT32_MAX, ret)
		       ? 0
		       : error_set(err, 0, "--%s: \"%s\" is no number", option, text);
}

static int set_rates(struct plan *plan, const char *option, const struct option_strings *given,
		     struct spec_block_throttle **ret, size_t *ret_n, struct error *err)
{
	for (size_t i = 0; i < given->count; i++) {
		struct spec_block_throttle *rate;
		struct device_value value;
		uint64_t number;

		if (read_device(plan, option, given->items[i], &value, err) < 0 ||
		    read_rate(option, value.text, &number, err) < 0)
			return -1;
		rate = VECTOR_ADD(*ret, *ret_n, plan->arena, err);
		if (!rate)
			return -1;
		rate->major = value.major;
		rate->minor = value.minor;
		rate->rate = number;
	}
	return 0;
}

static int set_weights(struct plan *plan, struct spec_block_io *io, struct error *err)
{
	const struct option_strings *given = &plan->options->blkio_weight_device;
	const struct option_int *weight = &plan->options->blkio_weight;

	if (weight->set && weight->value && weight->value < WEIGHT_LEAST)
		return error_set(err, 0, "--blkio-weight: from %d to %d, or 0", WEIGHT_LEAST,
				 WEIGHT_MOST);
	if (weight->set && weight->value)
		io->weight = (struct json_uint){ true, (uint64_t)weight->value };
	for (size_t i = 0; i < given->count; i++) {
		struct spec_block_weight *element;
		struct device_value value;
		uint64_t number;

		if (read_device(plan, "blkio-weight-device", given->items[i], &value, err) < 0)
			return -1;
		if (!str_to_uint(value.text, 10, WEIGHT_MOST, &number) || number < WEIGHT_LEAST)
			return error_set(err, 0, "--blkio-weight-device %s: from %d to %d",
					 given->items[i], WEIGHT_LEAST, WEIGHT_MOST);
		element = VECTOR_ADD(io->weight_device, io->n_weight_device, plan->arena, err);
		if (!element)
			return -1;
		element->major = value.major;
		element->minor = value.minor;
		element->weight = (struct json_uint){ true, number };
	}
	return 0;
}

static bool is_given(const struct create_options *o)
{
	return (o->blkio_weight.set && o->blkio_weight.value) || o->blkio_weight_device.count ||
	       o->device_read_bps.count || o->device_write_bps.count || o->device_read_iops.count ||
	       o->device_write_iops.count;
}

int plan_block_io(struct plan *plan, struct error *err)
{
	const struct create_options *o = plan->options;
	struct spec_block_io *io;

	if (!is_given(o))
		return 0;
	io = arena_alloc(plan->arena, sizeof(*io), err);
	if (!io || set_weights(plan, io, err) < 0 ||
	    set_rates(plan, "device-read-bps", &o->device_read_bps, &io->throttle_read_bps,
		      &io->n_throttle_read_bps, err) < 0 ||
	    set_rates(plan, "device-write-bps", &o->device_write_bps, &io->throttle_write_bps,
		      &io->n_throttle_write_bps, err) < 0 ||
	    set_rates(plan, "device-read-iops", &o->device_read_iops, &io->throttle_read_iops,
		      &io->n_throttle_read_iops, err) < 0 ||
	    set_rates(plan, "device-write-iops", &o->device_write_iops, &io->throttle_write_iops,
		      &io->n_throttle_write_iops, err) < 0)
		return -1;
	plan->spec->linux->resources->block_io = io;
	return 0;
}
