#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Runs what docs/containerd.md shows, with a containerd of the test's own behind
# the name `ctr`; and containerd reads the configurations that it names.
# vm: no

load container
. "$HERE/containerd.bash"

setup_file()
{
	containerd_setup_file
}

teardown_file()
{
	containerd_teardown_file
}

setup()
{
	containerd_setup
}

teardown()
{
	containerd_teardown
}

# What documents call ctr speaks to the test's containerd.
make_ctr()
{
	local program
	program=$(type -P ctr)
	mkdir "$DIR/bin"
	cat >"$DIR/bin/ctr" <<-SH
	#!/bin/sh
	exec timeout -k 5 100 "$program" --address "$CD/containerd.sock" --namespace "$CONTAINERD_NAMESPACE" "\$@"
	SH
	chmod +x "$DIR/bin/ctr"
}

@test "the commands of docs/containerd.md work" {
	make_ctr
	awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on' "$TOP/docs/containerd.md" >"$DIR/script"
	(
		PATH=$DIR/bin:$PATH
		export image=$IMAGE
		exec bash -euxo pipefail "$DIR/script"
	) >"$DIR/output" 2>&1 </dev/null 3>&- 4>&- || {
		cat "$DIR/output"
		return 1
	}
	grep -q '^Hello from a container$' "$DIR/output"
	# A detached exec's and task's streams: ctr leaves them to others.
	find /run/containerd/fifo -name '*sleeper*' -delete
	find /run/containerd/fifo -mindepth 1 -type d -empty -delete
}

@test "README.md: its ctr commands work" {
	make_ctr
	"$PYTHON" "$HERE/docs_blocks.py" typed "$TOP/README.md" | grep '^ctr ' |
		sed "s|docker.io/library/busybox:latest|$IMAGE|; s|/usr/local/bin/rustbox-runtime|$RUNTIME|; s|--runc-binary|--runc-root $ROOT &|" \
			>"$DIR/script"
	PATH=$DIR/bin:$PATH bash -euxo pipefail "$DIR/script" >"$DIR/out" 2>"$DIR/err" </dev/null 3>&- 4>&- ||
		fail "$(<"$DIR/err")"
	same "$(<"$DIR/out")" hello$'\n'hello
}

# What names a runtime replaces containerd's list of them: the default has to be there still.
gives_both_runtimes()
{
	containerd --config "$1" config dump >"$DIR/dump" 3>&- 4>&-
	grep -q 'default_runtime_name = "runc"' "$DIR/dump" || fail "another default"
	grep -A 20 'runtimes.runc\]' "$DIR/dump" | grep -q 'runtime_type = "io.containerd.runc.v2"' || fail "no default"
	grep -A 20 'runtimes.rustbox\]' "$DIR/dump" | grep -q 'runtime_type = "io.containerd.rustbox.v1"'
}

@test "containerd takes the configurations of config/ and docs/containerd.md, and keeps its default runtime" {
	gives_both_runtimes "$TOP/config/containerd-1.6.toml"
	awk '/^```toml$/ { n++; on = 1; next } /^```/ { on = 0 } on && n == 1' "$TOP/docs/containerd.md" >"$DIR/first.toml"
	gives_both_runtimes "$DIR/first.toml"
}
