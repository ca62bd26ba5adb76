/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instructions config|profile|frames FILE
 *
 * Does once what every container costs the processor and nobody else: reading
 * its configuration, the key of its seccomp profile, ttrpc's frames. callgrind
 * counts the instructions of measured() alone (integration/instructions.bats).
 */
#include <fcntl.h>
#include <sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "oci/json.h"
#include "oci/spec.h"
#include "proto/task.pb-c.h"
#include "proto/ttrpc_frame.h"
#include "proto/ttrpc_reader.h"

enum { FRAMES = 1000, TEXT_MAX = 16 << 20 };

struct work {
	char *text;
	size_t size;
	struct arena arena;
	struct spec spec;
	struct error err;
};

static int read_config(struct work *work)
{
	return spec_load(work->text, work->size, "config.json", &work->spec, &work->arena,
			 &work->err);
}

/* As seccomp_cache.c does it. */
static int make_key(struct work *work)
{
	const struct spec_seccomp *seccomp = work->spec.linux->seccomp;
	char digest[SHA256_DIGEST_STRING_LENGTH];
	cleanup_free char *json = json_write(&spec_seccomp_type, seccomp, false, &work->err);

	if (!json)
		return -1;
	(void)SHA256Data((const uint8_t *)json, strlen(json), digest);
	return 0;
}

static int add_frames(struct str *out, struct error *err)
{
	static char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	Containerd__Task__V2__StateRequest request = CONTAINERD__TASK__V2__STATE_REQUEST__INIT;

	request.id = id;
	for (uint32_t i = 0; i < FRAMES; i++)
		if (ttrpc_add_request(out, 2 * i + 1, "containerd.task.v2.Task", "State",
				      &request.base, 1000, "containerd-namespace-ttrpc", "k8s.io",
				      err) < 0)
			return -1;
	return 0;
}

static int exchange_frames(struct work *work)
{
	cleanup_str struct str out = STR_EMPTY;
	struct ttrpc_reader reader = { 0 };
	const uint8_t *bytes, *data;
	int result = TTRPC_READ_FRAME, frames = 0;

	if (add_frames(&out, &work->err) < 0)
		return -1;
	bytes = (const uint8_t *)out.text;
	for (size_t n = out.size; result == TTRPC_READ_FRAME; frames++)
		result = ttrpc_reader_feed(&reader, &bytes, &n, &data, &work->err);
	ttrpc_reader_done(&reader);
	return result == TTRPC_READ_MORE && frames == FRAMES + 1 ? 0 : -1;
}

static const struct kind {
	const char *name;
	int (*prepare)(struct work *), (*measure)(struct work *);
} kinds[] = {
	{ "config", NULL, read_config },
	{ "profile", read_config, make_key },
	{ "frames", NULL, exchange_frames },
};

int measured(const struct kind *kind, struct work *work);
__attribute__((noinline)) int measured(const struct kind *kind, struct work *work)
{
	return kind->measure(work);
}

int main(int argc, char **argv)
{
	struct work work = { .arena = ARENA_EMPTY };

	if (argc != 3 ||
	    fd_read_file(AT_FDCWD, argv[2], TEXT_MAX, &work.text, &work.size, &work.err) < 0)
		return 2;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *kind = &kinds[i];

		if (strcmp(kind->name, argv[1]) != 0)
			continue;
		if ((kind->prepare && kind->prepare(&work) < 0) || measured(kind, &work) < 0) {
			(void)fprintf(stderr, "%s: %s\n", argv[1], work.err.text);
			return 1;
		}
		return 0;
	}
	return 2;
}
