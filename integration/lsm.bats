#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# AppArmor, where the kernel has it: the profile of config.json and of exec is the
# payload's, its refusals are felt; one that is not loaded is an error.
# vm: yes

load container

setup()
{
	[ -w /sys/kernel/security/apparmor/.replace ] || skip "this machine has no AppArmor"
	container_setup
	load_profile "$TAG-complains" 1
	load_profile "$TAG-refuses" 0
}

teardown()
{
	local profile
	[ -n "${TAG-}" ] || return 0
	container_teardown || return 1
	for profile in "$TAG-complains" "$TAG-refuses"; do
		printf %s "$profile" >/sys/kernel/security/apparmor/.remove
	done
}

# Loads a profile that allows nothing: as the kernel reads it, without a table of paths or
# capabilities. What it forbids is logged only in mode 1 (complain), refused in mode 0.
load_profile()
{
	"$PYTHON" -ES - "$1" "$2" <<-'PY'
	import struct, sys
	profile, mode = sys.argv[1:]
	u32 = lambda n: struct.pack("<BI", 2, n)
	name = lambda s: struct.pack("<BH", 4, len(s) + 1) + s.encode() + b"\0"
	string = lambda s: struct.pack("<BH", 5, len(s) + 1) + s.encode() + b"\0"
	begin, end = b"\7", b"\10"
	policy = name("version") + u32(5) + name("profile") + begin + string(profile) + \
	    name("flags") + begin + u32(0) + u32(int(mode)) + u32(0) + end + 4 * u32(0) + end
	with open("/sys/kernel/security/apparmor/.replace", "wb", buffering=0) as file:
	    file.write(policy)
	PY
}

# Of a process, as the host sees it.
profile_of()
{
	cat "/proc/$1/attr/apparmor/current" 2>/dev/null || cat "/proc/$1/attr/current"
}

# bats test_tags=vm
@test "apparmorProfile: init's and exec's, whatever --apparmor of exec says else; it is obeyed" {
	local complains="$TAG-complains (complain)" refuses="$TAG-refuses (enforce)"
	config '.process.apparmorProfile = $p' --arg p "$TAG-complains"
	start_waiting
	same "$(profile_of "$(init_pid)")" "$complains"
	try exec "$ID" cat /proc/self/attr/current
	ok
	same "$output" "$complains"
	try exec "$ID" sh -c ': </etc/passwd'
	ok
	launch exec --detach --pid-file "$DIR/pid" --apparmor "$TAG-refuses" "$ID" payload wait
	ok
	same "$(profile_of "$(<"$DIR/pid")")" "$refuses"
	# It cannot say so: its output is a file, too.
	try exec --apparmor "$TAG-refuses" "$ID" sh -c ': </etc/passwd'
	exits 1
	try delete --force "$ID"
	ok
	config '.process.apparmorProfile = $p | .process.args = ["sh", "-c", ": </etc/passwd"]' --arg p "$TAG-refuses"
	try run --bundle "$B" "$ID"
	exits 1
	config '.process.apparmorProfile = "unconfined"'
	run_payload cat /proc/self/attr/current
	same "$output" unconfined
	assert_nothing_left
}

# bats test_tags=vm
@test "a restored container is under its profile again, or that of --lsm-profile, or it does not run" {
	local why
	command -v criu >/dev/null || skip "criu is not installed"
	why=$(criu check 2>&1) || skip "criu check: $(tail -n 1 <<<"$why")"
	config '.process.apparmorProfile = $p' --arg p "$TAG-complains"
	start_waiting
	try checkpoint --image-path "$DIR/images" "$ID"
	ok
	launch restore --detach --image-path "$DIR/images" --bundle "$B" "$ID"
	ok
	same "$(profile_of "$(init_pid)")" "$TAG-complains (complain)"
	try delete --force "$ID"
	ok
	launch restore --detach --lsm-profile "apparmor:$TAG-refuses" --image-path "$DIR/images" --bundle "$B" "$ID"
	ok
	same "$(profile_of "$(init_pid)")" "$TAG-refuses (enforce)"
	try delete --force "$ID"
	ok
	# As where CRIU restores no label: it is another one than the checkpoint speaks of.
	sed -i "s/$TAG-complains/$TAG-refuses/" "$DIR/images/rustbox.json"
	launch restore --detach --image-path "$DIR/images" --bundle "$B" "$ID"
	fails
	[[ $error == *"security label of the processes is \"$TAG-complains\", and not \"$TAG-refuses\""* ]] ||
		fail "should say so"
	assert_nothing_left
}

# bats test_tags=vm
@test "an AppArmor profile that is not loaded: an error that names it, and says what to look at" {
	config '.process.apparmorProfile = $p' --arg p "$TAG-missing"
	try create --bundle "$B" "$ID"
	error_names "$TAG-missing" aa-status
	assert_nothing_left
	config 'del(.process.apparmorProfile)'
	start_waiting
	try exec --apparmor "$TAG-missing" "$ID" payload print never
	error_names "$TAG-missing" aa-status
	# A label of the other module is one that the machine does not have.
	if [ ! -d /sys/fs/selinux ]; then
		try exec --process-label a:b:c:d "$ID" payload print never
		error_names selinuxLabel SELinux
	fi
}
