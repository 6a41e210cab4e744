"""Adds a layer that no honest tool makes: hostile_layer.py LAYOUT TAG VICTIM | --device | --link"""
import hashlib
import io
import json
import os
import sys
import tarfile

layout, tag, what = sys.argv[1:4]


def blob(data):
    name = hashlib.sha256(data).hexdigest()
    with open(os.path.join(layout, "blobs", "sha256", name), "wb") as file:
        file.write(data)
    return "sha256:" + name, len(data)


def read(digest):
    with open(os.path.join(layout, "blobs", *digest.split(":")), "rb") as file:
        return json.load(file)


def entry(name, kind=tarfile.REGTYPE, text=b"", **fields):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode = kind, len(text), 0o755
    for key, value in fields.items():
        setattr(info, key, value)
    return info, io.BytesIO(text)


def entries():
    if what == "--device":
        yield entry("srv/mem", tarfile.CHRTYPE, devmajor=1, devminor=1)
        yield entry("srv/disk", tarfile.BLKTYPE, devmajor=254, devminor=0)
        return
    if what == "--link":
        yield entry("srv/link", tarfile.SYMTYPE, linkname="/etc")
        yield entry("hard", tarfile.LNKTYPE, linkname="srv/link/../../../../../../../etc/passwd")
        return
    out = os.path.join(what, "out")
    yield entry("../../../../../../../../../tmp/stremio-escaped", text=b"x")
    yield entry("/stremio-escaped-absolute", text=b"x")
    # A link out, then a file through it; the places that our own files go to, too.
    for name in ("srv/link", "etc", "sbin", "opt"):
        yield entry(name, tarfile.SYMTYPE, linkname=what)
        yield entry(name + "/" + os.path.basename(out), text=b"x")
    yield entry("srv/up", tarfile.SYMTYPE, linkname="../../../../../../../../.." + what)
    yield entry("srv/up/climbed", text=b"x")


data = io.BytesIO()
with tarfile.open(fileobj=data, mode="w") as tar:
    for info, content in entries():
        tar.addfile(info, content)
digest, size = blob(data.getvalue())

with open(os.path.join(layout, "index.json"), encoding="utf-8") as file:
    index = json.load(file)
for listed in index["manifests"]:
    if listed["annotations"]["org.opencontainers.image.ref.name"] != tag:
        continue
    manifest = read(listed["digest"])
    config = read(manifest["config"]["digest"])
    config["rootfs"]["diff_ids"].append(digest)
    config.pop("history", None)
    manifest["layers"].append({"mediaType": "application/vnd.oci.image.layer.v1.tar",
                               "digest": digest, "size": size})
    manifest["config"]["digest"], manifest["config"]["size"] = blob(json.dumps(config).encode())
    listed["digest"], listed["size"] = blob(json.dumps(manifest).encode())
with open(os.path.join(layout, "index.json"), "w", encoding="utf-8") as file:
    json.dump(index, file)
