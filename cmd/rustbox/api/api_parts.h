/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of api.h: a connection and its requests. */
#pragma once

#include <errno.h>

#include "cmd/rustbox/api/api.h"
#include "cmd/rustbox/api/frame.h"
#include "cmd/rustbox/format/value.h"

/*
 * Serves a connected client to its end, or until `stop` becomes readable and
 * nothing is in progress; in a process of its own.
 */
void api_connection_run(struct store *store, int fd, int stop);

/* err->code of a request that is wrong by itself. No system call fails like that. */
enum { API_INVALID = EBADRQC };

struct api_call {
	struct store *store;
	struct frame_peer *peer;
	bool *has_attached;	     /* there was an attachment on this connection */
	const struct value *request; /* an object */
	struct value *response;	     /* an object that holds "type" already */
	struct arena *arena;
};

/* "invalid_request", …, for err->code. */
const char *api_code_of(const struct error *err);

/* One request, from text to answer. -1: err is to be the answer. */
int api_handle(struct api_call *call, const char *text, size_t size, struct error *err);

/* The client is to blame: always -1, with API_INVALID. */
int api_refuse(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
int api_blame(struct error *err); /* the same, for an err that is set already */
#define api_refuse(...) error_is_minus_one(api_refuse(__VA_ARGS__))
#define api_blame(err)	error_is_minus_one(api_blame(err))

/* Members of a request. Missing ones give the fallback; of another type: -1 with err. */
int api_text(const struct api_call *call, const char *key, bool is_needed, const char **ret,
	     struct error *err);
int api_bool(const struct api_call *call, const char *key, bool fallback, bool *ret,
	     struct error *err);
int api_number(const struct api_call *call, const char *key, int64_t fallback, int64_t *ret,
	       struct error *err);
/* A signal's name or number. 0 when it is missing. */
int api_signal(const struct api_call *call, const char *key, int *ret, struct error *err);
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
int api_send(const struct api_call *call, const struct value *value, struct error *err);

/* The requests that have files of their own; each fills call->response, or -1 with err. */
int api_run(const struct api_call *call,
	    struct error *err); /* api_run.c: RunRequest, CreateRequest */
int api_create(const struct api_call *call, struct error *err);
int api_logs(const struct api_call *call, struct error *err); /* api_logs.c */
/* True for what a client sends while attached: it may cross the end of the attachment. */
bool api_is_attach_frame(const char *type);
/* api_attach.c: answers by itself, and goes on until the end; what comes back is for the last
 * frame. */
int api_attach(const struct api_call *call, struct error *err);
int api_exec(const struct api_call *call, struct error *err);
