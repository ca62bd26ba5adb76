# SPDX-License-Identifier: Apache-2.0
# Programs that Debian 12 does not have, built from their modules at a pinned
# version, once, and kept in RUSTBOX_CACHE (default /var/tmp/rustbox-cache).
# shellcheck shell=bash

NERDCTL_VERSION=1.7.7 # the last before 2.0, for containerd 1.6 and cgroup v1
NERDCTL2_VERSION=2.1.3 # for its health checks, which 1.7 has not
CRI_TOOLS_VERSION=1.26.1
CRIO_VERSION=1.26.4
GO_PROGRAMS=${RUSTBOX_CACHE:-/var/tmp/rustbox-cache}/go

# For a file's setup, which cannot skip by itself: the first reason why its tests
# are left out. Their setup calls needs_are_met.
export WHY_NOT=${WHY_NOT-}

cannot()
{
	WHY_NOT=${WHY_NOT:-$*}
}

needs_are_met()
{
	[ -z "$WHY_NOT" ] || skip "$WHY_NOT"
}

need_programs()
{
	local program
	for program; do
		command -v "$program" >/dev/null || cannot "$program is not installed"
	done
}

# go_program NAME: its path, as GO_PROGRAM, if it is there or can be built. NAME
# is a row of go_program_build.
go_program()
{
	local name=$1 version log=$GO_PROGRAMS/$1.log
	case $name in
	nerdctl) version=$NERDCTL_VERSION ;;
	nerdctl2) version=$NERDCTL2_VERSION ;;
	crio) version=$CRIO_VERSION ;;
	*) version=$CRI_TOOLS_VERSION ;;
	esac
	# A virtual machine sees its host's cache below /.host.
	for GO_PROGRAM in "$GO_PROGRAMS/$name-$version" "/.host$GO_PROGRAMS/$name-$version"; do
		[ ! -x "$GO_PROGRAM" ] || return 0
	done
	GO_PROGRAM=$GO_PROGRAMS/$name-$version
	[ -z "$RUSTBOX_IN_VM" ] || cannot "$name $version is not in the host's cache"
	[ -z "$WHY_NOT" ] || return 0
	go_find || {
		cannot "$name $version is not in $GO_PROGRAMS, and go is not installed"
		return 0
	}
	mkdir -p "$GO_PROGRAMS"
	(
		flock 9
		[ -x "$GO_PROGRAM" ] || go_program_build "$name" "$version" "$GO_PROGRAM" >"$log" 2>&1
	) </dev/null 9>"$GO_PROGRAMS/lock" 3>&- 4>&- ||
		cannot "$name $version cannot be built (no network?): $(tail -n 1 "$log")"
}

go_find()
{
	GO=$(command -v go || ls /usr/local/go/bin/go 2>/dev/null)
}

go_program_build()
{
	local name=$1 version=$2 target=$3 source=$GO_PROGRAMS/$1.source
	case $name in
	nerdctl) go_source github.com/containerd/nerdctl "v$version" "$source" && go_build build "$source" nerdctl "$target" ;;
	nerdctl2) go_nerdctl2 "$version" "$source" && go_build build "$source" nerdctl "$target" ;;
	crictl) go_cri_tools "$version" "$source" && go_build build "$source" crictl "$target" ;;
	critest) go_cri_tools "$version" "$source" && go_build "test -c" "$source" critest "$target" ;;
	crio) go_source github.com/cri-o/cri-o "v$version" "$source" && go_crio "$source" "$target" ;;
	esac
}

# go_source MODULE VERSION FOLDER: a copy that can be changed.
go_source()
{
	local folder
	folder=$("$GO" mod download -json "$1@$2" | jq -r '.Dir // halt_error') || return 1
	rm -rf "$3"
	cp -r --no-preserve=mode "$folder" "$3"
}

# What only its tests use wants a module that is not published.
go_nerdctl2()
{
	go_source github.com/containerd/nerdctl/v2 "v$1" "$2" && rm "$2"/cmd/nerdctl/helpers/testing*.go
}

# Its go.mod wants Kubernetes' libraries from a folder of Kubernetes' tree; they
# are modules of their own, too, which not only the first of all proxies has.
go_cri_tools()
{
	go_source github.com/kubernetes-sigs/cri-tools "v$1" "$2" &&
		sed -i -E 's,=> k8s\.io/kubernetes/staging/src/(k8s\.io/[a-z-]+) v.*,=> \1 v0.26.0,' "$2/go.mod"
}

# go_build VERB FOLDER COMMAND TARGET
go_build()
{
	local status=0
	# shellcheck disable=SC2086 # verb and options
	(cd "$2" && CGO_ENABLED=0 GOFLAGS="-mod=mod -trimpath -buildvcs=false" \
		nice "$GO" $1 -ldflags "-s -w" -o "$4.new" "./cmd/$3") || status=1
	rm -rf "$2"
	[ $status -eq 0 ] && mv "$4.new" "$4"
}

# go_crio FOLDER TARGET: CRI-O, and TARGET-pinns, which holds namespaces for it. It wants cgo.
go_crio()
{
	local tags="containers_image_openpgp containers_image_ostree_stub seccomp exclude_graphdriver_btrfs
		btrfs_noversion exclude_graphdriver_devicemapper" status=0
	make -C "$1/pinns" && mv "$1/bin/pinns" "$2-pinns" &&
		(cd "$1" && CGO_ENABLED=1 GOFLAGS="-mod=mod -trimpath -buildvcs=false" \
			nice "$GO" build -ldflags "-s -w -checklinkname=0" -tags "$tags" -o "$2.new" ./cmd/crio) || status=1
	rm -rf "$1"
	[ $status -eq 0 ] && mv "$2.new" "$2"
}
