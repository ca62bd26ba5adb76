/* SPDX-License-Identifier: Apache-2.0 */
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#include "cmd/rustbox-runtime/command.h"

const struct command *const commands[] = {
	&command_checkpoint,
	&command_completion,
	&command_create,
	&command_delete,
	&command_events,
	&command_exec,
	&command_features,
	&command_help,
	&command_info,
	&command_kill,
	&command_list,
	&command_mounts,
	&command_pause,
	&command_ps,
	&command_restore,
	&command_resume,
	&command_run,
	&command_spec,
	&command_start,
	&command_state,
	&command_update,
	&command_version,
	/* Not for everybody's eyes. */
	&command_generate,
	NULL,
};

static const struct options_command *about(size_t index)
{
	return commands[index] ? &commands[index]->about : NULL;
}

static const struct options_note notes[] = {
	{ "EXIT STATUS", "0", "Success." },
	{ "EXIT STATUS", "1", "The command failed; the message is also in the file of --log." },
	{ "EXIT STATUS", "255", "exec failed before the process was there." },
	{ "EXIT STATUS", NULL,
	  "run and exec otherwise give that of the process, and 128 + N where signal N "
	  "has ended it." },
	{ "FILES", "/run/rustbox-runtime/ID",
	  "State of a container, unless --root says otherwise." },
	{ "FILES", "/run/rustbox-seccomp", "Compiled seccomp filters." },
	{ "ENVIRONMENT", "RUN_OCI_SECCOMP_RECEIVER",
	  "Of create, run and exec: listenerPath of a filter that asks where config.json names "
	  "nobody." },
	{ "ANNOTATIONS", NULL,
	  "of config.json that change what is done. Switches are 1 or 0; ones that are misspelt "
	  "or known and not built are errors." },
	{ "ANNOTATIONS", "org.rustbox.landlock",
	  "Landlock's rules, as JSON: ruleset with handledAccessFS, handledAccessNet and scoped; "
	  "rules with pathBeneath (allowedAccess, paths) and netPort (allowedAccess, ports), in "
	  "the words of landlock(7); disableBestEffort makes an error of what the kernel lacks." },
	{ "ANNOTATIONS", "org.rustbox.core-scheduling",
	  "The processors' cores run nobody else beside the container." },
	{ "ANNOTATIONS", "run.oci.hooks.stdout, run.oci.hooks.stderr",
	  "Files that get what hooks write." },
	{ "ANNOTATIONS", "run.oci.keep_original_groups",
	  "The groups of the caller stay, as setgroups(2) is not called." },
	{ "ANNOTATIONS", "run.oci.pidfd_receiver", "A socket that gets a pidfd of init." },
	{ "ANNOTATIONS", "run.oci.seccomp.receiver", "Another name of listenerPath." },
	{ "ANNOTATIONS", "run.oci.seccomp.plugins",
	  "Shared objects that answer what the filter asks, as crun(1) has them: absolute paths of "
	  "files that only root may write, or names, with colons between. They are loaded by a "
	  "process of their own, rustbox-seccomp, which ends with the processes of the filter." },
	{ "ANNOTATIONS", "run.oci.seccomp_fail_unknown_syscall",
	  "A system call that libseccomp does not know is an error." },
	{ "ANNOTATIONS", "run.oci.seccomp_bpf_data",
	  "A filter's instructions in base64, instead of linux.seccomp." },
	{ "ANNOTATIONS", "run.oci.delegate-cgroup",
	  "The cgroup below the container's, without limits, that init is in (cgroup v2)." },
	{ "ANNOTATIONS", "run.oci.systemd.force_cgroup_v1",
	  "The destination of a mount of type cgroup that is to show cgroup v1's hierarchy "
	  "name=systemd, with a group of the container's own there, for a systemd that does not "
	  "know v2. The host has to have it mounted." },
	{ "ANNOTATIONS", "run.oci.mount_context_type",
	  "What mountLabel is for: context, fscontext, defcontext or rootcontext." },
	{ "SEE ALSO", NULL, "rustbox(8), containerd-shim-rustbox-v1(8)" },
	{ NULL },
};

const struct options_program program = {
	.name = "rustbox-runtime",
	.summary = "run containers as the Open Container Initiative specifies them",
	.description =
		"Runs containers from bundles: folders with a config.json, which says what a "
		"container is, and a root filesystem. Engines such as containerd and podman call "
		"this program; a person can, too:\n\n"
		"   rustbox-runtime run --bundle /path/to/bundle my-container\n\n"
		"The id of a container is 1 to 255 letters, digits and any of _+-. and is unique "
		"below one --root.",
	.version = RUSTBOX_VERSION,
	.rows = global_rows,
	.command = about,
	.list_ids = "list --quiet",
	.notes = notes,
};

void program_print_version(void)
{
	const struct scmp_version *seccomp = seccomp_version();

	printf("%s version %s\n", program.name, program.version);
	if (*RUSTBOX_COMMIT)
		printf("commit: %s\n", RUSTBOX_COMMIT);
	printf("spec: %s\n", OCI_VERSION);
	if (seccomp)
		printf("libseccomp: %u.%u.%u\n", seccomp->major, seccomp->minor, seccomp->micro);
}

const struct command *command_find(const char *name, struct error *err)
{
	struct options_nearest nearest = { .word = name };

	for (size_t i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->about.name, name) == 0)
			return commands[i];
		if (!commands[i]->about.hidden)
			options_offer(&nearest, commands[i]->about.name);
	}
	(void)error_set(err, 0, "unknown command %s", name);
	if (nearest.name)
		(void)error_hint(err, "did you mean %s?", nearest.name);
	else
		(void)error_hint(err, "%s --help lists them", program.name);
	return NULL;
}
