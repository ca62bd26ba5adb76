/* SPDX-License-Identifier: Apache-2.0 */
/* The session keyring of a container (keyrings(7), SECURITY.md S15). */
#pragma once

#include "base/error.h"

/*
 * Leaves the caller's session keyring for one called "_ses.ID": a new one for
 * init; processes of exec join the same, for which its owner may search it.
 * Call it before the ids change. A kernel without keyrings is no error.
 */
int keyring_join(const char *id, struct error *err);
