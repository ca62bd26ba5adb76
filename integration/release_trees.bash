# SPDX-License-Identifier: Apache-2.0
# Root file systems of later Debian releases, for suites that run once more with
# what those have, after container.bash. Made once by debootstrap and kept in
# RUSTBOX_CACHE (default /var/tmp/rustbox-cache). For long forms: LONG=1.
# shellcheck shell=bash

CACHE=${RUSTBOX_CACHE:-/var/tmp/rustbox-cache}

# release_tree RELEASE NAME PACKAGE,PACKAGE...: its folder, as TREE; skips where it
# is not there and cannot be made.
release_tree()
{
	local tree=$CACHE/$2-$1 log=$CACHE/debootstrap-$2.log
	[ "$LONG" != 0 ] || skip "a long form: LONG=1"
	# A virtual machine sees its host's cache below /.host.
	for TREE in "$tree" "/.host$tree"; do
		[ ! -d "$TREE" ] || return 0
	done
	TREE=$tree
	[ -z "$RUSTBOX_IN_VM" ] || skip "the tree $2-$1 is not in the host's cache"
	mkdir -p "$CACHE"
	debootstrap --variant=minbase --include="$3" "$1" "$tree.new" >"$log" 2>&1 </dev/null 3>&- 4>&- &&
		mv "$tree.new" "$tree" || {
		rm -rf "$tree.new"
		skip "debootstrap failed: $(tail -n 1 "$log")"
	}
}

# suite_in_tree FILE LEAST PROGRAM [VARIABLE=VALUE]...: bats within bats, with nothing
# of the outer one's environment. At least so many of its tests run and pass; in the
# virtual machine those that are tagged vm. PROGRAM says its version.
suite_in_tree()
{
	local file=$1 least=$2 program=$3 filter=()
	shift 3
	[ -z "$RUSTBOX_IN_VM" ] || {
		filter=(--filter-tags vm)
		least=$(grep -c '^# bats test_tags=vm$' "$HERE/$file")
	}
	"$HERE/in-tree" "$TREE" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TERM=dumb \
		RUSTBOX_TOP="$TOP" RUNTIME="$RUNTIME" TMPDIR="$DIR/tmp" RUSTBOX_TEST_TAG="$TAG" \
		PATIENCE="${PATIENCE-}" TRY_SECONDS="${TRY_SECONDS-}" "$@" \
		bats --formatter tap "${filter[@]}" "$HERE/$file" >"$DIR/tap" 2>&1 3>&- 4>&- || {
		cat "$DIR/tap"
		return 1
	}
	echo "# $("$HERE/in-tree" "$TREE" "$program" --version): $file: $(grep -c '^ok' "$DIR/tap") tests," \
		"$(grep -c '# skip' "$DIR/tap") skipped" >&3
	[ $(($(grep -c '^ok' "$DIR/tap") - $(grep -c '# skip' "$DIR/tap"))) -ge "$least" ]
	rm -rf "$DIR/tmp"/*
}
