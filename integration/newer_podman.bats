#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman.bats once more with the podman of the next Debian release, in a tree
# made by debootstrap and kept in RUSTBOX_CACHE. A long form: LONG=1.
# vm: no

load container

RELEASE=trixie
CACHE=${RUSTBOX_CACHE:-/var/tmp/rustbox-cache}
TREE=$CACHE/podman-$RELEASE
PACKAGES=podman,crun,conmon,tini,bats,jq,python3,busybox-static,procps,tmux,util-linux,uidmap

setup_file()
{
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
	[ "$LONG" != 0 ] || return 0
	[ ! -d "$TREE" ] || return 0
	mkdir -p "$CACHE"
	debootstrap --variant=minbase --include="$PACKAGES" "$RELEASE" "$TREE.new" \
		>"$CACHE/debootstrap-podman.log" 2>&1 </dev/null && mv "$TREE.new" "$TREE" ||
		rm -rf "$TREE.new"
}

setup()
{
	container_setup
	[ "$LONG" != 0 ] || skip "a long form: LONG=1"
	[ -d "$TREE" ] ||
		skip "debootstrap failed: $(tail -n 1 "$CACHE/debootstrap-podman.log" 2>/dev/null)"
}

@test "podman of the next release passes podman.bats" {
	local version
	version=$("$HERE/in-tree" "$TREE" podman --version)
	# Without the variables of the bats that runs us.
	"$HERE/in-tree" "$TREE" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		TERM=dumb PODMAN_IGNORE_CGROUPSV1_WARNING=1 RUSTBOX_TOP="$TOP" RUNTIME="$RUNTIME" TMPDIR="$DIR/tmp" \
		RUSTBOX_TEST_TAG="$TAG" bats --formatter tap "$HERE/podman.bats" >"$DIR/tap" 2>&1 3>&- 4>&- || {
		cat "$DIR/tap"
		return 1
	}
	echo "# $version: $(grep -c '^ok' "$DIR/tap") tests, $(grep -c '# skip' "$DIR/tap") skipped" >&3
	[ "$(grep -c '^ok' "$DIR/tap")" -gt 25 ]
	rm -rf "$DIR/tmp"/*
}
