/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events by way of containerd's own program, where there is no address to send
 * them to: `containerd --address ADDRESS publish --topic T --namespace N`, with
 * the Any on standard input. One at a time.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"
#include "proto/any.pb-c.h"
#include "proto/ttrpc_client.h"
#include "shim/reaper.h"

struct publisher_program;

/* path is absolute; address may be NULL or "". Texts are borrowed. NULL with err. */
struct publisher_program *publisher_program_new(struct loop *loop, struct reaper *reaper,
						const char *path, const char *address,
						const char *namespace, struct error *err);

/*
 * Runs it; kills it after timeout_ms. `done` is called once, from the loop or
 * from within this call: TTRPC_SENT when the program ended with 0, else
 * TTRPC_LOST, since an exit code does not tell why. It may run the next one, or
 * free the program.
 */
void publisher_program_run(struct publisher_program *program, const char *topic,
			   const Google__Protobuf__Any *event, int timeout_ms,
			   void (*done)(void *data, enum ttrpc_sent result, const char *text),
			   void *data);

/* Kills what is running; `done` is not called any more. */
void publisher_program_free(struct publisher_program *program);
