#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shim.bats and shim_crash.bats once more with the containerd of later Debian
# releases, in trees made by debootstrap and kept in RUSTBOX_CACHE, and our lines
# for their configuration. A long form: LONG=1.
# vm: no

load container

CACHE=${RUSTBOX_CACHE:-/var/tmp/rustbox-cache}
PACKAGES=containerd,runc,bats,jq,python3,busybox-static,procps,tmux,util-linux

# The tree of a release, made once; skips where it cannot be made.
tree()
{
	local release=$1 tree=$CACHE/containerd-$1
	[ "$LONG" != 0 ] || skip "a long form: LONG=1"
	if ! [ -d "$tree" ]; then
		mkdir -p "$CACHE"
		if debootstrap --variant=minbase --include="$PACKAGES" "$release" "$tree.new" \
			>"$CACHE/debootstrap-containerd.log" 2>&1 </dev/null; then
			mv "$tree.new" "$tree"
		else
			rm -rf "$tree.new"
			skip "debootstrap failed: $(tail -n 1 "$CACHE/debootstrap-containerd.log")"
		fi
	fi
	TREE=$tree
}

# suite_in_tree SUITE LEAST: and at least so many of its tests run and pass.
suite_in_tree()
{
	"$HERE/in-tree" "$TREE" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TERM=dumb \
		RUSTBOX_TOP="$TOP" RUSTBOX_BUILD="${RUSTBOX_BUILD-}" SHIM_RUNTIME="${SHIM_RUNTIME-}" \
		RUNTIME="$RUNTIME" TMPDIR="$DIR/tmp" RUSTBOX_TEST_TAG="$TAG" \
		bats --formatter tap "$HERE/$1" >"$DIR/tap" 2>&1 3>&- 4>&- || {
		cat "$DIR/tap"
		return 1
	}
	echo "# $("$HERE/in-tree" "$TREE" containerd --version): $1: $(grep -c '^ok' "$DIR/tap") tests," \
		"$(grep -c '# skip' "$DIR/tap") skipped" >&3
	[ $(($(grep -c '^ok' "$DIR/tap") - $(grep -c '# skip' "$DIR/tap"))) -ge "$2" ]
	rm -rf "$DIR/tmp"/*
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

setup()
{
	container_setup
}

@test "containerd 1.7 of trixie passes shim.bats" {
	tree trixie
	suite_in_tree shim.bats 42
}

@test "containerd 1.7 of trixie passes shim_crash.bats" {
	tree trixie
	suite_in_tree shim_crash.bats 16
}

@test "containerd 2 of sid passes shim.bats" {
	tree sid
	suite_in_tree shim.bats 42
}

@test "containerd 2 of sid passes shim_crash.bats" {
	tree sid
	suite_in_tree shim_crash.bats 16
}

@test "the files of config are taken" {
	tree trixie
	config_is_taken containerd-1.6.toml "ConfigPath = '/etc/rustbox/runtime-options.toml'"
	config_is_taken containerd-1.7.toml "Root = '/run/containerd/rustbox'"
	tree sid
	config_is_taken containerd-1.6.toml "ConfigPath = '/etc/rustbox/runtime-options.toml'"
	config_is_taken containerd-1.7.toml "Root = '/run/containerd/rustbox'"
	config_is_taken containerd-2.toml "Root = '/run/containerd/rustbox'"
}
