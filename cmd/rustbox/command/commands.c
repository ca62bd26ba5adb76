/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cmd/rustbox/command/command.h"

const struct command *const commands[] = {
	&command_attach,
	&command_checkpoint_create,
	&command_checkpoint_list,
	&command_checkpoint_remove,
	&command_commit,
	&command_completion,
	&command_cp,
	&command_create,
	&command_daemon,
	&command_device_add,
	&command_device_remove,
	&command_diff,
	&command_doctor,
	&command_events,
	&command_exec,
	&command_export,
	&command_health,
	&command_help,
	&command_history,
	&command_image_inspect,
	&command_image_prune,
	&command_images,
	&command_import,
	&command_info,
	&command_inspect,
	&command_kill,
	&command_list,
	&command_load,
	&command_logs,
	&command_mount_add,
	&command_mount_remove,
	&command_network_create,
	&command_network_inspect,
	&command_network_list,
	&command_network_prune,
	&command_network_remove,
	&command_pause,
	&command_port,
	&command_prune,
	&command_remove,
	&command_rename,
	&command_restart,
	&command_restore,
	&command_rmi,
	&command_run,
	&command_sandbox,
	&command_save,
	&command_start,
	&command_stats,
	&command_stop,
	&command_system_df,
	&command_system_prune,
	&command_tag,
	&command_top,
	&command_unpause,
	&command_update,
	&command_version,
	&command_volume_create,
	&command_volume_inspect,
	&command_volume_list,
	&command_volume_prune,
	&command_volume_remove,
	&command_wait,
	/* Not for everybody's eyes. */
	&command_generate,
	&command_supervise,
	&command_refused_pull,
	&command_refused_push,
	&command_refused_login,
	&command_refused_logout,
	&command_refused_search,
	&command_refused_build,
	&command_refused_compose,
	&command_refused_swarm,
	&command_refused_buildx,
	&command_refused_network_connect,
	&command_refused_network_disconnect,
	NULL,
};

static const struct options_command *about(size_t index)
{
	return commands[index] ? &commands[index]->about : NULL;
}

static const char *const *aliases(size_t index)
{
	return commands[index]->aliases;
}

static const struct options_note notes[] = {
	{ "EXIT STATUS", NULL,
	  "Of run, start --attach, attach and exec that of the process; else:" },
	{ "EXIT STATUS", "0", "Success." },
	{ "EXIT STATUS", "1",
	  "A command failed: the message says what, on what, why, and what to do." },
	{ "EXIT STATUS", "125",
	  "An option is wrong; run, create and sandbox: it was not the process that failed." },
	{ "EXIT STATUS", "126", "The process cannot be executed." },
	{ "EXIT STATUS", "127", "The program of the process is not found." },
	{ "EXIT STATUS", "128 + N", "The process was ended by signal N." },
	{ "ENVIRONMENT", "RUSTBOX_ROOT", "What --root says, unless that is given." },
	{ "ENVIRONMENT", "CNI_PATH",
	  "Folders of network plugins, with colons between them; /usr/lib/cni:/opt/cni/bin:"
	  "/usr/libexec/cni by default." },
	{ "FILES", "/var/lib/rustbox",
	  "Containers, their logs and changed files, images, volumes, networks; root only." },
	{ "FILES", "/var/lib/rustbox/rootfs",
	  "The root file system of containers without --image and --rootfs, where there is no "
	  "./rootfs." },
	{ "FILES", "/var/lib/rustbox/logs/ID/stdout.log, stderr.log",
	  "What a container has written, byte by byte." },
	{ "FILES", "/run/rustbox",
	  "Sockets and state of running containers; DIR/run with --root DIR." },
	{ "FILES", "/run/rustbox/rustboxd.sock", "Where rustboxd listens." },
	{ "FILES", "rustbox.service",
	  "Unit of systemd: rustbox start --boot, when the machine starts." },
	{ "SEE ALSO", NULL, "rustboxd(8), rustbox-runtime(8), containerd-shim-rustbox-v1(8)" },
	{ NULL },
};

const struct options_program program = {
	.name = "rustbox",
	.summary = "run commands and services in containers",
	.description =
		"Runs a command in a sandbox of its own: processes, file system, limits and, if "
		"wanted, network and users. There is no daemon to start first:\n\n"
		"   rustbox run --rm -it sh\n\n"
		"A container is named by its name, its id, or any beginning of the id that no "
		"other one has.",
	.version = RUSTBOX_VERSION,
	.rows = global_rows,
	.command = about,
	.aliases = aliases,
	.list_ids = "list --all --quiet",
	.notes = notes,
};

void program_print_version(void)
{
	printf("%s version %s\n", program.name, program.version);
	if (*RUSTBOX_COMMIT)
		printf("commit: %s\n", RUSTBOX_COMMIT);
}

static bool is_called(const struct command *command, const char *name)
{
	if (strcmp(command->about.name, name) == 0)
		return true;
	for (const char *const *alias = command->aliases; alias && *alias; alias++)
		if (strcmp(*alias, name) == 0)
			return true;
	return false;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (is_called(commands[i], name))
			return commands[i];
	return NULL;
}

static void add_second_word(const char *name, const char *first, struct str *words)
{
	size_t size = strlen(first);

	if (strncmp(name, first, size) == 0 && name[size] == ' ')
		str_add_format(words, "%s%s", words->size ? ", " : "", name + size + 1);
}

/* "network" alone is the beginning of several: they are what the user is to choose from. */
static bool set_incomplete(const char *word, struct error *err)
{
	cleanup_str struct str words = STR_EMPTY;

	for (size_t i = 0; commands[i]; i++) {
		if (commands[i]->about.hidden)
			continue;
		add_second_word(commands[i]->about.name, word, &words);
		for (const char *const *name = commands[i]->aliases; name && *name; name++)
			add_second_word(*name, word, &words);
	}
	if (words.size)
		(void)error_set(err, 0, "%s needs one of these words behind it: %s", word,
				words.text);
	return words.size > 0;
}

/* `container start` is `start`, as Docker's users may write. */
static const struct command *find_of_containers(const char *name)
{
	static const struct command *const others[] = { &command_create, &command_list,
							&command_prune, &command_run };
	const struct command *command = find(name);

	if (command && command->about.takes_container)
		return command;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (command == others[i])
			return command;
	return NULL;
}

static void set_unknown(const char *word, struct error *err)
{
	struct options_nearest nearest = { .word = word };

	if (set_incomplete(word, err))
		return;
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->about.hidden)
			options_offer(&nearest, commands[i]->about.name);
	(void)error_set(err, 0, "unknown command %s", word);
	if (strcmp(word, "container") == 0)
		(void)error_hint(err, "container list, container start, ...: as without this word");
	else if (nearest.name)
		(void)error_hint(err, "did you mean %s?", nearest.name);
	else
		(void)error_hint(err, "rustbox help lists all");
}

static const struct command *find_default(const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; commands[i]; i++)
		if (commands[i]->is_default && strncmp(commands[i]->about.name, word, n) == 0 &&
		    commands[i]->about.name[n] == ' ')
			return commands[i];
	return NULL;
}

const struct command *command_find(char *const *words, size_t *ret_words, struct error *err)
{
	const struct command *command = NULL;
	char two[64];

	if (words[1] && snprintf(two, sizeof(two), "%s %s", words[0], words[1]) < (int)sizeof(two))
		command = find(two);
	if (!command && words[1] && strcmp(words[0], "container") == 0)
		command = find_of_containers(words[1]);
	*ret_words = command ? 2 : 1;
	if (!command)
		command = find(words[0]);
	if (!command)
		command = find_default(words[0]);
	if (!command)
		set_unknown(words[0], err);
	return command;
}

int command_each(const struct invocation *call, bool prints,
		 int (*one)(const struct invocation *call, const char *arg, struct error *err),
		 int *ret_exit_code, struct error *err)
{
	for (size_t i = 0; i < call->n_args; i++) {
		if (one(call, call->args[i], err) == 0) {
			if (prints)
				printf("%s\n", call->args[i]);
			continue;
		}
		*ret_exit_code = 1;
		if (call->n_args == 1)
			return -1;
		(void)fflush(stdout);
		(void)fprintf(stderr, "rustbox: %s\n", err->text);
	}
	return 0;
}
