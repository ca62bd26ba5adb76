/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd's task API (containerd.task.v2.Task and, with the same messages,
 * containerd.task.v3.Task): checks each request against the state of what it
 * is about and hands it to its verb.
 */
#pragma once

#include "shim/task.h"

/* The services for ttrpc_server_new(), which call into `tasks`; the list ends with NULL. One a
 * process. */
ProtobufCService *const *task_service_list(struct task_service *tasks);
