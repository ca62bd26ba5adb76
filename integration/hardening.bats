#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How the programs are built: position-independent, nothing writable that is
# executable, relocations read-only, canaries, checked calls; and what is not in
# them, because it would read the container's files or load its libraries.
# vm: no

load container

PROGRAMS="rustbox-runtime containerd-shim-rustbox-v1 rustbox rustbox-init rustbox-systemd rustbox-seccomp"

setup()
{
	command -v readelf >/dev/null || skip "readelf is missing"
	container_setup
	RELEASE=${RUSTBOX_BUILD:-$TOP/build/release}
	cd "$RELEASE" || return 1
}

# each COMMAND...: for each of the programs; its output must have the line.
each()
{
	local expression=$1 program
	shift
	for program in $PROGRAMS; do
		output=$("$@" "$program")
		grep -qE -- "$expression" <<<"$output" || fail "$program: no '$expression'"
	done
}

none()
{
	local expression=$1 program
	shift
	for program in $PROGRAMS; do
		output=$("$@" "$program")
		! grep -E -- "$expression" <<<"$output" || fail "$program: has '$expression'"
	done
}

@test "programs are position-independent, and where they are loaded is random" {
	each 'Type:.*DYN' readelf -hW
	each 'FLAGS_1.*PIE' readelf -dW
}

@test "no memory of them is writable and executable, the stack neither" {
	each 'GNU_STACK .* RW ' readelf -lW
	none ' RWE ' readelf -lW
}

@test "relocations are done at the start and read-only then; no library is looked for elsewhere" {
	each 'GNU_RELRO' readelf -lW
	each 'FLAGS_1.*NOW' readelf -dW
	none 'RPATH|RUNPATH|TEXTREL' readelf -dW
}

@test "stacks have canaries, calls that copy are checked" {
	each '__stack_chk_fail' nm
	PROGRAMS="rustbox-runtime containerd-shim-rustbox-v1 rustbox" each '__(memcpy|snprintf|vsnprintf)_chk' nm
}

@test "branches of our code are marked for the processor to check" {
	[ "$(uname -m)" = x86_64 ] || skip "the marks of this machine are others"
	local object
	for object in runtime/init.o shim/server.o cmd/rustbox/main.o; do
		readelf -nW "$object" | grep -q 'IBT, SHSTK' || fail "$object"
	done
}

@test "S27 the runtime has no name service, locale or converter that reads files of a container" {
	PROGRAMS="rustbox-runtime containerd-shim-rustbox-v1 rustbox-init" none \
		' [TtWi] (getpwnam|getgrnam|getpw(uid|ent)|getgr(gid|ent|ouplist)|initgroups|getaddrinfo|gethostby|setlocale|iconv_open|__nss_lookup|__nss_database)' nm
	PROGRAMS="rustbox-runtime containerd-shim-rustbox-v1 rustbox rustbox-init" none 'NEEDED' readelf -dW
}
