/* SPDX-License-Identifier: Apache-2.0 */
/* What a bundle tells of the container to be made. */
#pragma once

#include "shim/task.h"

/*
 * Opens and locks task->bundle, reads the request's options, keeps them in the bundle,
 * and finds out from config.json whether the container shares its processes'
 * namespace. err->code tells apart what is wrong: ENOENT, EINVAL.
 */
int task_open_bundle(struct task *task, const Google__Protobuf__Any *options, struct error *err);
