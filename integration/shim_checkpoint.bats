#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Checkpoint and restore through the shim, with a runtime that has them: a script
# that notes what it is called with, makes and starts the container anew for
# `restore`, and leaves the rest to the real one.
# vm: no

load container
load shim_client.bash

RELEASE=${RUSTBOX_BUILD:-$TOP/build/release}

setup_file()
{
	export SHIM=$RELEASE/containerd-shim-rustbox-v1
	[ -x "$SHIM" ] || {
		echo "there is no shim (make)" >&2
		return 1
	}
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
}

setup()
{
	container_setup
	mkdir "$ROOT"
	cat >"$DIR/runtime" <<-SH
	#!/bin/bash
	root=() bundle=() pid=()
	all=("\$@")
	while [ \$# -gt 0 ]; do
		case \$1 in
		--root) root=("\$1" "\$2") ;;
		--bundle) bundle=("\$1" "\$2") ;;
		--pid-file) pid=("\$1" "\$2") ;;
		checkpoint) break ;;
		restore) restore=1 ;;
		esac
		id=\$1
		shift
	done
	[ "\$1" != checkpoint ] || {
		echo "\$*" >>"$DIR/calls"
		exit 0
	}
	[ -n "\$restore" ] || exec "$RUNTIME" "\${all[@]}"
	echo "\${all[*]:6}" >>"$DIR/calls"
	"$RUNTIME" "\${root[@]}" create "\${bundle[@]}" "\${pid[@]}" "\$id" &&
		"$RUNTIME" "\${root[@]}" start "\$id"
	SH
	chmod +x "$DIR/runtime"
}

teardown()
{
	rmdir "$ROOT/ns-$TAG" 2>/dev/null || :
	container_teardown
}

@test "Checkpoint: the runtime gets all options, containerd the event" {
	python <<-'PY'
	shim = Shim()
	options = runc_options(root=ROOT, binary_name=str(DIR / "runtime"))
	shim.run("wait", options=options)
	shim.checkpoint(path="/images", options=any_of("containerd.runc.v1.CheckpointOptions", [
	    (1, True), (2, True), (3, True), (4, True), (5, True), (6, "network"), (6, "uts"), (7, "soft"),
	    (9, "/work"), (10, "/parent")]))
	shim.checkpoint(path="/tmp/other", options=any_of("containerd.runc.v1.CheckpointOptions", [(1, True), (8, "/mine")]))
	fails(INVALID_ARGUMENT, shim.checkpoint, path="/images",
	      options=any_of("containerd.runc.v1.CheckpointOptions", [(8, "mine")]))
	shim.checkpoint(path="/images")
	fails(INVALID_ARGUMENT, shim.checkpoint, path="images")
	fails(INVALID_ARGUMENT, shim.checkpoint, path="/images", options=any_of("x", b"\xff"))
	assert shim.status() == RUNNING
	shim.finish()
	calls = (DIR / "calls").read_text().splitlines()
	assert calls == [
	    "checkpoint --image-path /images --work-path /work --parent-path /parent --manage-cgroups-mode soft"
	    " --tcp-established --ext-unix-sk --shell-job --file-locks --empty-ns network --empty-ns uts " + shim.id,
	    "checkpoint --image-path /mine " + shim.id,
	    "checkpoint --image-path /images --leave-running " + shim.id], calls
	assert events.topics() == ["create", "start"] + 3 * ["checkpointed"] + ["exit", "delete"], events.topics()
	PY
}

@test "Create with a checkpoint: Start restores, and it is a container like others" {
	python <<-'PY'
	shim = Shim().command("exit", "7").start()
	options = runc_options(root=ROOT, binary_name=str(DIR / "runtime"))
	assert shim.create(options=options, checkpoint="/images").pid == 0
	assert shim.status() == CREATED
	pid = shim.go()
	assert pid > 0
	answer = shim.wait()
	assert answer.exit_status == 7
	answer = shim.finish()
	assert (answer.pid, answer.exit_status) == (pid, 7)
	call, = (DIR / "calls").read_text().splitlines()
	assert "restore --image-path /images --bundle " in call and "--detach --no-subreaper" in call, call
	assert events.topics() == ["create", "start", "exit", "delete"], events.topics()
	PY
}

@test "a restore that fails says so; the task can be deleted" {
	python <<-'PY'
	from ttrpc import UNKNOWN
	shim = Shim().command("wait").start()
	shim.create(checkpoint="/images")
	text = fails(UNKNOWN, shim.go)
	assert "restore" in text and "/images" in text, text
	shim.delete()
	shim.shutdown_server()
	PY
}
