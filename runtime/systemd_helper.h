/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking systemd, through rustbox-systemd: there is no static libsystemd, and
 * this way none of it is in a process that makes containers. The helper is
 * run once a request, from where it is installed, without our environment and
 * descriptors; it says nothing on success, and why not on failure.
 */
#pragma once

#include "base/error.h"
#include "runtime/systemd_request.h"

/* 0 when systemd runs on this machine and the helper is there: before anything is made. */
int systemd_helper_check(bool user, struct error *err);

/*
 * verb: "start" (StartTransientUnit), "set" (SetUnitProperties), "stop"
 * (StopUnit; a unit that is not there is no error), "attach" (the processes of
 * the property PIDs to the unit). Returns when systemd has done it. The version
 * is put in here. Blocks for SYSTEMD_TIMEOUT_MS at most.
 */
int systemd_helper_call(const char *verb, const struct systemd_request *request, struct error *err);
