/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/bundle.h"
#include "cmd/rustbox-runtime/criu_choices.h"

struct restore_options {
	struct bundle_options bundle; /* first: the rows of bundle.h count from there */
	struct criu_choices criu;
	const char *lsm_profile, *lsm_mount_context;
};

static const struct option_row rows[] = {
	CRIU_ROWS(restore_options),
	{ "lsm-profile", 0, "TYPE:NAME",
	  "the security profile for the processes, instead of the saved one",
	  OPTION_AT(restore_options, lsm_profile) },
	{ "lsm-mount-context", 0, "CONTEXT",
	  "the security context for the mounts, instead of the saved one",
	  OPTION_AT(restore_options, lsm_mount_context) },
	BUNDLE_ROWS,
	DETACH_ROW(bundle_options),
	{ "keep", 0, NULL, "do not delete the container at its end",
	  OPTION_AT(restore_options, bundle.keep) },
	{ NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct restore_options *options = call->options;
	struct container_create_options create;
	struct criu_options criu;

	if (bundle_create_options(call, &create, err) < 0 ||
	    criu_choices_read(&options->criu, call->arena, &criu, err) < 0)
		return -1;
	criu.lsm_profile = options->lsm_profile;
	criu.lsm_mount_context = options->lsm_mount_context;
	return container_restore(call->engine, &create, &criu, ret_exit_code, err);
}

const struct command command_restore = {
	.about = {
		.name = "restore",
		.summary = "make a container whose processes are those of a checkpoint",
		.arguments = "ID",
		.description =
			"The bundle is that of the container which was saved: its root file "
			"system as it was then, its config.json, its mounts. The processes go on "
			"where they were. Without --detach: as run.",
		.rows = rows,
	},
	.options_size = sizeof(struct restore_options),
	.args_least = 1,
	.args_most = 1,
	.has_payload = true,
	.run = run,
};
