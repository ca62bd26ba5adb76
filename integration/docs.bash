# SPDX-License-Identifier: Apache-2.0
# For suites that run what documents show, after rustbox.bash: the machine of a
# user after `make quickstart`, with a root file system and the programs on PATH.
# shellcheck shell=bash

setup_file()
{
	local applet
	[ -x "$RUSTBOX" ] || {
		echo "there is no program '$RUSTBOX' (make, or set RUSTBOX)" >&2
		return 1
	}
	make_rootfs "$BATS_FILE_TMPDIR/installed"
	for applet in $(busybox --list); do
		[ -e "$BATS_FILE_TMPDIR/installed/bin/$applet" ] ||
			ln -s busybox "$BATS_FILE_TMPDIR/installed/bin/$applet"
	done
}

setup()
{
	rustbox_setup
	mkdir -m 711 "$RUSTBOX_ROOT"
	cp -al "$BATS_FILE_TMPDIR/installed" "$RUSTBOX_ROOT/rootfs"
	PATH=$(dirname "$RUSTBOX"):$PATH
	mkdir "$DIR/work"
	cd "$DIR/work" || return 1
}

# All blocks of one document, as one script, and what they print.
run_document()
{
	"$PYTHON" "$HERE/docs_blocks.py" script "$TOP/$1" >"$DIR/script"
	grep -qv '^echo' "$DIR/script" || fail "$1 has no block marked sh"
	timeout -k 5 120 env BASH_XTRACEFD=9 bash -euxo pipefail "$DIR/script" \
		>"$DIR/printed" 2>&1 </dev/null 3>&- 4>&- 9>"$DIR/trace" || {
		cat "$DIR/printed"
		tail -n 3 "$DIR/trace"
		return 1
	}
	sed -i "s|$RUSTBOX_ROOT|/var/lib/rustbox|g" "$DIR/printed"
	"$PYTHON" "$HERE/docs_blocks.py" check "$TOP/$1" "$DIR/printed"
}
