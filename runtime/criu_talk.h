/* SPDX-License-Identifier: Apache-2.0 */
/* What the files behind criu.h share. Nobody else includes this. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "runtime/criu.h"

/* With a CRIU that lives. */
struct criu_talk {
	int socket, pidfd;
	bool failed; /* on our side */
};

/* For errors; there is nobody to say more. */
#define CRIU_NO_ANSWER "criu ended without an answer"

/* Starts it; the pid. On failure there is no child. */
pid_t criu_start(const struct criu_call *call, struct criu_talk *ret, struct error *err);

int criu_send_request(int socket, const struct criu_request *request, struct error *err);

/* To a notification. */
int criu_send_reply(int socket, bool success, struct error *err);
