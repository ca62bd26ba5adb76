#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Images of the Docker-like front end, and the files of its containers: load,
# import, save, export, commit, tag, images, rmi, diff, cp; archives to and
# from docker, podman, buildah, skopeo and umoci; archives and containers that
# mean harm (SECURITY.md S17).

load rustbox
load images
load debian

setup_file()
{
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
	ln -f "$BATS_FILE_TMPDIR/rootfs/etc/passwd" "$BATS_FILE_TMPDIR/rootfs/etc/passwd.link"
	tar -C "$BATS_FILE_TMPDIR/rootfs" --numeric-owner -cf "$BATS_FILE_TMPDIR/rootfs.tar" .
}

setup()
{
	rustbox_setup
	# What stays in images/ is a test's own.
	OUT=$DIR/out-dir
	mkdir "$OUT"
}

teardown()
{
	local left
	left=$(ls -A "$RUSTBOX_ROOT/images/staging" 2>/dev/null)
	rustbox_teardown
	[ -z "$left" ] || fail "left in staging: $left"
}

import_box()
{
	rbok import -q "$@" "$BATS_FILE_TMPDIR/rootfs.tar" box
}

# All that is left of images.
image_files()
{
	find "$RUSTBOX_ROOT/images" -mindepth 2 ! -path '*/blobs/sha256' | sed "s|$RUSTBOX_ROOT/||"
}

# A tar of hostile members, by Python: lines of NAME TYPE [TEXT].
hostile_tar()
{
	"$PYTHON" -ES - "$1" <<-'PY'
import io, sys, tarfile
kinds = {"file": tarfile.REGTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "dir": tarfile.DIRTYPE,
         "block": tarfile.BLKTYPE}
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
    for line in sys.argv[1].split("\n"):
        name, kind, text = (line.split(" ") + [""])[:3]
        entry = tarfile.TarInfo(name)
        entry.type = kinds[kind]
        entry.mode = 0o6755
        data = b""
        if kind == "file":
            data = text.encode()
            entry.size = len(data)
        elif kind in ("link", "hard"):
            entry.linkname = text
        elif kind == "block":
            entry.devmajor, entry.devminor = 7, 0
        tar.addfile(entry, io.BytesIO(data))
PY
}

# ---- import, run, names ---------------------------------------------------------

@test "import: an image of a tarball, plain, gzip or zstd, from a file or standard input" {
	import_box -c 'CMD ["echo", "from the image"]' -c 'ENV WHO=me' -c 'WORKDIR /tmp' -m words
	local id=$output
	[[ $id =~ ^sha256:[0-9a-f]{64}$ ]] || fail "should print the id"
	rbok run --rm --image box
	same "$output" "from the image"
	rbok run --rm --image box sh -c 'echo $WHO; pwd'
	same "$output" $'me\n/tmp'
	gzip -c "$BATS_FILE_TMPDIR/rootfs.tar" >"$DIR/rootfs.tar.gz"
	try_rustbox import -q - zipped <"$DIR/rootfs.tar.gz"
	ok
	rbok run --rm --image zipped echo gzip
	same "$output" gzip
	if command -v zstd >/dev/null; then
		zstd -q "$BATS_FILE_TMPDIR/rootfs.tar" -o "$DIR/rootfs.tar.zst"
		rbok import -q "$DIR/rootfs.tar.zst" zstd
	fi
	# They have the same layer.
	same "$(find "$RUSTBOX_ROOT/images/layers" -mindepth 1 -maxdepth 1 | wc -l)" 1
	rbok inspect --format '{{.Comment}}' box
	same "$output" words
}

@test "images, tag, rmi: names, ids, filters" {
	import_box -c 'LABEL kind=test'
	local id=${output#sha256:}
	rbok tag box team/box:2
	rbok images --format '{{.Repository}}:{{.Tag}} {{.ID}}'
	same "$output" "box:latest ${id:0:12}"$'\n'"team/box:2 ${id:0:12}"
	rbok images -q --no-trunc
	same "$output" "sha256:$id"
	rbok images --filter reference='team/*' --format '{{.Tag}}'
	same "$output" 2
	rbok images --filter label=kind=other -q
	same "$output" ""
	rb images --filter nonsense=1
	exits 1
	error_names nonsense
	rb rmi "${id:0:12}"
	exits 1
	error_names "2 names"
	rbok rmi docker.io/library/box
	same "$output" "Untagged: docker.io/library/box"
	rbok rmi team/box:2
	[[ $output == Deleted:* ]] || fail "the last name takes the image with it"
	same "$(image_files)" ""
	rb run --rm --image box true
	exits 125
	error_names box
	error_names load
}

@test "image ls, inspect, tag, rm, prune: the words that Docker's users type, too" {
	import_box
	local id=${output#sha256:}
	rbok image tag box box:2
	rbok image ls -q
	same "$output" "${id:0:12}"
	rbok image list --format '{{.Tag}}'
	same "$output" "2"$'\n'latest
	rbok image inspect --format '{{.Id}}' box
	same "$output" "sha256:$id"
	rbok run -d --name "$NAME" --image box sleep 1000
	rb image inspect "$NAME"
	exits 1
	[[ $error == *"no such image: $NAME"* ]] || fail "$error"
	rbok container rm -f "$NAME"
	rbok image tag box box:3
	rbok image rm box:2
	rbok image remove box:3
	rbok image prune -f
	rbok image ls -q
	same "$output" "${id:0:12}"
	rbok image prune -a -f
	[[ $output == *"Deleted Images: 1"* ]] || fail "$output"
	same "$(image_files)" ""
}

@test "--platform: what the image is for, as far as it is given" {
	import_box
	local machine other=arm64
	machine=$("$RUSTBOX" image inspect --format '{{.Architecture}}' box 3>&-)
	[ "$machine" != arm64 ] || other=amd64
	rbok run --rm --platform linux --image box true
	rbok run --rm --platform "linux/$machine" --image box true
	rb run --rm --platform "linux/$other" --image box true
	exits 125
	error_names "--platform linux/$other" "linux/$machine" skopeo
	rb run --rm --platform lin --image box true
	exits 125
}

@test "an image that a container uses is kept" {
	import_box
	rbok create --name "$NAME" --image box true
	rb rmi box
	exits 1
	error_names "$NAME"
	rbok rmi -f box
	rbok rmi --prune --all
	rbok start "$NAME"
	rbok wait "$NAME"
	rbok rm "$NAME"
	rbok rmi --prune
	same "$(image_files)" ""
}

# ---- archives to and from others ---------------------------------------------------

@test "save, load: an image is the same to the byte" {
	import_box -c 'CMD ["echo", "saved"]'
	local id=$output
	rbok save -o "$DIR/box.tar" box
	rbok rmi box
	same "$(image_files)" ""
	rbok load -i "$DIR/box.tar"
	same "$output" "Loaded image: box:latest"
	rbok images -q --no-trunc
	same "$output" "$id"
	rbok run --rm --image box
	same "$output" saved
	mkdir "$DIR/layout"
	tar -C "$DIR/layout" -xf "$DIR/box.tar"
	rbok load -q -i "$DIR/layout"
	same "$output" box:latest
	rb save nosuch
	exits 1
	error_names nosuch
}

@test "load: archives of docker save" {
	image_archive "$BATS_FILE_TMPDIR/rootfs.tar" docker.io/library/one '{"Cmd": ["echo", "one"]}' \
		localhost/two:x '{"Cmd": ["echo", "two"], "User": "5:6"}' >"$DIR/archive.tar"
	rbok load -i "$DIR/archive.tar"
	same "$output" $'Loaded image: one:latest\nLoaded image: localhost/two:x'
	rbok run --rm --image one
	same "$output" one
	rbok run --rm --image localhost/two:x id -u
	same "$output" 5
}

@test "load, save: skopeo reads and writes the same images" {
	command -v skopeo >/dev/null || skip "skopeo is not installed"
	import_box
	local id=$output
	rbok save -o "$DIR/box.tar" box
	skopeo inspect --config "docker-archive:$DIR/box.tar:box:latest" >/dev/null
	skopeo copy -q "docker-archive:$DIR/box.tar:box:latest" "oci:$DIR/layout:again"
	skopeo copy -q "oci:$DIR/layout:again" "docker-archive:$DIR/back.tar:back:1"
	skopeo copy -q --dest-compress-format zstd "oci:$DIR/layout:again" "oci-archive:$DIR/zstd.tar:zstd:1"
	rbok load -i "$DIR/layout"
	same "$output" "Loaded image: again:latest"
	rbok load -i "$DIR/back.tar"
	same "$output" "Loaded image: back:1"
	rbok load -i "$DIR/zstd.tar"
	same "$output" "Loaded image: zstd:1"
	rbok images -q --no-trunc
	same "$output" "$id"
}

# The line that a message names, behind "to get one: ". No registry is asked: an image
# of ours is what skopeo finds there.
follow_hint()
{
	local line
	line=$(grep -oP 'to get one: \K[^;)]*' <<<"$error") || fail "no line to type: $error"
	line=${line//rustbox load/rbok load}
	cd "$OUT" || return 1
	eval "${line/docker:\/\/$1/docker-archive:$DIR/box.tar}" || fail "$line"
}

@test "run: without files, or with an image that is not there, it names the lines that get one" {
	command -v skopeo >/dev/null || skip "skopeo is not installed"
	import_box
	rbok save -o "$DIR/box.tar" box
	rbok rmi box
	cd "$OUT" || return 1
	rb run --rm echo first
	fails
	error_names "no root file system" --rootfs --image "rustbox sandbox"
	follow_hint alpine
	rbok run --rm --image alpine echo first
	same "$output" first
	rb run --rm --image example.org/other:2 echo second
	fails
	follow_hint example.org/other:2
	rbok run --rm --image example.org/other:2 echo second
	same "$output" second
}

@test "load: an image that umoci has made" {
	command -v umoci >/dev/null || skip "umoci is not installed"
	umoci init --layout "$DIR/layout"
	umoci new --image "$DIR/layout:made"
	mkdir "$DIR/tree"
	tar -C "$DIR/tree" -xf "$BATS_FILE_TMPDIR/rootfs.tar"
	umoci insert --image "$DIR/layout:made" "$DIR/tree" /
	umoci config --image "$DIR/layout:made" --config.cmd echo --config.cmd umoci
	rbok load -i "$DIR/layout"
	rbok run --rm --image made
	same "$output" umoci
}

@test "buildah: builds on a saved image, and its archive is loaded with its whiteouts" {
	command -v buildah >/dev/null || skip "buildah is not installed"
	import_box
	rbok save -o "$DIR/box.tar" box
	local storage=(--root "$DIR/buildah" --runroot "$DIR/buildah-run" --storage-driver vfs)
	local container
	container=$(buildah "${storage[@]}" from -q "docker-archive:$DIR/box.tar")
	local mount
	mount=$(buildah "${storage[@]}" mount "$container")
	rm "$mount/etc/passwd.link"
	echo built >"$mount/etc/built"
	buildah "${storage[@]}" config --cmd 'cat /etc/built' "$container"
	buildah "${storage[@]}" commit -q "$container" "oci-archive:$DIR/built.tar:built:1" >/dev/null
	buildah "${storage[@]}" rm "$container" >/dev/null
	rm -rf "$DIR/buildah"
	rbok load -i "$DIR/built.tar"
	rbok run --rm --image built:1 sh -c 'cat /etc/built; ls /etc'
	[[ $output == built* ]] || fail "the new file is not there"
	[[ $output != *passwd.link* ]] || fail "the removed file is there"
}

@test "podman load takes what save writes" {
	command -v podman >/dev/null || skip "podman is not installed"
	import_box
	rbok tag box team/box:2
	rbok save -o "$DIR/box.tar" box team/box:2
	local storage=(--root "$DIR/podman" --runroot "$DIR/podman-run" --storage-driver vfs)
	podman "${storage[@]}" load -q -i "$DIR/box.tar"
	# Which registry it puts in front differs by its version.
	podman "${storage[@]}" images --format '{{.Repository}}:{{.Tag}}' >"$DIR/names"
	grep -q '/box:latest$' "$DIR/names"
	local name
	name=$(grep '/team/box:2$' "$DIR/names")
	podman "${storage[@]}" save -q -o "$DIR/podman.tar" "$name"
	rbok load -i "$DIR/podman.tar"
	same "$output" "Loaded image: ${name#docker.io/}"
	rbok run --rm --image "${name#docker.io/}" echo podman
	same "$output" podman
}

@test "docker load takes what save writes, and load what docker save writes" {
	command -v dockerd >/dev/null && command -v docker >/dev/null ||
		skip "the docker engine is not installed"
	local state=$DIR/docker id pid
	mkdir "$state"
	import_box
	id=$output
	rbok save -o "$DIR/box.tar" box
	rbok rmi box
	echo '{}' >"$state/config.json"
	dockerd --config-file "$state/config.json" --data-root "$state/data" --exec-root "$state/exec" \
		--pidfile "$state/pid" --host "unix://$state/s" --iptables=false --ip6tables=false \
		--bridge=none --storage-driver vfs >"$state/log" 2>&1 </dev/null 3>&- 4>&- &
	pid=$!
	export DOCKER_HOST=unix://$state/s DOCKER_CONFIG=$state/client
	until_true docker_answers || tail "$state/log"
	docker load -q -i "$DIR/box.tar"
	same "$(docker images -q --no-trunc box)" "$id"
	docker save -o "$DIR/docker.tar" box
	kill "$pid"
	wait "$pid" || true
	rbok load -i "$DIR/docker.tar"
	same "$output" "Loaded image: box:latest"
	rbok images -q --no-trunc
	same "$output" "$id"
}

docker_answers()
{
	docker version >/dev/null 2>&1 3>&- 4>&-
}

@test "a Debian of debootstrap runs as an image" {
	find_debian
	tar -C "$LOWER" --numeric-owner -cf - . >"$DIR/debian.tar"
	rbok import -q "$DIR/debian.tar" debian
	rm "$DIR/debian.tar"
	rbok run --rm --image debian sh -c '. /etc/os-release; echo $ID; stat -c %a /usr/bin/passwd; dpkg -l >/dev/null && echo dpkg'
	same "$output" $'debian\n4755\ndpkg'
}

# ---- archives that mean harm ---------------------------------------------------------

@test "S17: archives with names and links that lead outside leave nothing there" {
	local case
	for case in '../x file' '/rustbox-x file' 'a/../../x file' $'l link ../../../..\nl/../x file' \
		'h hard /etc/passwd' 'h hard ../../../x'; do
		hostile_tar "$case" >"$DIR/hostile.tar"
		rb import -q "$DIR/hostile.tar" hostile
		exits 1
	done
	# Such a link is followed inside.
	hostile_tar $'l link /\nl/rustbox-x file text\nm link '"$OUT"$'\nm/x file text' >"$DIR/hostile.tar"
	rbok import -q "$DIR/hostile.tar" hostile
	[ ! -e /rustbox-x ] || fail "a file was made outside"
	same "$(ls -A "$OUT")" ""
}

@test "what was tampered with is not loaded, and leaves nothing" {
	import_box
	rbok save -o "$DIR/box.tar" box
	rbok rmi box
	mkdir "$DIR/layout"
	tar -C "$DIR/layout" -xf "$DIR/box.tar"
	local file
	for file in "$DIR"/layout/blobs/sha256/*; do
		cp "$file" "$DIR/kept"
		printf x >>"$file"
		rb load -i "$DIR/layout"
		exits 1
		cp "$DIR/kept" "$file"
	done
	rb load -i "$BATS_FILE_TMPDIR/rootfs.tar"
	exits 1
	error_names import
	same "$(image_files)" ""
	rbok load -i "$DIR/layout"
}

@test "a bomb is refused, and its limit can be moved" {
	truncate -s 1100M "$DIR/zeros"
	tar -C "$DIR" -cf - zeros | gzip -9 >"$DIR/bomb.tar.gz"
	rb import -q --max-size 100M "$DIR/bomb.tar.gz" bomb
	exits 1
	error_names --max-size
	# A thousand times its size.
	rb import -q "$DIR/bomb.tar.gz" bomb
	exits 1
	error_names --max-size
	same "$(image_files)" ""
	rbok import -q --max-size 2G "$DIR/bomb.tar.gz" bomb
	rb run --rm --image bomb no-such-command
	exits 127
}

@test "a load that was killed leaves nothing that counts, and the next one clears it away" {
	mkfifo "$DIR/pipe"
	"$RUSTBOX" import -q - killed <"$DIR/pipe" >/dev/null 2>&1 3>&- 4>&- &
	local pid=$!
	exec 7>"$DIR/pipe"
	head -c 100000 "$BATS_FILE_TMPDIR/rootfs.tar" >&7
	until_true staging_is_used
	kill -9 $pid
	wait $pid || true
	exec 7>&-
	rbok images -q
	same "$output" ""
	import_box
	same "$(ls -A "$RUSTBOX_ROOT/images/staging")" ""
}

staging_is_used()
{
	[ -n "$(find "$RUSTBOX_ROOT/images/staging" -name root 2>/dev/null)" ]
}

# ---- containers to images and tarballs ------------------------------------------------

@test "diff, commit, export: of a container that has ended" {
	import_box -c 'ENV WHO=me'
	rbok run --name "$NAME" --image box sh -c 'echo new >/etc/new; rm /etc/passwd.link; mkdir -m 700 /made; chmod 600 /etc/passwd'
	rbok diff "$NAME"
	grep -qx 'A /etc/new' <<<"$output"
	grep -qx 'D /etc/passwd.link' <<<"$output"
	grep -qx 'A /made' <<<"$output"
	grep -qx 'C /etc/passwd' <<<"$output"
	rbok commit -a author -m message -c 'CMD cat /etc/new' "$NAME" made
	rbok run --rm --image made
	same "$output" new
	rbok run --rm --image made sh -c 'ls /etc/passwd.link; stat -c %a /made /etc/passwd; echo $WHO'
	[[ $output == *$'700\n600\nme' ]] || fail "not as it was: $output"
	[[ $error == *passwd.link* ]] || fail "the removed file is there"
	rbok export -o "$DIR/export.tar" "$NAME"
	tar -tvf "$DIR/export.tar" >"$DIR/list"
	grep -q ' etc/new$' "$DIR/list"
	same "$(grep -c 'passwd.link' "$DIR/list")" 0
	rbok import -q "$DIR/export.tar" flat
	rbok run --rm --image flat cat /etc/new
	same "$output" new
}

@test "commit -p=false does not pause the container" {
	start_box
	rbok commit "$NAME" paused
	rbok commit --pause=false "$NAME" unpaused
	same "$(jq -r .action "$RUSTBOX_ROOT/run/events" | grep pause | paste -sd' ')" "pause unpause"
	rbok run --rm --image unpaused true
}

@test "images --digests; --no-healthcheck leaves out the image's check" {
	import_box -c 'HEALTHCHECK --interval=100ms CMD true'
	rbok images --digests
	[[ $output == *DIGEST* && $output == *sha256:* ]] || fail "no digests: $output"
	start_box --image box --no-healthcheck
	same "$(box_state .State.Health)" null
	rbok remove --force "$ID"
	start_box --image box
	until_true [ "$(box_state .State.Health.Status)" != null ]
}

@test "commit, export: of a running container, which is paused meanwhile and goes on" {
	start_box
	rbok exec "$NAME" sh -c 'echo running >/etc/new'
	rbok commit "$NAME" live
	same "$(box_status "$ID")" Running
	rbok exec "$NAME" true
	rbok run --rm --image live cat /etc/new
	same "$output" running
	rbok export -o "$DIR/export.tar" "$NAME"
	tar -xOf "$DIR/export.tar" etc/new >"$DIR/new"
	same "$(<"$DIR/new")" running
	# What is mounted in it is not part of it.
	same "$(tar -tf "$DIR/export.tar" | grep -c '^proc/.')" 0
}

@test "commit and export of a container with a user namespace have its own ids" {
	import_box
	rbok run --name "$NAME" --isolate-user --image box sh -c 'echo a >/etc/mine; echo b >/etc/theirs; chown 5:6 /etc/theirs'
	rbok export -o "$DIR/export.tar" "$NAME"
	tar --numeric-owner -tvf "$DIR/export.tar" >"$DIR/list"
	grep -q ' 0/0 .* etc/mine$' "$DIR/list"
	grep -q ' 5/6 .* etc/theirs$' "$DIR/list"
	grep -q ' 0/0 .* etc/passwd$' "$DIR/list"
	rbok commit "$NAME" mine
	rbok run --rm --image mine stat -c %u:%g /etc/mine /etc/theirs
	same "$output" $'0:0\n5:6'
}

@test "what a start makes to mount on is no change: diff, commit, export" {
	local how
	for how in '' --isolate-user; do
		rbok run --name "$NAME" $how true
		rbok diff "$NAME"
		same "$output" ''
		rbok export -o "$DIR/export.tar" "$NAME"
		same "$(tar -tf "$DIR/export.tar" | grep -E '^etc/host|resolv')" ''
		rbok commit -q "$NAME" plain
		rbok save -o "$DIR/saved" plain
		same "$(layer_names "$DIR/saved" | grep -E '^etc/(host|resolv)')" ''
		rbok remove "$NAME"
	done
	# Beside a change of the container's it is as little shown.
	rbok run --name "$NAME" sh -c 'echo new >/etc/new'
	rbok diff "$NAME"
	same "$output" $'C /etc\nA /etc/new'
}

# The names in all layers of a saved image.
layer_names()
{
	local blob
	mkdir -p "$DIR/layers" && rm -rf "${DIR:?}/layers"/* && tar -xf "$1" -C "$DIR/layers"
	for blob in "$DIR"/layers/blobs/sha256/*; do
		tar -tf "$blob" 2>/dev/null || :
	done
}

# ---- cp -------------------------------------------------------------------------------

make_source()
{
	mkdir -p "$DIR/source/sub"
	echo one >"$DIR/source/a"
	echo two >"$DIR/source/sub/b"
	ln -s sub "$DIR/source/link"
	chown 5:6 "$DIR/source/a"
	chmod 4755 "$DIR/source/a"
}

# cp_both_ways NAME: whatever state it is in.
cp_both_ways()
{
	local name=$1
	rbok cp "$DIR/source" "$name:/"
	rbok cp "$DIR/source/." "$name:/new"
	rbok cp "$DIR/source/a" "$name:tmp/renamed"
	rbok cp -a "$DIR/source/a" "$name:/tmp/owned"
	rbok cp "$DIR/source/link" "$name:/tmp/link"
	rbok cp -L "$DIR/source/link" "$name:/tmp/followed"
	rm -rf "$OUT"
	mkdir "$OUT"
	rbok cp "$name:/source" "$OUT"
	rbok cp "$name:/new/." "$OUT/new"
	rbok cp "$name:/tmp/renamed" "$OUT"
	rbok cp "$name:/tmp/owned" "$OUT/owned"
	rbok cp -a "$name:/tmp/owned" "$OUT/kept"
	rbok cp "$name:/tmp/link" "$OUT/link"
	rbok cp "$name:/tmp/followed" "$OUT"
	same "$(cd "$OUT" && find . ! -type d | sort | xargs stat -c '%n %F %a %u:%g')" "./followed/b regular file 644 0:0
./kept regular file 4755 5:6
./link symbolic link 777 0:0
./new/a regular file 755 0:0
./new/link symbolic link 777 0:0
./new/sub/b regular file 644 0:0
./owned regular file 755 0:0
./renamed regular file 755 0:0
./source/a regular file 755 0:0
./source/link symbolic link 777 0:0
./source/sub/b regular file 644 0:0"
	same "$(cat "$OUT/kept" "$OUT/source/sub/b")" $'one\ntwo'
}

@test "cp: both ways, of a container that runs, was created, has ended; with a user namespace" {
	make_source
	start_box
	cp_both_ways "$NAME"
	rbok exec "$NAME" stat -c %u:%g:%a /tmp/owned /tmp/renamed
	same "$output" $'5:6:4755\n0:0:4755'
	rbok create --name "$NAME-created" true
	cp_both_ways "$NAME-created"
	rbok run --name "$NAME-ended" true
	cp_both_ways "$NAME-ended"
	rbok run -d --name "$NAME-user" --isolate-user sleep 1000
	cp_both_ways "$NAME-user"
	rbok exec "$NAME-user" stat -c %u:%g /tmp/owned /tmp/renamed
	same "$output" $'5:6\n0:0'
	rbok create --name "$NAME-usercreated" --isolate-user stat -c %u:%g /tmp/owned /tmp/renamed
	cp_both_ways "$NAME-usercreated"
	rbok start -a "$NAME-usercreated"
	same "$output" $'5:6\n0:0'
}

@test "cp: what a path means, and mistakes" {
	make_source
	rbok create --name "$NAME" true
	rb cp "$DIR/source/a" "$NAME:/nowhere/"
	exits 1
	error_names /nowhere
	rb cp "$DIR/source/a" "$NAME:/no/where"
	exits 1
	rb cp "$DIR/source" "$NAME:/etc/passwd"
	exits 1
	error_names passwd
	rb cp "$DIR/source/a" "$NAME:/etc/passwd/"
	exits 1
	mknod "$DIR/null" c 1 3
	rb cp "$NAME:/etc/passwd" "$DIR/null"
	error_names "$DIR/null" "stays"
	[ -c "$DIR/null" ] || fail "a device of the host has been replaced"
	rb cp "$NAME:/nosuch" "$OUT"
	exits 1
	error_names nosuch
	rb cp "$DIR/source" "$OUT"
	exits 1
	error_names container
	rb cp "$NAME:/etc/passwd" "$NAME:/tmp"
	exits 1
	error_names "rustbox exec $NAME cp"
	rbok create --name "$NAME-two" true
	rb cp "$NAME:/etc/passwd" "$NAME-two:/tmp"
	exits 1
	error_names "rustbox cp $NAME:/etc/passwd - | rustbox cp - $NAME-two:/tmp"
	"$RUSTBOX" cp "$NAME:/etc/passwd" - 3>&- 4>&- | "$RUSTBOX" cp - "$NAME-two:/tmp" 3>&- 4>&-
	"$RUSTBOX" cp "$NAME-two:/tmp/passwd" - 3>&- 4>&- | tar -xOf - | cmp - "$ROOTFS/etc/passwd"
	rb cp "$NAME:/etc" nosuch:/
	exits 1
	rb cp nosuch:/etc "$OUT"
	exits 1
	error_names nosuch
	# A folder does not replace a file, nor the other way round.
	rbok cp "$DIR/source" "$NAME:/"
	mkdir -p "$OUT/source/a"
	rb cp "$NAME:/source" "$OUT"
	exits 1
	error_names a
}

@test "cp: tar streams" {
	make_source
	rbok create --name "$NAME" true
	tar -C "$DIR/source" -cf "$DIR/source.tar" .
	try_rustbox cp - "$NAME:/tmp" <"$DIR/source.tar"
	ok
	"$RUSTBOX" cp "$NAME:/tmp/sub" - 3>&- 4>&- >"$DIR/sub.tar"
	same "$(tar -tf "$DIR/sub.tar")" $'sub/\nsub/b'
	try_rustbox cp - "$NAME:/tmp/a" <"$DIR/source.tar"
	exits 1
	head -c 1300 "$DIR/source.tar" >"$DIR/cut.tar"
	try_rustbox cp - "$NAME:/tmp" <"$DIR/cut.tar"
	exits 1
}

@test "cp: volumes, of a running container and of one that does not run" {
	make_source
	mkdir "$DIR/volume"
	start_box -v "$DIR/volume:/data"
	rbok cp "$DIR/source/a" "$NAME:/data/live"
	rbok create --name "$NAME-created" -v "$DIR/volume:/data" -v "$DIR/source:/ro:ro" true
	rbok cp "$DIR/source/a" "$NAME-created:/data/created"
	same "$(cd "$DIR/volume" && echo *)" "created live"
	rb cp "$DIR/source/sub/b" "$NAME-created:/ro/new"
	exits 1
	rbok cp "$NAME-created:/ro/sub/b" "$OUT/b"
	same "$(<"$OUT/b")" two
}

@test "cp: a file on which something is mounted is written over" {
	make_source
	start_box
	rbok cp "$DIR/source/a" "$NAME:/etc/hosts"
	rbok exec "$NAME" cat /etc/hosts
	same "$output" one
}

@test "S17: links of a container lead nowhere but into the container" {
	make_source
	start_box
	rbok exec "$NAME" sh -c "mkdir -p $OUT; ln -s $OUT /out; ln -s ../../../../../../$OUT /up; ln -s $OUT/file /file; ln -s /proc/1/root /root-link"
	rbok cp "$DIR/source/a" "$NAME:/out/"
	rbok cp "$DIR/source/a" "$NAME:/up/b"
	rbok cp "$DIR/source/a" "$NAME:/file"
	same "$(ls -A "$OUT")" ""
	rbok exec "$NAME" ls "$OUT"
	same "$output" $'a\nb\nfile'
	# A magic link of /proc would lead out of where it is.
	rb cp "$DIR/source/a" "$NAME:/root-link/x"
	exits 1
	rb cp "$NAME:/proc/1/environ" "$OUT/environ"
	exits 1
	error_names exec
	rbok cp "$NAME:/file" "$OUT"
	[ -L "$OUT/file" ] || fail "a link is copied as a link"
	rm "$OUT/file"
	rbok cp -L "$NAME:/out/a" "$OUT/followed"
	same "$(<"$OUT/followed")" one
}

@test "S17: a container that swaps folders for links reaches nothing outside" {
	make_source
	mkdir "$DIR/victim"
	echo whole >"$DIR/victim/b"
	start_box
	rbok exec -d "$NAME" sh -c "mkdir -p /race/sub; while :; do rm -rf /race/sub; ln -s $DIR/victim /race/sub; rm /race/sub; mkdir /race/sub; echo x >/race/sub/b; done"
	local i
	for i in {1..40}; do
		rb cp "$DIR/source/." "$NAME:/race"
		rb cp "$NAME:/race" "$OUT/$i"
	done
	same "$(cat "$DIR/victim/b")" whole
	same "$(ls "$DIR/victim")" b
	same "$(find "$OUT" -type f -exec grep -l whole {} +)" ""
}

# In a box whose folder /race/sub and a link to the host's $DIR/victim change places all the time.
start_race()
{
	mkdir -p "$DIR/victim/deep"
	echo whole | tee "$DIR/victim/b" >"$DIR/victim/deep/b"
	start_box
	rbok exec "$NAME" sh -c "mkdir -p /race/sub/deep; echo x | tee /race/sub/b >/race/sub/deep/b; ln -s $DIR/victim /race/link"
	rbok exec -d "$NAME" payload swap /race/sub /race/link
}

@test "S17 CVE-2018-15664: folders and links change places while cp reads and writes" {
	make_source
	start_race
	local i
	for i in {1..60}; do
		rb cp "$NAME:/race" "$OUT/$i"
		[ $((i % 3)) -ne 0 ] || rb cp "$DIR/source/." "$NAME:/race"
	done
	same "$(cat "$DIR/victim/b" "$DIR/victim/deep/b")" $'whole\nwhole'
	same "$(ls "$DIR/victim")" $'b\ndeep'
	same "$(find "$OUT" -type f -exec grep -l whole {} +)" ""
}

@test "S17 CVE-2023-0778: folders and links change places while export and commit read" {
	start_race
	local i
	for i in {1..10}; do
		rb export -o "$OUT/$i.tar" "$NAME"
		rb commit -q "$NAME" "raced:$i"
	done
	for i in {1..10}; do
		[ ! -e "$OUT/$i.tar" ] || ! grep -qa "^whole" "$OUT/$i.tar" || fail "export $i has a file of the host"
	done
	rbok rm -f "$NAME"
	for i in {1..10}; do
		! rb save -o "$OUT/image" "raced:$i" || ! tar -xOf "$OUT/image" | zcat -fq 2>/dev/null | grep -qa "^whole" ||
			fail "commit $i has a file of the host"
	done
	same "$(cat "$DIR/victim/b" "$DIR/victim/deep/b")" $'whole\nwhole'
}

@test "S17 CVE-2026-41567: no program unpacks an archive, neither ours nor an image's" {
	local program
	mkdir "$DIR/programs"
	for program in xz lzma bzip2 lz4 lzop lrzip compress uncompress gzip gunzip zstd unzstd unpigz tar; do
		printf '#!/bin/sh\necho %s >>%s\nexit 1\n' $program "$DIR/ran" >"$DIR/programs/$program"
		chmod +x "$DIR/programs/$program"
	done
	cp -a "$ROOTFS" "$DIR/image"
	cp --remove-destination "$DIR"/programs/* "$DIR/image/bin/"
	tar -C "$DIR/image" -cf "$DIR/root.tar" .
	gzip -k "$DIR/root.tar"
	# What each format begins with, and nothing that is right behind.
	printf '\375\067zXZ\000\000\004' >"$DIR/bad.xz"
	printf 'BZh91AY&SY' >"$DIR/bad.bz2"
	printf '\004"M\030dp\271' >"$DIR/bad.lz4"
	printf '\211LZO\000\r\n\032\n' >"$DIR/bad.lzo"
	printf '\037\235\220' >"$DIR/bad.Z"
	printf 'LRZI\000\006' >"$DIR/bad.lrz"
	PATH=$DIR/programs:$PATH rbok import -q "$DIR/root.tar.gz" box
	for program in "$DIR"/bad.*; do
		head -c 2000 /dev/zero >>"$program"
		PATH=$DIR/programs:$PATH rb import -q "$program" bad
		exits 1
	done
	rbok run -d --name "$NAME" --image box sh -c 'while :; do sleep 1000 & wait; done'
	rbok cp "$DIR/root.tar.gz" "$NAME:/tmp/"
	PATH=$DIR/programs:$PATH rb cp - "$NAME:/tmp" <"$DIR/root.tar.gz"
	PATH=$DIR/programs:$PATH rb export -o "$OUT/all.tar" "$NAME"
	ok
	[ ! -e "$DIR/ran" ] || fail "ran: $(<"$DIR/ran")"
	rbok rm -f "$NAME"
	rbok rmi box
}

@test "S17: what comes out of a container grants nothing: no devices, no set-user-ID bits" {
	start_box
	rbok exec "$NAME" sh -c 'mkdir /bad; cp /bin/busybox /bad/suid 2>/dev/null || echo x >/bad/suid; chmod 6755 /bad/suid; mknod /bad/disk b 7 0 || true; mkfifo /bad/fifo'
	rbok cp "$NAME:/bad" "$OUT"
	same "$(stat -c %a "$OUT/bad/suid")" 755
	[ ! -e "$OUT/bad/disk" ] || fail "a device node was made on the host"
	# Its own archive, on the host's side.
	hostile_tar $'suid file x\ndisk block\n../x file x' >"$DIR/hostile.tar"
	try_rustbox cp - "$NAME:/tmp" <"$DIR/hostile.tar"
	exits 1
	error_names ..
}
