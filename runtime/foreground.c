/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/foreground.h"

#include "base/fd.h"
#include "runtime/relay.h"
#include "runtime/terminal.h"

int foreground_attend(struct lifecycle *container, bool starts, int *ret_exit_code,
		      struct error *err)
{
	cleanup_fd int master = -1;
	struct relay relay;
	int rc = 0;

	if (container->console >= 0) {
		if ((master = terminal_receive(container->console, err)) < 0)
			return -1;
		relay_adopt_terminal(master);
	}
	if (relay_begin(&relay, err) < 0)
		return -1;
	if (starts)
		rc = lifecycle_start(container, err);
	if (rc == 0)
		rc = relay_run(&relay, container->child, container->init_pidfd, master,
			       ret_exit_code, err);
	if (rc == 0)
		container->child = 0; /* reaped */
	relay_end(&relay);
	return rc;
}
