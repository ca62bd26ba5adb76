# SPDX-License-Identifier: Apache-2.0
# Runs what the documents show: every block marked `sh` of README.md and docs/,
# document by document, in a fresh folder, as a user would; and `make quickstart`.
# vm: no
# shellcheck shell=bash

load leaks.bash

setup()
{
	TOP=${RUSTBOX_TOP:-$(cd "$BATS_TEST_DIRNAME/.." && pwd)}
	DIR=$BATS_TEST_TMPDIR TAG=docs-$$-$RANDOM
	export RUSTBOX_TEST_TAG=$TAG
	PATH=$TOP/build/release:$PATH
	remember_before
}

teardown()
{
	assert_nothing_left
}

# The blocks of one document, as one script.
blocks()
{
	awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on' "$1"
}

run_blocks()
{
	mkdir "$DIR/work"
	blocks "$1" >"$DIR/script"
	[ -s "$DIR/script" ]
	(cd "$DIR/work" && bash -euxo pipefail "$DIR/script") >"$DIR/output" 2>&1 || {
		cat "$DIR/output"
		return 1
	}
}

@test "the commands of README.md work" {
	run_blocks "$TOP/README.md"
	grep -q '^Hello from rustbox, process 1$' "$DIR/output"
	grep -q '^67108864$' "$DIR/output"
}

@test "no other document has commands that are not run" {
	local document
	for document in "$TOP"/docs/*.md; do
		[ "${document##*/}" != containerd.md ] || continue # docs_containerd.bats
		blocks "$document" >"$DIR/script"
		[ ! -s "$DIR/script" ] || {
			echo "$document has sh blocks: add a test for it"
			return 1
		}
	done
}

@test "make quickstart runs a first container, twice" {
	local i
	for i in 1 2; do
		make -C "$TOP" quickstart PREFIX="$DIR/usr" BASE="$DIR/var" \
			>"$DIR/output" 2>&1 || {
			cat "$DIR/output"
			return 1
		}
		grep -q '^Hello from quickstart, process 1' "$DIR/output"
	done
	[ -x "$DIR/usr/bin/rustbox-runtime" ]
}
