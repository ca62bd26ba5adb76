/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that Docker users know and that are not here: each says what to use instead. */
#include "cmd/rustbox/command/command.h"

#define REFUSED_WORDS(id, words, instead)                                                          \
	static int run_##id(const struct invocation *call, int *ret_exit_code, struct error *err)  \
	{                                                                                          \
		return error_set(err, 0, "rustbox does not have this (%s)", instead);              \
	}                                                                                          \
	const struct command command_refused_##id = {                                              \
		.about = { .name = words, .summary = "", .arguments = "", .hidden = true },        \
		.args_most = ARGS_ANY,                                                             \
		.takes_anything = true,                                                            \
		.needs_no_store = true,                                                            \
		.run = run_##id,                                                                   \
	}
#define REFUSED(id, instead) REFUSED_WORDS(id, #id, instead)

REFUSED(pull, "skopeo copy docker://IMAGE oci-archive:FILE:NAME, then rustbox load -i FILE");
REFUSED(push, "rustbox save -o FILE IMAGE, then skopeo copy docker-archive:FILE docker://IMAGE");
REFUSED(login, "skopeo login; skopeo copy then fetches and sends images");
REFUSED(logout, "skopeo logout");
REFUSED(search, "skopeo list-tags docker://IMAGE shows what a registry has of an image");
REFUSED(build, "buildah bud -t NAME ., buildah push NAME oci-archive:FILE:NAME, "
	       "then rustbox load -i FILE");
REFUSED(compose, "start each service by rustbox run -d --restart unless-stopped");
REFUSED(swarm, "for more than one machine: Kubernetes on containerd with RustBox's shim");
REFUSED(buildx, "buildah bud -t NAME ., buildah push NAME oci-archive:FILE:NAME, "
		"then rustbox load -i FILE");
#define NETWORKS "a container has the network that run --network gave it, until it is removed"
REFUSED_WORDS(network_connect, "network connect", NETWORKS);
REFUSED_WORDS(network_disconnect, "network disconnect", NETWORKS);
