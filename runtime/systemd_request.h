/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rustbox-systemd, which speaks D-Bus for us, is asked to do: a JSON
 * document on its standard input. Properties are those of systemd's units
 * (org.freedesktop.systemd1(5)), already as D-Bus has them, so that the helper
 * has nothing to decide.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/json.h"

struct systemd_property {
	char *name;
	char *type;    /* D-Bus signature: a basic type, or an array of basic types or of
			  structs of these ("t", "as", "a(st)") */
	char **values; /* the basic values in their order, as text */
	size_t n_values;
	bool replaces;	/* a list that an empty one has to go before: systemd adds to lists */
	uint32_t since; /* the systemd that knows it; an older one is not told */
};

struct systemd_request {
	char *version;	/* of the runtime: both have to be of the same build */
	char *unit;	/* "rustbox-ID.scope" */
	char *subgroup; /* attach: where below the unit, "/container"; NULL: the unit itself */
	bool user;	/* the manager of the calling user, not the machine's */
	struct systemd_property *properties;
	size_t n_properties;
};

extern const struct json_type systemd_request_type;

/* Properties under construction, in an arena. Starts as { .arena = … }. */
struct systemd_properties {
	struct arena *arena;
	struct systemd_property *rows;
	size_t count, capacity;
};

/*
 * Each adds a property, copied to the arena; one of the same name is replaced.
 * 0, or -1 with err: out of memory.
 */
int systemd_property_set(struct systemd_properties *list, const char *name, const char *type,
			 const char *const *values, size_t n_values, struct error *err);
int systemd_property_text(struct systemd_properties *list, const char *name, const char *text,
			  struct error *err);
int systemd_property_number(struct systemd_properties *list, const char *name, uint64_t number,
			    struct error *err);
int systemd_property_bool(struct systemd_properties *list, const char *name, bool value,
			  struct error *err);

/* Of the property that was set last. */
void systemd_property_since(struct systemd_properties *list, uint32_t version);
void systemd_property_replaces(struct systemd_properties *list);

/* How long the helper waits for systemd, in all; its caller gives it a little more. */
enum { SYSTEMD_TIMEOUT_MS = 60000 };
