#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Networks of rustbox containers: which one they have, who reaches whom, names,
# published ports, and what is left of it all. Each test has a machine's network
# of its own: a namespace in which rustbox runs ("the host"), and one beyond it
# ("outside", 203.0.113.2) that knows no way to the containers.
# vm: yes

load rustbox

PLUGINS=/usr/lib/cni
OUTSIDE=203.0.113.2
HOST=203.0.113.1

# ---- set-up -------------------------------------------------------------------

need()
{
	local what
	for what; do
		command -v "$what" >/dev/null || skip "needs the program $what"
	done
}

need_networks()
{
	[ "$(id -u)" -eq 0 ] || skip "must be root"
	need nsenter unshare ip iptables iptables-save
	[ -x $PLUGINS/bridge ] || skip "needs the CNI plugins (containernetworking-plugins)"
	in_host iptables -t nat -S >/dev/null 2>&1 || skip "iptables does not work on this kernel"
}

in_host()
{
	nsenter --net="$NETS/host" "$@" 3>&- 4>&-
}

in_outside()
{
	nsenter --net="$NETS/outside" "$@" 3>&- 4>&-
}

# Commands that need no such network work with it as well.
setup()
{
	need nsenter unshare ip
	rustbox_setup
	unset CNI_PATH
	NETS=$BATS_FILE_TMPDIR/nets.$BATS_TEST_NUMBER
	mkdir "$NETS"
	touch "$NETS/host" "$NETS/outside"
	unshare --net="$NETS/host" true
	unshare --net="$NETS/outside" true
	in_host ip link add up0 type veth peer name in0 netns "$NETS/outside"
	in_host ip addr add $HOST/24 dev up0
	in_host ip link set lo up
	in_host ip link set up0 up
	in_host ip route add default via $OUTSIDE
	in_outside ip addr add $OUTSIDE/24 dev in0
	in_outside ip link set lo up
	in_outside ip link set in0 up
	printf '#!/bin/sh\nexec nsenter --net="%s" "%s" "$@"\n' "$NETS/host" "$PROGRAM" >"$NETS/rustbox"
	chmod +x "$NETS/rustbox"
	RUSTBOX=$NETS/rustbox
}
PROGRAM=$RUSTBOX

teardown()
{
	local failed=0
	rustbox_teardown || failed=1
	umount -l "$NETS/host" "$NETS/outside"
	return $failed
}

# Interfaces, rules and addresses of the host that are of no container any more.
eval "$(declare -f leftovers | sed '1s/leftovers/rustbox_leftovers/')"
leftovers()
{
	local line
	rustbox_leftovers
	in_host ip -o link | grep -vE '^[0-9]+: (lo|up0@)' | sed 's/^/interface: /'
	# The plugins' three chains for all ports stay, and have no container in them.
	{
		in_host iptables-save
	} 2>/dev/null | grep -E 'rustbox|rbx|id: |CNI-[0-9a-f]|CNI-DN' | sed 's/^/rule: /'
	for line in "$RUSTBOX_ROOT"/run/networks/*/*; do
		[ ! -e "$line" ] || echo "address: $line"
	done
}

# ---- calls ----------------------------------------------------------------------

# start_on NAME OPTIONS...: one that waits
start_on()
{
	local name=$1
	shift
	rbok run -d --name "$name" "$@" sh -c 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done'
}

# serve NAME OPTIONS...: one that answers "this is NAME" at port 80
serve()
{
	local name=$1
	shift
	rbok run -d --name "$name" "$@" sh -c \
		"mkdir /srv; echo this is $name >/srv/index.html; exec busybox httpd -f -p 80 -h /srv"
	until_true listens "$name"
}

listens()
{
	nsenter --net="$(netns_of "$1")" grep -q ':0050 .* 0A ' /proc/net/tcp /proc/net/tcp6
}

id_of()
{
	basename "$(readlink "$RUSTBOX_ROOT/names/$1")"
}

netns_of()
{
	echo "$RUSTBOX_ROOT/run/$(id_of "$1")/netns"
}

address_of()
{
	box_state .NetworkSettings.IPAddress "$1"
}

gateway_of()
{
	box_state .NetworkSettings.Gateway "$1"
}

GET='GET /index.html HTTP/1.0\r\n\r\n'

# What a server says to the host, to the outside, to a container: get ADDRESS PORT.
# Where no answer is right, WAIT says for how many seconds.
get_from_host()
{
	printf "$GET" | in_host busybox nc -w "${WAIT:-30}" "$1" "$2" 2>&1 | tail -n 1
}

get_from_outside()
{
	printf "$GET" | in_outside busybox nc -w "${WAIT:-30}" "$1" "$2" 2>&1 | tail -n 1
}

# get_from NAME ADDRESS PORT
get_from()
{
	"$RUSTBOX" exec "$1" sh -c "printf '$GET' | busybox nc -w ${WAIT:-30} $2 $3 2>&1" 3>&- </dev/null | tail -n 1
}

bridges()
{
	in_host ip -o link show type bridge | wc -l
}

supervisor_is_gone()
{
	! pgrep -f "supervise $ID\$" >/dev/null
}

# up0 is one, too.
nobody_is_on_a_bridge()
{
	[ "$(in_host ip -o link show type veth | wc -l)" -eq 1 ]
}

hosts_have()
{
	"$RUSTBOX" exec "$1" grep -qE "$2" /etc/hosts 3>&- </dev/null
}

hosts_lack()
{
	! hosts_have "$@"
}

# ---- without a network of its own ------------------------------------------------

@test "without options a container has the host's network" {
	rbok run --rm cat /proc/net/dev
	says up0:
	rbok run --rm --network host busybox readlink /proc/self/ns/net
	same "$output" "$(in_host readlink /proc/self/ns/net)"
}

# bats test_tags=vm
@test "none and --isolate-network: loopback only, and it is up" {
	local how
	for how in "--network none" --isolate-network; do
		# shellcheck disable=SC2086 # options
		rbok run --rm $how sh -c 'tail -n +3 /proc/net/dev; busybox ping -c 1 -W 30 127.0.0.1'
		matches '^ *lo:' '1 packets received'
		says_not up0 eth0
	done
}

@test "container:NAME shares interfaces, names and resolver" {
	need_networks
	serve web --network bridge --hostname webhost
	rbok run --rm --network container:web sh -c "printf '$GET' | busybox nc -w 30 127.0.0.1 80; cat /etc/hosts"
	says "this is web" "$(address_of web)" webhost
	rb run --rm --network container:web -p 1:1 true
	exits 125
	error_names publish container:
	rb run --rm --network container:nobody true
	exits 125
	error_names nobody
}

# ---- bridge -----------------------------------------------------------------------

# bats test_tags=vm
@test "bridge: an address, a route, the host, the outside, each other" {
	need_networks
	serve web --network bridge
	start_on client --network bridge
	same "$(gateway_of web)" "$(gateway_of client)"
	[[ $(address_of client) == 10.63.*.* ]] || fail "$(address_of client) should be of 10.63.0.0/16"
	rbok exec client sh -c 'busybox ip -4 addr show eth0; busybox ip route; busybox ip link show lo'
	says "inet $(address_of client)/24" "default via $(gateway_of client) dev eth0" LOWER_UP
	same "$(get_from client "$(address_of web)" 80)" "this is web"
	same "$(get_from client web 80)" "this is web"
	same "$(get_from_host "$(address_of web)" 80)" "this is web"
	rbok exec client busybox ping -c 1 -W 30 "$(gateway_of client)"
	# It knows no way back: what comes to it has the host's address.
	rbok exec client busybox ping -c 1 -W 30 $OUTSIDE
	same "$(bridges)" 1
	rbok remove -f web
	same "$(bridges)" 1
	rbok remove -f client
	same "$(bridges)" 0
}

@test "the subnet is none that the host has" {
	need_networks
	in_host ip addr add 10.63.0.1/23 dev up0
	in_host ip route add 10.63.2.0/24 via $OUTSIDE
	start_on one --network bridge
	same "$(gateway_of one)" 10.63.3.1
	rbok stop one
	# Meanwhile the machine has got that one, too.
	in_host ip addr add 10.63.3.7/24 dev up0
	rbok restart one
	same "$(gateway_of one)" 10.63.4.1
	rbok network inspect bridge
	says 10.63.4.0/24
}

@test "two roots have two subnets, also at the same time" {
	need_networks
	local other=$DIR/other one two
	RUSTBOX_ROOT=$other "$RUSTBOX" run -d --name two --network bridge sleep 1000 >"$DIR/two" 3>&- 4>&- &
	start_on one --network bridge
	wait $!
	one=$(gateway_of one)
	two=$(RUSTBOX_ROOT=$other gateway_of two)
	RUSTBOX_ROOT=$other "$RUSTBOX" remove -f two 3>&- 4>&-
	[ "$one" != "$two" ] || fail "both have $one"
	[[ $two == 10.63.* ]] || fail "the other one has '$two'"
}

@test "many at once: one bridge, an address each" {
	need_networks
	local i pids=()
	for i in {1..8}; do
		"$RUSTBOX" run -d --name "many-$i" --network bridge sleep 1000 >/dev/null 3>&- 4>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	same "$(bridges)" 1
	same "$(for i in {1..8}; do address_of "many-$i"; done | sort -u | wc -l)" 8
	hosts_have many-1 'many-8 '
	pids=()
	for i in {1..8}; do
		"$RUSTBOX" remove -f "many-$i" >/dev/null 3>&- 4>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	same "$(bridges)" 0
}

@test "--ip, --mac-address" {
	need_networks
	rbok network create --subnet 10.77.0.0/24 own
	start_on one --network own --ip 10.77.0.9 --mac-address 02:00:00:00:00:17
	same "$(address_of one)" 10.77.0.9
	rbok exec one busybox ip link show eth0
	says 02:00:00:00:00:17
	same "$(box_state .NetworkSettings.MacAddress one)" 02:00:00:00:00:17
	rb run --rm --network own --ip 10.77.0.9 true
	exits 125
	error_names 10.77.0.9 "network own"
	rb run --rm --network own --ip 10.78.0.9 true
	exits 125
	error_names 10.78.0.9
	rb run --rm --network own --ip6 fd00::9 true
	exits 125
	error_names ip6 "IPv4 only"
	rbok remove -f one
	# An address that was taken is free again.
	rbok run --rm --network own --ip 10.77.0.9 true
	rbok network remove own
}

# ---- names ------------------------------------------------------------------------

@test "--dns, --dns-search, --dns-option, --add-host" {
	need_networks
	rbok run --rm --name me --network bridge --dns 192.0.2.53 --dns-search example.test \
		--dns-option ndots:3 --add-host db:192.0.2.7 --add-host up:host-gateway \
		sh -c 'cat /etc/resolv.conf /etc/hosts; busybox ip route'
	lines "nameserver 192.0.2.53" "search example.test" "options ndots:3"
	matches '^192\.0\.2\.7[[:space:]]db$'
	matches "^$(grep -oE 'via [0-9.]+' <<<"$output" | cut -d' ' -f2)[[:space:]]up$"
	rb run --rm --network bridge --add-host nonsense true
	exits 125
	error_names add-host nonsense
}

@test "names of who comes, who is renamed and who goes, by exit, remove or kill -9" {
	need_networks
	rbok network create mine
	start_on one --network mine
	start_on two --network mine --network-alias second --network-alias zwei --hostname nummer2
	hosts_have one "^$(address_of two)[[:space:]]two $(id_of two) nummer2 second zwei\$"
	hosts_have two "^$(address_of one)[[:space:]]one "
	rbok exec one busybox ping -c 1 -W 30 zwei
	# What a container writes itself stays.
	rbok exec one sh -c 'echo 192.0.2.1 own.test >>/etc/hosts'
	rbok rename two deux
	hosts_have one '[[:space:]]deux '
	hosts_lack one '[[:space:]]two '
	rbok stop deux
	hosts_lack one deux
	rbok start deux
	hosts_have one "^$(address_of deux)[[:space:]]deux "
	ID=$(id_of deux)
	kill -9 "$(supervisor_pid)"
	until_true supervisor_is_gone
	rbok list -a
	hosts_lack one deux
	hosts_have one 'own\.test'
	rbok remove -f one deux
	rbok network remove mine
}

@test "names are of one network only" {
	need_networks
	rbok network create red
	start_on one --network red
	start_on two --network bridge
	hosts_lack one '[[:space:]]two '
	hosts_lack two '[[:space:]]one '
	rbok remove -f one
	rbok network remove red
}

# ---- ports ------------------------------------------------------------------------

@test "-p HOST:CONTAINER is reached from the host, the outside, and other containers" {
	need_networks
	rbok network create other
	serve web -p 8080:80
	start_on near --network bridge
	start_on far --network other
	same "$(get_from_host 127.0.0.1 8080)" "this is web"
	same "$(get_from_host $HOST 8080)" "this is web"
	same "$(get_from_outside $HOST 8080)" "this is web"
	same "$(get_from near $HOST 8080)" "this is web"
	same "$(get_from far $HOST 8080)" "this is web"
	same "$(get_from web $HOST 8080)" "this is web"
	rbok port web
	same "$output" "80/tcp -> 0.0.0.0:8080"
	rbok port web 80
	same "$output" 0.0.0.0:8080
	rb port web 81
	exits 1
	error_names 81/tcp
	rbok remove -f web near far
	rbok network remove other
	[ "$(WAIT=2 get_from_host 127.0.0.1 8080)" != "this is web" ] || fail "is served still"
}

@test "what is not published is not reached from the outside, with a route either" {
	need_networks
	serve web --network bridge
	in_outside ip route add "$(address_of web)" via $HOST
	[ "$(WAIT=2 get_from_outside "$(address_of web)" 80)" != "this is web" ] || fail "is reached"
	rbok exec web busybox ping -c 1 -W 30 $OUTSIDE
	same "$(get_from_host "$(address_of web)" 80)" "this is web"
}

@test "-p HOSTIP:HOST:CONTAINER is at that address only" {
	need_networks
	serve web -p 127.0.0.1:8080:80
	same "$(get_from_host 127.0.0.1 8080)" "this is web"
	[ "$(WAIT=2 get_from_outside $HOST 8080)" != "this is web" ] || fail "the outside reaches it"
	rb run --rm -p 192.0.2.99:8081:80 true
	exits 125
	error_names 192.0.2.99:8081/tcp "no interface"
	rb run --rm -p '[::1]:8081:80' true
	exits 125
	error_names ::1 "IPv4 only"
}

@test "update -p, --publish-rm: at once, with the address and open connections as they were" {
	need_networks
	serve web -p 8080:80
	local address
	address=$(address_of web)
	rbok update -p 8081:80 -p 127.0.0.1:8082:80 web
	same "$(get_from_outside $HOST 8080)" "this is web"
	same "$(get_from_outside $HOST 8081)" "this is web"
	same "$(get_from_host 127.0.0.1 8082)" "this is web"
	same "$(address_of web)" "$address"
	rbok port web 80
	same "$output" "0.0.0.0:8080
0.0.0.0:8081
127.0.0.1:8082"
	# Nobody else gets them, and a failure changes nothing.
	start_on other --network bridge
	rb update -p 9000:90 -p 8081:81 other
	exits 1
	error_names 8081/tcp
	rbok port other
	same "$output" ""
	rb update --publish-rm 81 web
	exits 1
	error_names "--publish-rm 81"
	rbok update --publish-rm 80 -p 8083:80 web
	same "$(get_from_outside $HOST 8083)" "this is web"
	[ "$(WAIT=2 get_from_outside $HOST 8080)" != "this is web" ] || fail "8080 is served still"
	rbok update -p 8080:80 other
	rbok port other
	same "$output" "80/tcp -> 0.0.0.0:8080"
	# The coming runs, and without a supervisor.
	rbok stop -t 0 web
	rbok update -p 8084:80 web
	rbok start web
	same "$(get_from_outside $HOST 8083)" "this is web"
	same "$(get_from_outside $HOST 8084)" "this is web"
	rbok remove -f web other
	! in_host iptables-save | grep -e 808 -e CNI-DN || fail "rules are left"
}

@test "update -p: a plugin that fails leaves the ports as they were" {
	need_networks
	serve web -p 8080:80
	mkdir "$DIR/cni"
	ln -s $PLUGINS/* "$DIR/cni/"
	rm "$DIR/cni/portmap"
	printf '#!/bin/sh\ncat >"%s/in"\n[ "$CNI_COMMAND" = ADD ] && grep -q 8081 "%s/in" && { echo "{\\"code\\":7,\\"msg\\":\\"no more ports\\"}"; exit 1; }\nexec %s/portmap <"%s/in"\n' \
		"$DIR" "$DIR" $PLUGINS "$DIR" >"$DIR/cni/portmap"
	chmod +x "$DIR/cni/portmap"
	rbok stop -t 0 web
	CNI_PATH="$DIR/cni" rbok start web
	same "$(get_from_host 127.0.0.1 8080)" "this is web"
	CNI_PATH="$DIR/cni" rb update -p 8081:80 web
	exits 1
	error_names "no more ports" portmap
	same "$(get_from_host 127.0.0.1 8080)" "this is web"
	rbok port web
	same "$output" "80/tcp -> 0.0.0.0:8080"
	rbok update -p 8082:80 web
	same "$(get_from_host 127.0.0.1 8082)" "this is web"
	rbok remove -f web
}

@test "-p HOST:CONTAINER/udp" {
	need_networks
	start_on dns -p 5353:53/udp
	rbok port dns
	same "$output" "53/udp -> 0.0.0.0:5353"
	nsenter --net="$(netns_of dns)" timeout 60 "$PYTHON" -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 53))
text, peer = s.recvfrom(100)
s.sendto(b"re: " + text, peer)' 3>&- 4>&- &
	until_true nsenter --net="$(netns_of dns)" grep -q ':0035 ' /proc/net/udp
	output=$(in_outside timeout 60 "$PYTHON" -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("'$HOST'", 5353))
s.send(b"hello")
print(s.recv(100).decode())')
	same "$output" "re: hello"
	wait $!
}

@test "--publish-all, --expose, and a port that the host chooses" {
	need_networks
	serve web --expose 80 --publish-all
	rbok port web 80/tcp
	[[ $output =~ ^0\.0\.0\.0:([0-9]+)$ ]] || fail "should be a port"
	same "$(get_from_outside $HOST "${BASH_REMATCH[1]}")" "this is web"
	serve two -p 80
	rbok port two 80
	[[ $output =~ :([0-9]+)$ ]] || fail "should be a port"
	same "$(get_from_outside $HOST "${BASH_REMATCH[1]}")" "this is two"
}

@test "a port that is taken, by a program or a container: an error, and nothing is left" {
	need_networks
	nsenter --net="$NETS/host" busybox httpd -f -p 8080 -h "$DIR/tmp" 3>&- 4>&- &
	until_true in_host grep -q ':1F90 .* 0A ' /proc/net/tcp /proc/net/tcp6
	rb run --rm -p 8080:80 true
	kill $!
	wait $! || :
	exits 125
	error_names 0.0.0.0:8080/tcp "already in use" "ss -lnp"
	same "$(bridges)" 0
	serve web -p 8080:80
	rb run --rm -p 8080:80 true
	exits 125
	error_names 8080/tcp
	rbok create --name late -p 8080:80 true
	rb start late
	fails
	[[ $error == *8080/tcp* ]] || fail "should name the port"
	# Programs cannot take it away either.
	run in_host timeout 100 busybox httpd -f -p 8080 -h "$DIR/tmp"
	[[ $output == *"in use"* ]] || fail "should be refused: $output"
	rbok remove -f web
	rbok restart late
	rbok wait late
}

# ---- networks ---------------------------------------------------------------------

@test "network create, list, inspect, remove, prune" {
	need_networks
	rbok network create --label a=b one
	same "$output" one
	rbok network create --subnet 10.99.0.0/16 --gateway 10.99.0.254 two
	rbok network list
	matches '^host ' '^none ' '^one +bridge +10\.63\.' '^two +bridge +10\.99\.0\.0/16 +10\.99\.0\.254'
	rbok network list -q
	lines host none one two
	rbok network inspect two --format '{{.Subnet}}'
	same "$output" 10.99.0.0/16
	rbok network inspect one
	same "$(jq -r '.[0].Labels.a' <<<"$output")" b
	start_on box --network two
	same "$(gateway_of box)" 10.99.0.254
	rbok network inspect two
	same "$(jq -r '.[0].Containers[].Name' <<<"$output")" box
	rb network remove two
	fails
	error_names two box
	rbok network prune
	same "$output" one
	rbok remove -f box
	rbok network remove two
	rb network remove two
	fails
	error_names two "no such network"
	rb run --rm --network two true
	exits 125
	error_names "no such network: two" "network create two"
}

@test "network create refuses what cannot work" {
	need_networks
	rbok network create --subnet 10.99.0.0/24 one
	rb network create one
	error_names one exists
	rb network create --subnet 10.99.0.128/25 two
	error_names 10.99.0.128/25 overlaps "network one"
	rb network create --subnet 203.0.113.0/25 two
	error_names 203.0.113.0/25 up0
	rb network create --subnet 10.98.0.1/24 two
	error_names 10.98.0.1/24
	rb network create --subnet 10.98.0.0/24 --gateway 10.99.0.1 two
	error_names 10.99.0.1 10.98.0.0/24
	rb network create --gateway 10.99.0.1 two
	error_names --subnet
	rb network create --driver macvlan two
	error_names macvlan bridge
	rb network create host
	error_names host
	rb network create ../two
	error_names ../two
	rbok network remove one
}

@test "a subnet that was asked for and that the host has got: an error" {
	need_networks
	rbok network create --subnet 10.99.0.0/24 one
	in_host ip addr add 10.99.0.7/24 dev up0
	rb run --rm --network one true
	exits 125
	error_names 10.99.0.0/24 up0 "network remove one"
	rbok network remove one
}

@test "an internal network has no way out, and nobody comes in" {
	need_networks
	rbok network create --internal inner
	serve web --network inner
	start_on client --network inner
	same "$(get_from client web 80)" "this is web"
	rbok exec client busybox ip route
	says_not default
	# Not even who makes a way.
	in_host nsenter --net="$(netns_of client)" ip route add default via "$(gateway_of client)"
	rb exec client busybox ping -c 1 -W 1 $OUTSIDE
	fails
	in_outside ip route add "$(address_of web)" via $HOST
	[ "$(WAIT=2 get_from_outside "$(address_of web)" 80)" != "this is web" ] || fail "the outside comes in"
	rb run --rm --network inner -p 80:80 true
	exits 125
	error_names publish internal
	rbok remove -f web client
	rbok network remove inner
}

@test "networks are kept apart" {
	need_networks
	rbok network create red
	rbok network create blue
	serve web --network red
	start_on client --network blue
	[ "$(WAIT=2 get_from client "$(address_of web)" 80)" != "this is web" ] || fail "blue reaches red"
	rb exec client busybox ping -c 1 -W 1 "$(address_of web)"
	fails
	# It is not for lack of a server, or of a way out.
	same "$(get_from_host "$(address_of web)" 80)" "this is web"
	rbok exec client busybox ping -c 1 -W 30 $OUTSIDE
	rbok remove -f web client
	rbok network remove red blue
}

@test "a configuration of one's own: its bridge is nothing to remove" {
	need_networks
	in_host ip link add my0 type bridge
	in_host ip link set my0 up
	in_host ip addr add 10.55.0.1/24 dev my0
	rbok network list
	cat >"$RUSTBOX_ROOT/networks/mine.conflist" <<-JSON
		{"cniVersion": "1.0.0", "name": "mine", "rustbox": {"name": "mine", "driver": "bridge"},
		 "plugins": [{"type": "bridge", "bridge": "my0", "ipam": {"type": "host-local",
		   "dataDir": "$DIR/ipam", "ranges": [[{"subnet": "10.55.0.0/24"}]]}}]}
	JSON
	rbok network list
	matches '^mine +bridge'
	start_on box --network mine
	same "$(get_from_host "$(address_of box)" 80)" "nc: can't connect to remote host ($(address_of box)): Connection refused"
	rbok remove -f box
	rbok network remove mine
	in_host ip link del my0
	rm -r "$DIR/ipam"
}

@test "a network's file that somebody has removed is in no container's way" {
	need_networks
	rbok network create mine
	start_on box --network mine
	rm "$RUSTBOX_ROOT/networks/mine.conflist"
	rbok stop box
	rb start box
	fails
	[[ $error == *"no such network: mine"* ]] || fail "should say so"
	rbok remove box
	in_host ip link del "$(in_host ip -o link show type bridge | sed 's/.*: \(rbx[^:]*\):.*/\1/')"
	in_host iptables -F
	in_host iptables -t nat -F
	in_host iptables -t nat -X
	rm -r "$RUSTBOX_ROOT/run/networks"
}

@test "networks work where packets are dropped unless somebody lets them pass" {
	need_networks
	in_host iptables -P FORWARD DROP
	serve web -p 8080:80
	same "$(get_from_outside $HOST 8080)" "this is web"
	rbok exec web busybox ping -c 1 -W 30 $OUTSIDE
}

# ---- the end ----------------------------------------------------------------------

@test "everything goes with a container that ends, is removed, or never started" {
	need_networks
	rbok run --rm -p 8080:80 true
	assert_nothing_left
	rb run --rm -p 8080:80 /no/such/program
	exits 127
	assert_nothing_left
	start_on box -p 8080:80
	rbok remove -f box
	assert_nothing_left
	rbok run -d --name box -p 8080:80 --restart on-failure:2 false
	rbok wait box
	rbok remove box
}

@test "a supervisor that was killed: the next command takes the network down" {
	need_networks
	start_on box -p 8080:80 --network bridge
	ID=$output
	kill -9 "$(supervisor_pid)"
	until_true supervisor_is_gone
	rbok list -a
	same "$(bridges)" 0
	same "$(in_host iptables-save 2>/dev/null | grep -c "$ID")" 0
	rbok restart box
	rbok remove -f box
}

@test "a machine that restarted: with or without its run folder, the address is free again" {
	need_networks
	local keep path
	rbok network create --subnet 10.77.0.0/30 tiny
	for keep in run nothing; do
		start_on box --network tiny -p 8080:80
		ID=$output
		kill -9 "$(supervisor_pid)"
		until_true supervisor_is_gone
		kill -9 "$(jq .pid "$RUSTBOX_ROOT/run/$ID"/rustbox/*/state.json)"
		# All that the kernel knew of it.
		umount -l "$RUSTBOX_ROOT/run/$ID/netns"
		umount -l "$RUSTBOX_ROOT/bundles/$ID/rootfs"
		until_true nobody_is_on_a_bridge
		in_host ip link del "$(in_host ip -o link show type bridge | sed 's/.*: \(rbx[^:]*\):.*/\1/')"
		in_host iptables -t nat -F
		in_host iptables -t nat -X
		in_host iptables -F
		sed -i 's/"bootId": *"[^"]*"/"bootId": "gone"/' "$RUSTBOX_ROOT/containers/$ID.json"
		for path in $(past_cgroups); do
			until_true rmdir "$path"
		done
		[ $keep = run ] || rm -rf "$RUSTBOX_ROOT/run/$ID"
		rbok list -a
		rbok remove -f box
	done
	# It has one address.
	rbok run --rm --network tiny true
	rbok network remove tiny
}

@test "a plugin that fails: the error has its name and words, and all is undone" {
	need_networks
	mkdir "$DIR/cni"
	ln -s $PLUGINS/* "$DIR/cni"
	rm "$DIR/cni/portmap"
	printf '#!/bin/sh\necho "{\\"code\\":9,\\"msg\\":\\"the cat is on the wire\\"}"; exit 1\n' >"$DIR/cni/portmap"
	chmod +x "$DIR/cni/portmap"
	CNI_PATH=$DIR/cni rb run --rm -p 8080:80 true
	exits 125
	error_names "$DIR/cni/portmap" "the cat is on the wire"
	assert_nothing_left
	printf '#!/bin/sh\necho what happened >&2; exit 3\n' >"$DIR/cni/portmap"
	CNI_PATH=$DIR/cni rb run --rm -p 8080:80 true
	exits 125
	error_names portmap "what happened"
	printf '#!/bin/sh\necho "{\\"code\\":1,\\"msg\\":\\"incompatible CNI versions\\"}"; exit 1\n' >"$DIR/cni/portmap"
	CNI_PATH=$DIR/cni rb run --rm -p 8080:80 true
	exits 125
	error_names "too old" containernetworking-plugins
	printf '#!/bin/sh\necho "{\\"code\\":99,\\"msg\\":\\"iptables: Failed to initialize nft: Protocol not supported\\"}"; exit 1\n' >"$DIR/cni/portmap"
	CNI_PATH=$DIR/cni rb run --rm -p 8080:80 true
	exits 125
	error_names nf_tables "update-alternatives --set iptables"
	rm -r "$DIR/cni"
}

@test "missing plugins and iptables: what to install; doctor says so, too" {
	need_networks
	mkdir "$DIR/empty"
	CNI_PATH=$DIR/empty rb run --rm --network bridge true
	exits 125
	error_names "plugin bridge" "$DIR/empty" containernetworking-plugins
	CNI_PATH=$DIR/empty rb doctor
	matches '^warning +networks .*containernetworking-plugins'
	rbok run --rm --network none true
	RUSTBOX=$NETS/without
	printf '#!/bin/sh\nexec unshare --mount sh -c "mount --bind /dev/null %s && exec %s \\"\\$@\\"" sh "$@"\n' \
		"$(command -v iptables)" "$NETS/rustbox" >"$RUSTBOX"
	chmod +x "$RUSTBOX"
	rb run --rm --network bridge true
	exits 125
	error_names iptables "install the package iptables"
	rb doctor
	matches '^warning +networks .*iptables'
}

@test "rules that somebody has flushed are missed by nobody at the end" {
	need_networks
	start_on box -p 8080:80
	in_host iptables -F
	rbok remove -f box
}

@test "a bridge without containers, as a crash leaves it, is in nobody's way" {
	need_networks
	local bridge
	start_on box --network bridge
	bridge=$(in_host ip -o link show type bridge | sed 's/.*: \(rbx[^:]*\):.*/\1/')
	rbok stop box
	in_host ip link add "$bridge" type bridge
	in_host ip addr add 10.63.200.1/24 dev "$bridge"
	mkdir -p "$RUSTBOX_ROOT/run/networks/bridge"
	printf 'gone\r\neth0' >"$RUSTBOX_ROOT/run/networks/bridge/10.63.0.2"
	rbok start box
	same "$(address_of box)" 10.63.0.2
}
