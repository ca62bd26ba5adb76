#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Runs what the documents show: every block marked `sh` of README.md and docs/,
# document by document, in a fresh folder, as a user would, and compares what they
# print with what the document shows; and `make quickstart`.
# vm: no

load rustbox
load ordinary_user
. "$HERE/docs.bash"

@test "README.md: its commands work, and print what it shows" {
	run_document README.md
}

@test "getting-started.md: its commands work, and print what it shows" {
	run_document docs/getting-started.md
}

@test "running-untrusted-code.md: its commands work, and print what it shows" {
	run_document docs/running-untrusted-code.md
}

@test "images.md: its commands work, and print what it shows" {
	run_document docs/images.md
}

@test "networking.md: its commands work, and print what it shows" {
	[ -x /usr/lib/cni/bridge ] || skip "containernetworking-plugins is not installed"
	type -P iptables >/dev/null || skip "iptables is not installed"
	# Bridges, addresses and rules go with the network that is their host's.
	run_document docs/networking.md unshare --net sh -c 'ip link set lo up; exec "$@"' sh
}

@test "rootless.md: its commands work for an ordinary user, and print what it shows" {
	make_user
	chown "$USER_ID" "$DIR/work"
	# That of the user, by the user's own programs.
	RUSTBOX_ROOT=$DIR/home/.local/share/rustbox
	export -n RUSTBOX_ROOT
	run_document docs/rootless.md "$DIR/as-user"
	until_true test ! -e "$DIR/xdg/rustbox/namespace.sock"
}

@test "checkpoint.md: its commands work, and print what it shows" {
	local why
	type -P criu >/dev/null || skip "criu is not installed"
	why=$(criu check 2>&1) || skip "criu check: $(tail -n 1 <<<"$why")"
	run_document docs/checkpoint.md
}

@test "library.md: its commands work, and print what it shows" {
	make -s -C "$TOP" install PREFIX="$DIR/usr" >"$DIR/installed" 2>&1 3>&- || fail "$(<"$DIR/installed")"
	PATH=$DIR/usr/bin:$PATH PKG_CONFIG_PATH=$DIR/usr/lib/pkgconfig run_document docs/library.md
}

@test "each rustbox command line in a document is one that rustbox takes" {
	local line where command option words
	while IFS= read -r line; do
		where=${line%%: *} command=${line#*: }
		check_command "$command" || fail "$where: $command"
	done < <("$PYTHON" "$HERE/docs_blocks.py" commands "$TOP/README.md" "$TOP"/docs/*.md | grep .)
}

@test "troubleshooting.md: its commands work, and print what it shows" {
	run_document docs/troubleshooting.md
}

@test "troubleshooting.md: the messages that it explains are the programs'" {
	# shellcheck disable=SC2046 # a list of names
	"$PYTHON" "$HERE/docs_blocks.py" messages "$TOP/docs/troubleshooting.md" \
		$(find "$TOP"/{base,oci,runtime,shim,cmd} -name '*.c' ! -name '*_test.c' ! -name '*_fuzz.c')
}

# What would come from a registry or Debian's archive is here. The commands of containerd's
# clients and of podman: docs_containerd.bats, nerdctl.bats, podman.bats.
@test "what has to be fetched or built first: its commands work" {
	local lines line
	lines=$("$PYTHON" "$HERE/docs_blocks.py" typed "$TOP/README.md" "$TOP"/docs/*.md | grep .)
	same "$(cut -d ' ' -f 1 <<<"$lines" | sort -u | tr '\n' ' ')" "buildah ctr mmdebstrap nerdctl podman rustbox skopeo "
	type -P skopeo >/dev/null || skip "skopeo is not installed"
	type -P buildah >/dev/null || skip "buildah is not installed"
	make_registry
	while IFS= read -r line; do
		type_line "$line"
	done < <(grep -E '^(buildah|mmdebstrap|rustbox|skopeo) ' <<<"$lines")
	same "$(rustbox images --format '{{.Repository}}' | sort | tr '\n' ' ')" "alpine debian site "
	umount "$DIR"/graph/* 2>/dev/null || :
}

# An image, for everybody who asks for one: by skopeo, mmdebstrap, and a Containerfile.
make_registry()
{
	local skopeo
	skopeo=$(type -P skopeo)
	printf '#!/bin/sh\nexec sh "$@"\n' >"$RUSTBOX_ROOT/rootfs/bin/bash"
	chmod +x "$RUSTBOX_ROOT/rootfs/bin/bash"
	tar -C "$RUSTBOX_ROOT/rootfs" -cf rootfs.tar .
	printf 'FROM scratch\nADD rootfs.tar /\n' >Containerfile
	rustbox import --change 'CMD ["sh"]' rootfs.tar fetched
	rustbox save -o "$DIR/fetched.tar" fetched
	rustbox rmi fetched
	mkdir "$DIR/bin"
	cat >"$DIR/bin/skopeo" <<-SH
	#!/bin/sh
	case \$2 in docker://*) exec $skopeo "\$1" "docker-archive:$DIR/fetched.tar:fetched:latest" "\$3" ;; esac
	exit 1
	SH
	printf '#!/bin/sh\nexec cat "%s"\n' "$PWD/rootfs.tar" >"$DIR/bin/mmdebstrap"
	chmod +x "$DIR"/bin/*
	PATH=$DIR/bin:$PATH
	printf '[storage]\ndriver = "vfs"\n%s = "%s"\n%s = "%s"\n' graphroot "$DIR/graph" runroot "$DIR/graph-run" \
		>"$DIR/storage.conf"
	export CONTAINERS_STORAGE_CONF=$DIR/storage.conf
}

# Which looks for escape sequences and paths of this machine, too.
@test "session.svg: what README.md shows is what its commands print now" {
	PATH=$(dirname "$RUSTBOX"):$PATH "$PYTHON" "$HERE/record-session" --check "$TOP/docs/session.svg" 3>&- 4>&-
	[ "$(wc -c <"$TOP/docs/session.svg")" -lt 60000 ] || fail "too large for a page"
}

@test "README.md's figures are those of performance.md" {
	"$PYTHON" "$HERE/bench/readme-figures" --check
}

@test "links between documents lead somewhere" {
	local document link
	for document in "$TOP"/{README,CONTRIBUTING}.md "$TOP"/docs/*.md; do
		for link in $(grep -oP '\]\(\K[^)#]+' "$document"); do
			[[ $link == http* ]] || [ -e "${document%/*}/$link" ] || fail "$document: $link"
		done
	done
}

@test "architecture.md has the layers that lint checks" {
	local folder
	for folder in $(sed -n "/^table='/,/^'/s/^\([a-z][^ ]*\).*/\1/p" "$TOP/integration/lint/layers" | grep -v '^table'); do
		grep -qF "| \`$folder/\` |" "$TOP/docs/architecture.md" || fail "no row for $folder/"
	done
}

@test "files that documents name are there" {
	local document name
	for document in architecture security; do
		for name in $(grep -oP '`\K[a-z_/-]+\.(c|h|bats)(?=`)' "$TOP/docs/$document.md"); do
			[ -n "$(find "$TOP" -path "$TOP/build" -prune -o -path "*/$name" -print)" ] ||
				fail "$document.md: $name"
		done
	done
}

@test "no other document has commands that are not run" {
	local document
	for document in "$TOP"/docs/*.md; do
		case ${document##*/} in
		containerd.md) continue ;; # docs_containerd.bats
		kubernetes.md) continue ;; # cri.bats
		esac
		grep -qF "run_document docs/${document##*/}" "$BATS_TEST_FILENAME" ||
			! grep -q '^```sh$' "$document" ||
			fail "$document has sh blocks: add a test for it"
	done
}

# The commands that it names, each on a terminal whose user types "exit".
@test "make quickstart runs a first container, twice, and what it says to try next works" {
	local i line commands
	for i in 1 2; do
		make -C "$TOP" quickstart PREFIX="$DIR/usr" BASE="$RUSTBOX_ROOT" \
			>"$DIR/output" 2>&1 3>&- || {
			cat "$DIR/output"
			return 1
		}
		grep -q '^Hello from quickstart, process 1' "$DIR/output" || fail "nobody says hello"
	done
	make -s -C "$TOP" quickstart PREFIX="$DIR/usr" BASE="$DIR/other" ROOTFS="$RUSTBOX_ROOT/rootfs" \
		>"$DIR/output.other" 2>&1 3>&- || fail "$(<"$DIR/output.other")"
	same "$(readlink "$DIR/other/rootfs")" "$RUSTBOX_ROOT/rootfs"
	commands=$(sed -n '/What to try next/,/^An image/s/^  \(rustbox .*\)/\1/p' "$DIR/output")
	[ "$(wc -l <<<"$commands")" -gt 5 ] || fail "quickstart should name some commands"
	PATH=$DIR/usr/bin:$PATH
	while IFS= read -r line; do
		type_line "$line"
	done <<<"$commands"
}
