/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/hosts, /etc/hostname and /etc/resolv.conf of a container: files in its
 * bundle, mounted on top of the image's. The container may have changed them,
 * but cannot make them anything but files.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/resolv_conf.h"
#include "cmd/rustbox/bundle/vector.h"
#include "cmd/rustbox/bundle/write.h"
#include "cmd/rustbox/network/network.h"

#define CONTAINER "container:"

enum { HOST_FILE_MAX = 1024 * 1024 };

static const struct {
	const char *name, *destination;
} files[] = {
	{ "hosts", "/etc/hosts" },
	{ "hostname", "/etc/hostname" },
	{ "resolv.conf", "/etc/resolv.conf" },
};

/* What a file of the host says; nothing where it is missing. */
static char *read_host(const char *path, struct error *err)
{
	char *text = NULL;

	if (fd_read_file(AT_FDCWD, path, HOST_FILE_MAX, &text, NULL, err) == 0)
		return text;
	return err->code == ENOENT ? strdup("") : NULL;
}

/*
 * In place: a file that is mounted somewhere is not another one afterwards. And
 * in the block that it has, so that it stays as it was on a full disk.
 */
static int write_file(int bundle, const char *name, const struct str *text, struct error *err)
{
	cleanup_fd int fd = openat(bundle, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (text->failed)
		return error_memory(err);
	/* Whatever the umask of the caller: everybody in the container reads it. */
	if (fd < 0 || fchmod(fd, 0644) < 0)
		return error_set(err, errno, "make %s in the bundle", name);
	if (text->size && fd_write_all(fd, name, text->text, text->size, err) < 0)
		return -1;
	return ftruncate(fd, (off_t)text->size) < 0 ? error_set(err, errno, "shorten %s", name) : 0;
}

/* ---- hosts ---- */

static const char *gateway_of(const struct network_result *result, char *buffer, size_t size)
{
	const char *gateway = result && result->n_gateways ? result->gateways[0] : "127.0.0.1";
	size_t n = strcspn(gateway, "/");

	if (n >= size)
		return "127.0.0.1";
	memcpy(buffer, gateway, n);
	buffer[n] = '\0';
	return buffer;
}

static void add_extra_hosts(struct str *text, const struct record_network *network,
			    const struct network_result *result)
{
	char gateway[64];

	for (size_t i = 0; i < network->n_extra_hosts; i++) {
		const char *entry = network->extra_hosts[i], *colon = strchr(entry, ':');

		if (!colon)
			continue;
		str_add_format(text, "%s\t%.*s\n",
			       strcmp(colon + 1, "host-gateway") == 0
				       ? gateway_of(result, gateway, sizeof(gateway))
				       : colon + 1,
			       (int)(colon - entry), entry);
	}
}

/* So that a container finds itself by its name, as sudo and many servers want. */
static void add_own_name(struct str *text, const struct record *record,
			 const struct network_result *result)
{
	if (!record->hostname)
		return;
	for (size_t i = 0; result && i < result->n_ips; i++)
		str_add_format(text, "%.*s\t%s\n", (int)strcspn(result->ips[i], "/"),
			       result->ips[i], record->hostname);
	if (!result || !result->n_ips)
		str_add_format(text, "127.0.1.1\t%s\n", record->hostname);
}

static int make_hosts(const struct record *record, const struct network_result *result, int bundle,
		      struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;

	if (strcmp(record->network->mode, "host") == 0) {
		cleanup_free char *host = read_host("/etc/hosts", err);
		if (!host)
			return -1;
		str_add(&text, host);
		if (*host && !str_ends_with(host, "\n"))
			str_add(&text, "\n");
	} else {
		str_add(&text, "127.0.0.1\tlocalhost\n"
			       "::1\tlocalhost ip6-localhost ip6-loopback\n"
			       "fe00::\tip6-localnet\n"
			       "ff00::\tip6-mcastprefix\n"
			       "ff02::1\tip6-allnodes\n"
			       "ff02::2\tip6-allrouters\n");
	}
	add_extra_hosts(&text, record->network, result);
	add_own_name(&text, record, result);
	return write_file(bundle, "hosts", &text, err);
}

/* ---- the others ---- */

static int make_hostname(const struct record *record, int bundle, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;
	char host[65] = "";

	if (!record->hostname && gethostname(host, sizeof(host) - 1) < 0)
		return error_set(err, errno, "gethostname");
	str_add_format(&text, "%s\n", record->hostname ? record->hostname : host);
	return write_file(bundle, "hostname", &text, err);
}

static int make_resolv_conf(const struct record *record, const struct network_result *result,
			    int bundle, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;
	cleanup_free char *host = read_host("/etc/resolv.conf", err);
	bool own_network = strcmp(record->network->mode, "host") != 0;

	if (host && own_network && resolv_conf_is_stub(host)) {
		free(host);
		host = read_host("/run/systemd/resolve/resolv.conf", err);
	}
	if (!host)
		return -1;
	resolv_conf_make(&text, host, record->network, result, own_network);
	return write_file(bundle, "resolv.conf", &text, err);
}

static int make_files(const struct record *record, const struct network_result *result, int bundle,
		      struct error *err)
{
	if (make_hosts(record, result, bundle, err) < 0 || make_hostname(record, bundle, err) < 0)
		return -1;
	return make_resolv_conf(record, result, bundle, err);
}

/* ---- mounts ---- */

static bool is_taken(const struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (strcmp(spec->mounts[i].destination, destination) == 0)
			return true;
	return false;
}

static int add_mount(const struct writing *w, const char *destination, const char *source,
		     struct error *err)
{
	static const char *const options[] = { "bind", "rprivate" };
	struct spec_mount *mount = VECTOR_ADD(w->spec->mounts, w->spec->n_mounts, w->arena, err);

	if (!mount || !(mount->destination = arena_strdup(w->arena, destination, err)) ||
	    !(mount->type = arena_strdup(w->arena, "bind", err)) ||
	    !(mount->source = arena_strdup(w->arena, source, err)))
		return -1;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (vector_add_text(&mount->options, &mount->n_options, options[i], w->arena, err) <
		    0)
			return -1;
	if (w->record->isolate_user &&
	    vector_add_text(&mount->options, &mount->n_options, "idmap", w->arena, err) < 0)
		return -1;
	return w->record->read_only
		       ? vector_add_text(&mount->options, &mount->n_options, "ro", w->arena, err)
		       : 0;
}

int write_network_mounts(const struct writing *w, struct error *err)
{
	const char *mode = w->record->network->mode;
	/* Who shares a network shares the names in it. */
	bool shares = str_starts_with(mode, CONTAINER);
	const char *id = shares ? mode + strlen(CONTAINER) : w->record->id;

	if (!shares && make_files(w->record, NULL, w->bundle, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		cleanup_free char *source = store_path(w->store, "bundles", id, files[i].name, err);

		if (!source || (!is_taken(w->spec, files[i].destination) &&
				add_mount(w, files[i].destination, source, err) < 0))
			return -1;
	}
	return 0;
}

int bundle_write_network_files(const struct store *store, const struct record *record,
			       struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_free char *path = store_path(store, "bundles", record->id, NULL, err);
	struct network_result *result;
	cleanup_fd int bundle = -1;

	if (!path)
		return -1;
	if (str_starts_with(record->network->mode, CONTAINER))
		return 0;
	bundle = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bundle < 0)
		return error_set(err, errno, "open %s", path);
	if (network_load(store, record->id, &arena, &result, err) < 0)
		return -1;
	return make_files(record, result, bundle, err);
}
