/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ttrpc's frames (github.com/containerd/ttrpc, PROTOCOL.md): a header of ten
 * bytes and the data. Pure functions, no input or output.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "proto/ttrpc.pb-c.h"

enum { TTRPC_HEADER_SIZE = 10, TTRPC_DATA_MAX = 4 << 20 };

enum ttrpc_type { TTRPC_REQUEST = 1, TTRPC_RESPONSE = 2, TTRPC_STREAM_DATA = 3 };

struct ttrpc_header {
	uint32_t size; /* of the data, header not counted */
	uint32_t stream;
	uint8_t type; /* enum ttrpc_type, or anything from a hostile peer */
	uint8_t flags;
};

/* The codes of google.rpc.Status that are used here. */
enum ttrpc_code {
	TTRPC_OK = 0,
	TTRPC_CANCELED = 1,
	TTRPC_UNKNOWN = 2,
	TTRPC_INVALID_ARGUMENT = 3,
	TTRPC_DEADLINE_EXCEEDED = 4,
	TTRPC_NOT_FOUND = 5,
	TTRPC_ALREADY_EXISTS = 6,
	TTRPC_RESOURCE_EXHAUSTED = 8,
	TTRPC_FAILED_PRECONDITION = 9,
	TTRPC_UNIMPLEMENTED = 12,
	TTRPC_INTERNAL = 13,
	TTRPC_UNAVAILABLE = 14,
};

/* "not found" and so on: containerd's words for the code, for messages. */
const char *ttrpc_code_text(enum ttrpc_code code);

void ttrpc_header_pack(const struct ttrpc_header *header, uint8_t out[TTRPC_HEADER_SIZE]);
void ttrpc_header_unpack(const uint8_t in[TTRPC_HEADER_SIZE], struct ttrpc_header *ret);

/*
 * Makes the text valid UTF-8 in place: each byte that is not part of a valid
 * sequence becomes '?'. Go's decoder refuses messages with others.
 */
void ttrpc_clean_text(char *text);

/*
 * Appends the frame of a request: envelope with the packed payload. -1 when it
 * would be longer than TTRPC_DATA_MAX, or memory ran out.
 */
int ttrpc_add_request(struct str *out, uint32_t stream, const char *service, const char *method,
		      const ProtobufCMessage *payload, int64_t timeout_ns, const char *metadata_key,
		      const char *metadata_value, struct error *err);

/* Appends the frame of a success. An empty message gives no data at all. */
int ttrpc_add_response(struct str *out, uint32_t stream, const ProtobufCMessage *payload,
		       struct error *err);

/* Appends the frame of a failure; the text is cleaned and cut to fit. */
int ttrpc_add_failure(struct str *out, uint32_t stream, enum ttrpc_code code, const char *text,
		      struct error *err);
