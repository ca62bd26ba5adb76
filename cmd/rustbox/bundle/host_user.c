/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/host_user.h"

#include <fcntl.h>

#include "base/fd.h"
#include "runtime/user.h"

int host_user_find(const char *text, struct arena *arena, struct host_user *ret, struct error *err)
{
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct user_identity identity;

	if (root < 0)
		return error_set(err, errno, "open /");
	if (user_resolve(root, text, arena, &identity, err) < 0)
		return -1;
	*ret = (struct host_user){ identity.uid, identity.gid, identity.gids, identity.n_gids };
	return 0;
}
