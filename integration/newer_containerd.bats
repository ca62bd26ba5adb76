#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shim.bats and shim_crash.bats once more with the containerd of later Debian
# releases, in trees made by debootstrap and kept in RUSTBOX_CACHE, and our lines
# for their configuration. A long form: LONG=1.
# vm: no

load container
load release_trees

PACKAGES=containerd,runc,bats,jq,python3,busybox-static,procps,tmux,util-linux

# passes SUITE LEAST
passes()
{
	suite_in_tree "$1" "$2" containerd RUSTBOX_BUILD="${RUSTBOX_BUILD-}" SHIM_RUNTIME="${SHIM_RUNTIME-}"
}

# config_is_taken FILE OPTION: without a warning, with the options that it shows in comments.
config_is_taken()
{
	sed -E '/^  # \[/,$ s/^  # +//' "$TOP/config/$1" >"$DIR/config.toml"
	output=$("$HERE/in-tree" "$TREE" containerd --config "$DIR/config.toml" config dump 2>"$DIR/err" |
		tr \" "'" | sed 's/^ *//')
	same "$(<"$DIR/err")" ""
	# The default runtime stays beside it.
	lines "default_runtime_name = 'runc'" "runtime_type = 'io.containerd.runc.v2'" \
		"runtime_type = 'io.containerd.rustbox.v1'" "$2"
}

@test "containerd 1.7 of trixie passes shim.bats" {
	release_tree trixie containerd $PACKAGES
	passes shim.bats 42
}

@test "containerd 1.7 of trixie passes shim_crash.bats" {
	release_tree trixie containerd $PACKAGES
	passes shim_crash.bats 16
}

@test "containerd 2 of sid passes shim.bats" {
	release_tree sid containerd $PACKAGES
	passes shim.bats 42
}

@test "containerd 2 of sid passes shim_crash.bats" {
	release_tree sid containerd $PACKAGES
	passes shim_crash.bats 16
}

@test "the files of config are taken" {
	release_tree trixie containerd $PACKAGES
	config_is_taken containerd-1.6.toml "ConfigPath = '/etc/rustbox/runtime-options.toml'"
	config_is_taken containerd-1.7.toml "Root = '/run/containerd/rustbox'"
	release_tree sid containerd $PACKAGES
	config_is_taken containerd-1.6.toml "ConfigPath = '/etc/rustbox/runtime-options.toml'"
	config_is_taken containerd-1.7.toml "Root = '/run/containerd/rustbox'"
	config_is_taken containerd-2.toml "Root = '/run/containerd/rustbox'"
}
