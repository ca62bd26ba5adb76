#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.netDevices: interfaces of the host become the container's, under other
# names if so wished, with what they had; and what cannot be is an error before
# anything has moved.
# vm: no
# sanitized: yes

load container

# A pair of interfaces of the host, LINK and PEER_LINK, gone when one of them goes.
setup()
{
	container_setup
	is_ours || skip "other runtimes differ"
	command -v ip >/dev/null || skip "there is no ip(8)"
	LINK=rb$BASHPID PEER_LINK=rc$BASHPID
	ip link add "$LINK" type veth peer name "$PEER_LINK" 2>/dev/null || skip "no veth interfaces here"
}

teardown()
{
	ip link del "$PEER_LINK" 2>/dev/null || :
	container_teardown
}

devices()
{
	config ".linux.netDevices = $1" --arg l "$LINK" --arg p "$PEER_LINK"
}

inside()
{
	output=$(nsenter -t "$(init_pid)" -n ip "$@" 2>&1 3>&-) || fail "ip $*"
}

on_host()
{
	[ -e "/sys/class/net/$1" ]
}

@test "moved, renamed, up, with its addresses, MTU and hardware address" {
	local mac
	ip addr add 10.231.7.2/24 dev "$LINK"
	ip addr add 10.231.8.2/32 dev "$LINK" scope link
	ip addr add fd00:7::2/64 dev "$LINK" nodad 2>/dev/null || :
	ip link set "$LINK" mtu 1400 up
	mac=$(<"/sys/class/net/$LINK/address")
	devices '{($l): {name: "eth7"}}'
	start_waiting
	! on_host "$LINK" || fail "it is still the host's"
	inside -o link show eth7
	matches "mtu 1400 .*$mac" '[<,]UP[,>]'
	inside -o -4 addr show eth7
	says "10.231.7.2/24"
	says_not 10.231.8.2
	[ ! -e /proc/net/if_inet6 ] || {
		inside -o -6 addr show eth7
		says fd00:7::2/64
	}
	inside -o route show
	says "10.231.7.0/24 dev eth7"
	try kill "$ID" KILL
	wait_status stopped
	try delete "$ID"
	ok
	until_true eval '! on_host "$PEER_LINK"'
}

@test "without a name it keeps its own; %d is a number that is free; in a user namespace too" {
	devices '{($l): {}, ($p): {name: "net%d"}}'
	user_namespace
	start_waiting
	inside -o link show
	matches " $LINK@" ' net0@'
	says UP
	run_ls=$(nsenter -t "$(init_pid)" -n ip -o link show up)
	[[ $run_ls == *net0* ]] || fail "net0 is not up"
}

@test "hooks of createRuntime find it in the container" {
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c",
		"pid=$(sed -n \"s/.*\\\"pid\\\": *\\([0-9]*\\).*/\\1/p\"); nsenter -t $pid -n ip -o link >\($d)/seen"],
		env: ["PATH=\($path)"]}]' --arg d "$DIR" --arg path "$PATH"
	devices '{($l): {name: "early"}}'
	start_waiting
	grep -q ' early@' "$DIR/seen" || fail "$(<"$DIR/seen")"
}

@test "a name in use, an interface that is missing or cannot move: an error, and nothing has moved" {
	local words filter
	while IFS='|' read -r words filter; do
		devices "$filter"
		try create --bundle "$B" "$ID"
		# shellcheck disable=SC2086 # a list of words
		error_names linux.netDevices $words
		on_host "$LINK" || fail "it has moved"
	done <<-'END'
	already lo|{($l): {name: "lo"}}
	nosuch0 host|{($l): {name: "eth0"}, nosuch0: {}}
	twice eth0|{($l): {name: "eth0"}, ($p): {name: "eth0"}}
	lo stay|{lo: {name: "loop"}}
	interface|{($l): {name: "a b"}}
	interface|{($l): {name: "sixteen-letters-"}}
	interface|{($l): {name: "a%d%d"}}
	END
	assert_nothing_left
}

@test "the host's own network namespace is no place for it" {
	devices '{($l): {}}'
	config '(.linux.namespaces[] | select(.type == "network")).path = "/proc/\($p)/ns/net"' --arg p $$
	try create --bundle "$B" "$ID"
	error_names linux.netDevices "is the host's"
	config '.linux.namespaces |= map(select(.type != "network"))'
	try create --bundle "$B" "$ID"
	error_names linux.netDevices "network namespace"
	on_host "$LINK" || fail "it has moved"
	assert_nothing_left
}
