#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is left out with this release's criu, with that of the next Debian release,
# in a tree made by debootstrap and kept in RUSTBOX_CACHE: checkpoint.bats,
# checkpoint_options.bats and what docs/checkpoint.md shows in the tree,
# containerd's and rustbox's ways out of it. A long form: LONG=1.
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

# bats within bats: nothing of the outer one's environment.
clean_env()
{
	CLEAN=(env -i PATH="$1" LC_ALL=C.UTF-8 TERM=dumb LONG="$LONG" RUSTBOX_TOP="$TOP" RUNTIME="$RUNTIME"
		TMPDIR="$DIR/tmp" RUSTBOX_TEST_TAG="$TAG")
}

in_tree()
{
	clean_env /usr/sbin:/usr/bin:/sbin:/bin
	"$HERE/in-tree" "$TREE" "${CLEAN[@]}" "$@"
}

# Here, with the tree's criu in the place of our own.
beside_tree()
{
	local root=$TREE loader
	loader=$(readlink -f "$TREE/lib64/ld-linux-x86-64.so.2" || :)
	[ -x "$loader" ] || skip "only x86_64 is known"
	[ -x /usr/sbin/criu ] || skip "criu is not installed"
	cat >"$DIR/criu" <<-END
	#!/bin/sh
	exec "$loader" --library-path "$root/usr/lib/x86_64-linux-gnu" "$root/usr/sbin/criu" "\$@"
	END
	chmod +x "$DIR/criu"
	mkdir -p "$DIR/tmp"
	clean_env /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	# shellcheck disable=SC2016 # for the inner shell to expand
	unshare --mount --propagation private sh -euc 'mount --bind "$1" /usr/sbin/criu; shift; exec "$@"' \
		sh "$DIR/criu" "${CLEAN[@]}" "$@"
}

# suite WHERE FILE LEAST [OPTION...]: at least so many of its tests run and pass.
suite()
{
	local where=$1 file=$2 least=$3
	shift 3
	$where bats --formatter tap "$@" "$HERE/$file" >"$DIR/tap" 2>&1 3>&- 4>&- || {
		cat "$DIR/tap"
		return 1
	}
	echo "# criu $(in_tree criu --version | head -n 1): $file: $(grep -c '^ok' "$DIR/tap") tests," \
		"$(grep -c '# skip' "$DIR/tap") skipped" >&3
	[ $(($(grep -c '^ok' "$DIR/tap") - $(grep -c '# skip' "$DIR/tap"))) -ge "$least" ]
	rm -rf "$DIR/tmp"/*
}

@test "criu of the next release passes checkpoint.bats" {
	suite in_tree checkpoint.bats 25
}

@test "criu of the next release passes checkpoint_options.bats" {
	suite in_tree checkpoint_options.bats 5
}

@test "system calls of checkpoint and restore fail with criu of the next release" {
	suite in_tree failures.bats 1 --filter "checkpoint and restore"
}

@test "criu of the next release does what checkpoint.md shows" {
	suite in_tree docs.bats 1 --filter checkpoint.md
}

@test "criu of the next release: rustbox checkpoint and restore" {
	suite beside_tree rustbox_criu.bats 4
}

@test "criu of the next release: containerd's checkpoints" {
	suite beside_tree containerd_criu.bats 2
}

@test "criu of the next release: podman's checkpoints" {
	suite beside_tree podman.bats 2 --filter "podman container checkpoint"
}
