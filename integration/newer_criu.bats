#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# checkpoint.bats, and what docs/checkpoint.md shows, with the criu of the next
# Debian release, in a tree made by debootstrap and kept in RUSTBOX_CACHE. A long
# form: LONG=1.
# vm: no

load container

RELEASE=trixie
CACHE=${RUSTBOX_CACHE:-/var/tmp/rustbox-cache}
TREE=$CACHE/criu-$RELEASE
PACKAGES=criu,iproute2,iptables,nftables,bats,jq,python3,busybox-static,procps,util-linux

setup_file()
{
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
	[ "$LONG" != 0 ] || return 0
	[ ! -d "$TREE" ] || return 0
	mkdir -p "$CACHE"
	debootstrap --variant=minbase --include="$PACKAGES" "$RELEASE" "$TREE.new" \
		>"$CACHE/debootstrap-criu.log" 2>&1 </dev/null && mv "$TREE.new" "$TREE" ||
		rm -rf "$TREE.new"
}

setup()
{
	container_setup
	[ "$LONG" != 0 ] || skip "a long form: LONG=1"
	[ -d "$TREE" ] ||
		skip "debootstrap failed: $(tail -n 1 "$CACHE/debootstrap-criu.log" 2>/dev/null)"
	in_tree criu check >/dev/null 2>&1 || skip "criu check: $(in_tree criu check 2>&1 | tail -n 1)"
}

in_tree()
{
	"$HERE/in-tree" "$TREE" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TERM=dumb LONG="$LONG" \
		RUSTBOX_TOP="$TOP" RUNTIME="$RUNTIME" TMPDIR="$DIR/tmp" RUSTBOX_TEST_TAG="$TAG" "$@"
}

# suite FILE LEAST [OPTION...]: at least so many of its tests run and pass.
suite()
{
	local file=$1 least=$2
	shift 2
	in_tree bats --formatter tap "$@" "$HERE/$file" >"$DIR/tap" 2>&1 3>&- 4>&- || {
		cat "$DIR/tap"
		return 1
	}
	echo "# criu $(in_tree criu --version | head -n 1): $file: $(grep -c '^ok' "$DIR/tap") tests," \
		"$(grep -c '# skip' "$DIR/tap") skipped" >&3
	[ $(($(grep -c '^ok' "$DIR/tap") - $(grep -c '# skip' "$DIR/tap"))) -ge "$least" ]
	rm -rf "$DIR/tmp"/*
}

@test "criu of the next release passes checkpoint.bats" {
	suite checkpoint.bats 20
}

@test "criu of the next release does what checkpoint.md shows" {
	suite docs.bats 1 --filter checkpoint.md
}
