/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ttrpc_frame.h"

#include <string.h>

#include "base/mem.h"
#include "proto/utf8.h"

enum { FAILURE_TEXT_MAX = 64 << 10 };

const char *ttrpc_code_text(enum ttrpc_code code)
{
	static const char *const texts[] = {
		[TTRPC_OK] = "ok",
		[TTRPC_CANCELED] = "context canceled",
		[TTRPC_UNKNOWN] = "unknown",
		[TTRPC_INVALID_ARGUMENT] = "invalid argument",
		[TTRPC_DEADLINE_EXCEEDED] = "deadline exceeded",
		[TTRPC_NOT_FOUND] = "not found",
		[TTRPC_ALREADY_EXISTS] = "already exists",
		[TTRPC_RESOURCE_EXHAUSTED] = "resource exhausted",
		[TTRPC_FAILED_PRECONDITION] = "failed precondition",
		[TTRPC_UNIMPLEMENTED] = "not implemented",
		[TTRPC_INTERNAL] = "internal error",
		[TTRPC_UNAVAILABLE] = "unavailable",
	};
	size_t i = (size_t)code;

	return i < sizeof(texts) / sizeof(*texts) && texts[i] ? texts[i] : "unknown";
}

static void put_u32(uint8_t *out, uint32_t value)
{
	out[0] = (uint8_t)(value >> 24);
	out[1] = (uint8_t)(value >> 16);
	out[2] = (uint8_t)(value >> 8);
	out[3] = (uint8_t)value;
}

static uint32_t get_u32(const uint8_t *in)
{
	return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

void ttrpc_header_pack(const struct ttrpc_header *header, uint8_t out[TTRPC_HEADER_SIZE])
{
	put_u32(out, header->size);
	put_u32(out + 4, header->stream);
	out[8] = header->type;
	out[9] = header->flags;
}

void ttrpc_header_unpack(const uint8_t in[TTRPC_HEADER_SIZE], struct ttrpc_header *ret)
{
	*ret = (struct ttrpc_header){
		.size = get_u32(in),
		.stream = get_u32(in + 4),
		.type = in[8],
		.flags = in[9],
	};
}

void ttrpc_clean_text(char *text)
{
	uint8_t *p = (uint8_t *)text;
	size_t left = strlen(text);

	while (left) {
		size_t n = utf8_sequence(p, left);
		if (!n) {
			*p = '?';
			n = 1;
		}
		p += n;
		left -= n;
	}
}

static int add_frame(struct str *out, uint32_t stream, uint8_t type,
		     const ProtobufCMessage *envelope, struct error *err)
{
	size_t size = protobuf_c_message_get_packed_size(envelope);
	uint8_t header[TTRPC_HEADER_SIZE];

	if (size > TTRPC_DATA_MAX)
		return error_set(err, EMSGSIZE, "a message of %zu bytes does not fit a frame of %d",
				 size, TTRPC_DATA_MAX);
	cleanup_free uint8_t *data = malloc(size + 1);
	if (!data)
		return error_memory(err);
	(void)protobuf_c_message_pack(envelope, data);
	ttrpc_header_pack(&(struct ttrpc_header){ (uint32_t)size, stream, type, 0 }, header);
	str_add_bytes(out, header, sizeof(header));
	str_add_bytes(out, data, size);
	return out->failed ? error_memory(err) : 0;
}

/* The bytes of the message, the caller's to free. */
static uint8_t *pack_payload(const ProtobufCMessage *message, size_t *ret_size, struct error *err)
{
	size_t size = protobuf_c_message_get_packed_size(message);

	if (size > TTRPC_DATA_MAX) { /* before it is copied twice */
		(void)error_set(err, EMSGSIZE, "a message of %zu bytes does not fit a frame of %d",
				size, TTRPC_DATA_MAX);
		return NULL;
	}
	uint8_t *data = malloc(size + 1);
	if (data)
		*ret_size = protobuf_c_message_pack(message, data);
	else
		(void)error_memory(err);
	return data;
}

/* Generated structs hold strings that are not const; packing only reads them. */
static char *packed_text(const char *text)
{
	return (char *)(uintptr_t)text;
}

int ttrpc_add_request(struct str *out, uint32_t stream, const char *service, const char *method,
		      const ProtobufCMessage *payload, int64_t timeout_ns, const char *metadata_key,
		      const char *metadata_value, struct error *err)
{
	Ttrpc__Request request;
	Ttrpc__KeyValue pair, *pairs[] = { &pair };
	size_t size = 0;
	cleanup_free uint8_t *data = pack_payload(payload, &size, err);

	if (!data)
		return -1;
	ttrpc__request__init(&request);
	ttrpc__key_value__init(&pair);
	request.service = packed_text(service);
	request.method = packed_text(method);
	request.payload = (ProtobufCBinaryData){ size, data };
	request.timeout_nano = timeout_ns;
	if (metadata_key) {
		pair.key = packed_text(metadata_key);
		pair.value = packed_text(metadata_value);
		request.metadata = pairs;
		request.n_metadata = 1;
	}
	return add_frame(out, stream, TTRPC_REQUEST, &request.base, err);
}

int ttrpc_add_response(struct str *out, uint32_t stream, const ProtobufCMessage *payload,
		       struct error *err)
{
	Ttrpc__Response response;
	size_t size = 0;
	cleanup_free uint8_t *data = pack_payload(payload, &size, err);

	if (!data)
		return -1;
	ttrpc__response__init(&response);
	response.payload = (ProtobufCBinaryData){ size, data };
	return add_frame(out, stream, TTRPC_RESPONSE, &response.base, err);
}

int ttrpc_add_failure(struct str *out, uint32_t stream, enum ttrpc_code code, const char *text,
		      struct error *err)
{
	Ttrpc__Response response;
	Ttrpc__Status status;
	cleanup_free char *clean = strndup(text, FAILURE_TEXT_MAX);

	ttrpc__response__init(&response);
	ttrpc__status__init(&status);
	if (!clean)
		return error_memory(err);
	ttrpc_clean_text(clean);
	status.code = (int32_t)code;
	status.message = clean;
	response.status = &status;
	return add_frame(out, stream, TTRPC_RESPONSE, &response.base, err);
}
