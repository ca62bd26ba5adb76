#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The source tarball, reproducible programs and Debian packages. LONG=1 builds
# packages, twice, and installs them in a Debian tree.
# vm: no

load container
load debian

setup()
{
	container_setup
	export CCACHE_DISABLE=1
}

teardown()
{
	local failed=0
	debian_unmount || failed=1
	container_teardown || failed=1
	return $failed
}

# make, as a user's shell would call it: not with what this test's make was told.
plain_make()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s "$@" >"$DIR/make.log" 2>&1 3>&- 4>&- ||
		fail "make $*: $(tail -n 30 "$DIR/make.log")"
}

# A clone of the last commit.
clone()
{
	[ -e "$TOP/.git" ] || skip "this is not a git repository"
	git -c safe.directory='*' clone -q "$TOP" "$1" 2>"$DIR/git.log" || fail "$(<"$DIR/git.log")"
}

# The files that git would take, as they are now.
copy_tree()
{
	mkdir -p "$1"
	(cd "$TOP" && integration/lint/files all | tar -cf - -T -) | tar -xf - -C "$1"
}

version()
{
	sed -n 's/^VERSION := //p' "$TOP/Makefile"
}

@test "make dist gives the same tarball in another folder, at another time, to another user" {
	local tarball
	tarball=build/dist/rustbox-$(version).tar.gz
	clone "$DIR/a"
	(umask 077 && clone "$DIR/another/folder")
	plain_make -C "$DIR/a" dist
	TZ=Asia/Tokyo SOURCE_DATE_EPOCH=1 plain_make -C "$DIR/another/folder" dist
	cmp "$DIR/a/$tarball" "$DIR/another/folder/$tarball"
	(cd "$DIR/a/build/dist" && sha256sum --check --status ./*.sha256) || fail "the sum is another file's"
	# It has what git has, and its programs know their commit as those of a clone do.
	mkdir "$DIR/tarball"
	tar -xzf "$DIR/a/$tarball" -C "$DIR/tarball"
	cd "$DIR/tarball/rustbox-$(version)"
	same "$(find . -type f -o -type l | sed 's|^./||' | sort)" "$(git -C "$DIR/a" ls-files | sort)"
	plain_make build/version
	plain_make -C "$DIR/a" build/version
	same "$(<build/version)" "$(<"$DIR/a/build/version")"
	[[ $(<build/version) =~ ^"$(version) "[0-9a-f]{12}$ ]] || fail "no commit: $(<build/version)"
	! make -s dist >"$DIR/make.log" 2>&1 3>&- || fail "of what, without git?"
	grep -q 'not a git repository' "$DIR/make.log"
}

@test "two builds in different folders give the same programs" {
	local folder program goals='build/release/rustbox-init build/release/base.a'
	[ "$LONG" = 0 ] || goals='all build/release/payload'
	for folder in "$DIR/a" "$DIR/another/folder"; do
		copy_tree "$folder"
		# shellcheck disable=SC2086 # several goals
		plain_make -C "$folder" -j"$(nproc)" COMMIT=0123456789ab $goals
	done
	# With their debug information, which has the sources' paths.
	readelf --debug-dump=info "$DIR/a/build/release/rustbox-init" | grep -q 'DW_AT_name.*cmd/rustbox-init/main.c' ||
		fail "no debug information"
	for program in "$DIR"/a/build/release/*; do
		[ ! -f "$program" ] || [[ $program == */flags ]] ||
			cmp "$program" "$DIR/another/folder/${program#"$DIR/a/"}"
	done
}

@test "debian/: each file that make install puts is in one package" {
	local destinations
	read -ra destinations <<<"$(grep -oE '\b(PREFIX|UNITDIR|ZSH_COMPLETIONS)=[^ ]+' "$TOP/debian/rules" | tr '\n' ' ')"
	[ ${#destinations[@]} -gt 0 ] || fail "debian/rules names no folders"
	# Which is the architecture's: debian/*.install have a "*" for it.
	grep -qF 'LIBDIR=/usr/lib/$(DEB_HOST_MULTIARCH)' "$TOP/debian/rules" || fail "LIBDIR is another one"
	destinations+=(LIBDIR=/usr/lib/architecture)
	plain_make -C "$TOP" all
	plain_make -C "$TOP" install DESTDIR="$DIR/dest" STRIP=true "${destinations[@]}"
	# Where it is installed changes no program: others run them meanwhile.
	same "$(<"$DIR/make.log")" ""
	same "$(grep -hv '^#' "$TOP"/debian/*.install | sed 's|/\*/|/architecture/|' | sort)" \
		"$(cd "$DIR/dest" && find . ! -type d | sed 's|^\./||' | sort)"
}

@test "debian/: version and build dependencies are the project's" {
	same "$(sed -n '1s/^rustbox (\(.*\)) .*/\1/p' "$TOP/debian/changelog")" "$(version)"
	# What every Debian build has, and what only quickstart needs.
	same "$(sed -n '/^Build-Depends:/,/^$/s/^ \([a-z0-9-]*\).*/\1/p' "$TOP/debian/control" | sort)" \
		"$(sed -n "/^build='/,/^'/p" "$TOP/integration/install-deps" | tr -s '\t ' '\n' |
			grep -vE "^(build='|'|build-essential|busybox-static|)$" | sort)"
}

# ---- LONG=1 ---------------------------------------------------------------------

# What the packages of one folder are: NAME SUM, a line each.
sums()
{
	(cd "$1/build/deb" && sha256sum -- *.deb)
}

# The package's version raised, as an upgrade's is: the same files otherwise.
raise_version()
{
	local package
	mkdir "$DIR/raised"
	for package in "$1"/build/deb/*.deb; do
		[[ $package != *-dbgsym_* ]] || continue
		dpkg-deb -R "$package" "$DIR/raised/tree"
		sed -i "s/$(version)/$(version)+1/" "$DIR/raised/tree/DEBIAN/control"
		dpkg-deb -b --root-owner-group "$DIR/raised/tree" "$DIR/raised/$(basename "$package")" >/dev/null
		rm -r "$DIR/raised/tree"
	done
}

# Run in the tree: $1 is the packages' folder, $2 that of the raised ones. What the
# overlay lies on cannot carry another one, so containers are on a tmpfs.
IN_TREE='
	packages=$1 raised=$2
	files()
	{
		find / -xdev \( -path /run -o -path /var/log -o -path /var/cache -o -path "$top" -o -path /tmp \) -prune -o \
			-print | grep -vE "^/var/lib/(dpkg|rustbox|systemd/deb-systemd-helper-)" | sort
	}
	mkdir -p /var/lib/rustbox
	mount -t tmpfs -o mode=711 tmpfs /var/lib/rustbox
	mkdir -p /var/lib/rustbox/rootfs/{bin,proc,dev,sys,etc,tmp}
	cp busybox /var/lib/rustbox/rootfs/bin/busybox
	ln -s busybox /var/lib/rustbox/rootfs/bin/sh
	files >/tmp-before
	dpkg -i $packages
	echo "step: versions"
	rustbox-runtime --version | head -n 1
	containerd-shim-rustbox-v1 -v | grep Version
	rustbox version | head -n 1
	[ -L /etc/systemd/system/multi-user.target.wants/rustbox.service ]
	[ ! -e /etc/systemd/system/sockets.target.wants/rustboxd.socket ]
	echo "step: run"
	rustbox run --rm --init sh -c "echo in a container"
	rustbox sandbox -- sh -c "echo in a sandbox"
	rustbox run -d --init --name lives --restart always sh -c "while :; do busybox sleep 1000; done"
	echo "step: upgrade"
	dpkg -i $raised
	rustbox exec lives sh -c "echo it lives"
	rustbox list --format "{{.Names}} {{.State}}"
	echo "step: remove"
	dpkg -r rustbox
	! command -v rustbox
	grep -l lives /proc/[0-9]*/environ 2>/dev/null || echo "nothing runs"
	dpkg -r librustbox-runtime-dev rustbox-runtime containerd-shim-rustbox
	dpkg -P rustbox librustbox-runtime-dev rustbox-runtime containerd-shim-rustbox
	echo "step: purged"
	files | diff /tmp-before - | grep "^[<>]" | grep -v tmp-before || echo "nothing left"
	ls /var/lib/rustbox/containers | wc -l
'

@test "LONG=1: make deb gives reproducible packages that lintian takes, and that install, upgrade and go" {
	local folder packages
	[ "$LONG" != 0 ] || skip "builds packages twice (LONG=1)"
	type -P dh dpkg-buildpackage >/dev/null || skip "debhelper and dpkg-dev are not installed"
	find_debian
	clone "$DIR/a"
	(umask 077 && clone "$DIR/another/folder")
	plain_make -C "$DIR/a" deb
	(umask 077 && TZ=Asia/Tokyo plain_make -C "$DIR/another/folder" deb)
	same "$(sums "$DIR/a")" "$(sums "$DIR/another/folder")"
	packages=$(find "$DIR/a/build/deb" -name '*.deb' ! -name '*-dbgsym_*' | sort)
	same "$(wc -l <<<"$packages")" "$(grep -c ^Package: "$TOP/debian/control")"
	if type -P lintian >/dev/null; then
		mkdir "$DIR/lintian"
		# shellcheck disable=SC2086 # a list
		same "$(TMPDIR=$DIR/lintian lintian --allow-root --fail-on none --tag-display-limit 0 $packages 2>&1 3>&-)" ""
	fi

	raise_version "$DIR/a"
	debian_mount
	# The folder that it runs in is there, too.
	cp "$(command -v busybox)" "$DIR"
	cd "$DIR"
	# shellcheck disable=SC2086 # a list
	"$HERE/in-tree" "$B/rootfs" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		top="$TOP" RUSTBOX_TEST_TAG="$TAG" \
		bash -euo pipefail -c "$IN_TREE" bash "$(tr '\n' ' ' <<<"$packages")" "$(echo "$DIR"/raised/*.deb)" \
		>"$DIR/out" 2>"$DIR/err" 3>&- 4>&- || fail "$(cat "$DIR/out" "$DIR/err")"
	read_streams "$DIR/out" "$DIR/err"
	lines "rustbox-runtime version $(version)" "  Version:  $(version)" "rustbox version $(version)" \
		"in a container" "in a sandbox" "it lives" "lives running" "nothing runs" "nothing left" 1
}
