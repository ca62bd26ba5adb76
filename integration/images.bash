# SPDX-License-Identifier: Apache-2.0
# Images made by hand: no registry is asked.
# shellcheck shell=bash

# image_archive LAYER.tar NAME CONFIG [NAME CONFIG]...: a docker archive of
# images with the same layer, on standard output. CONFIG is the JSON of an
# image's "config" (Env, Cmd, User...).
image_archive()
{
	"$PYTHON" -ES - "$@" <<-'PY'
import hashlib, io, json, platform, sys, tarfile
machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "amd64")
with open(sys.argv[1], "rb") as file:
    layer = file.read()
files, manifest = {"layer.tar": layer}, []
for i in range(2, len(sys.argv), 2):
    config = {"Env": ["PATH=/bin:/sbin"], "Cmd": ["sh"], **json.loads(sys.argv[i + 1])}
    name = f"config{i}.json"
    files[name] = json.dumps({"architecture": machine, "os": "linux", "config": config, "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
    manifest.append({"Config": name, "RepoTags": [sys.argv[i]], "Layers": ["layer.tar"]})
files["manifest.json"] = json.dumps(manifest).encode()
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
    for name, data in files.items():
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
PY
}

# image_load NAMESPACE ROOTFS NAME CONFIG...: into the file's containerd.
image_load()
{
	local namespace=$1 rootfs=$2
	shift 2
	tar -C "$rootfs" --numeric-owner -cf "$CD/layer.tar" .
	image_archive "$CD/layer.tar" "$@" >"$CD/image.tar"
	ctr --namespace "$namespace" image import "$CD/image.tar" >/dev/null
	rm "$CD/layer.tar" "$CD/image.tar"
}
