#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman.bats once more with the podman of the next Debian release, in a tree
# made by debootstrap and kept in RUSTBOX_CACHE. A long form: LONG=1.
# vm: long

load container
load release_trees

PACKAGES=podman,crun,conmon,tini,bats,jq,python3,busybox-static,procps,tmux,util-linux,uidmap

# bats test_tags=vm
@test "podman of the next release passes podman.bats" {
	release_tree trixie podman $PACKAGES
	suite_in_tree podman.bats 26 podman PODMAN_IGNORE_CGROUPSV1_WARNING=1
}
