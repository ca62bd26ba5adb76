/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of api.h: a connection and its requests. */
#pragma once

#include "cmd/rustbox/api/api.h"
#include "cmd/rustbox/format/value.h"

/* Serves a connected client to its end; in a process of its own. */
void api_connection_run(struct store *store, int fd);

struct api_call {
	struct store *store;
	int fd;			     /* of the client; for requests that go on (attach) */
	const struct value *request; /* an object */
	struct value *response;	     /* an object that holds "type" already */
	struct arena *arena;
	const volatile bool *stop; /* we are to end */
};

/* Members of a request. Missing ones give the fallback; of another type: -1 with err. */
int api_text(const struct api_call *call, const char *key, bool is_needed, const char **ret,
	     struct error *err);
int api_bool(const struct api_call *call, const char *key, bool fallback, bool *ret,
	     struct error *err);
int api_number(const struct api_call *call, const char *key, int64_t fallback, int64_t *ret,
	       struct error *err);
/* A list of texts; NULL with *ret_n 0 when it is missing. Ends with NULL. */
int api_texts(const struct api_call *call, const char *key, char ***ret, size_t *ret_n,
	      struct error *err);
/* Refuses members that the request does not have: `known` ends with NULL; "type" is always known.
 */
int api_check_members(const struct api_call *call, const char *const *known, struct error *err);

/* Into the response. */
int api_add_text(const struct api_call *call, const char *key, const char *text, struct error *err);
int api_add_number(const struct api_call *call, const char *key, int64_t number, struct error *err);

/* Writes a frame. */
int api_send(int fd, const struct value *value, struct error *err);

/* The requests that have files of their own; each fills call->response, or -1 with err. */
int api_run(const struct api_call *call,
	    struct error *err); /* api_run.c: RunRequest, CreateRequest */
int api_create(const struct api_call *call, struct error *err);
int api_logs(const struct api_call *call, struct error *err); /* api_logs.c */
/* api_attach.c: answers by itself, and goes on until the end; what comes back is for the last
 * frame. */
int api_attach(const struct api_call *call, struct error *err);
int api_exec(const struct api_call *call, struct error *err);
