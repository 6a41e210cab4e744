#!/usr/bin/env python3
"""Fetches Debian packages and unpacks them into an empty root as they come, on every processor,
for `dpkg --configure -a` to go on from there: tests/stack/unpack.py ROOT ARCHIVES COMMAND...

COMMAND fetches: apt-get --download-only, which puts a package into ARCHIVES when it is complete
and its sum is right. What has been unpacked is deleted there.

dpkg itself starts half a dozen programs for each package, one package after the other, which is
most of the time it takes. An empty root needs none of what they look after: nothing is replaced,
nothing has to survive a crash. Scripts that run before unpacking (preinst) are left to the caller.
"""
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time

# As in hooks/lib/image.sh: a third of the files, and nobody here reads them.
LEFT_OUT = re.compile(r"\./usr/share/(man/|info/|locale/|doc/[^/]+/(?!copyright$))")
# dpkg puts these together itself.
NOT_KEPT = ("control", "conffiles")


def members(archive):
    """(name, stream) of each member of a .deb, an ar(5) archive; the stream is read or skipped."""
    if archive.read(8) != b"!<arch>\n":
        raise ValueError(f"{archive.name}: not an archive")
    while True:
        header = archive.read(60)
        if len(header) < 60:
            return
        start, size = archive.tell(), int(header[48:58])
        yield header[:16].decode("ascii").rstrip(" /"), archive
        archive.seek(start + size + size % 2)


def inside(root, path, known):
    """root/path, when its directory is not led out of the root by a link of some package."""
    directory, name = os.path.split(os.path.join(root, path))
    if directory not in known:
        real = os.path.realpath(directory)
        if real != root and not real.startswith(root + "/"):
            raise ValueError(f"{path} would be outside")
        known.add(directory)
    return os.path.join(directory, name)


def place(tar, entry, root, known):
    """One entry of a package as a file; a directory may be there already, nothing else."""
    path = inside(root, entry.name, known)
    if entry.isdir():
        try:
            os.mkdir(path)
        except FileExistsError:
            if os.path.isdir(path):         # or a link to one: /lib
                return
            raise
    elif entry.issym():
        os.symlink(entry.linkname, path)
    elif entry.islnk():
        os.link(inside(root, entry.linkname, known), path, follow_symlinks=False)
        return
    elif entry.isreg():
        with open(path, "xb") as file:
            shutil.copyfileobj(tar.extractfile(entry), file, 1 << 20)
    else:
        raise ValueError(f"{entry.name}: of type {entry.type!r}")
    if entry.uid or entry.gid:
        os.lchown(path, entry.uid, entry.gid)
    if not entry.issym():
        os.chmod(path, entry.mode)
    os.utime(path, (entry.mtime, entry.mtime), follow_symlinks=False)


def control(archive, root):
    """Keeps the package's scripts and lists; gives back dpkg's name for it, and its fields."""
    with tarfile.open(fileobj=archive, mode="r|*") as tar:
        kept = [(os.path.basename(e.name), e.mode, tar.extractfile(e).read())
                for e in tar if e.isreg()]
    text = next(data for name, _, data in kept if name == "control").decode().strip()
    fields = dict(re.findall(r"^([\w-]+): *(.*)$", text, re.M))
    name = fields["Package"]
    if fields.get("Multi-Arch") == "same":
        name += f":{fields['Architecture']}"
    for what, mode, data in kept:
        if what not in NOT_KEPT:
            path = f"{root}/var/lib/dpkg/info/{name}.{what}"
            with open(path, "wb") as file:
                file.write(data)
            os.chmod(path, mode)
    return name, text


def unpack(path, root):
    """Gives back the package's paragraph of dpkg's status file."""
    known = set()
    with open(path, "rb") as archive:
        for part, stream in members(archive):
            if part.startswith("control.tar"):
                name, text = control(stream, root)
            elif part.startswith("data.tar"):
                paths = []
                with tarfile.open(fileobj=stream, mode="r|*") as tar:
                    for entry in tar:
                        entry.name = "./" + entry.name.removeprefix("./")
                        paths.append(entry.name[1:].rstrip("/") or "/.")
                        if entry.name != "./" and not LEFT_OUT.match(entry.name):
                            place(tar, entry, root, known)
                with open(f"{root}/var/lib/dpkg/info/{name}.list", "w", encoding="utf-8") as file:
                    file.write("\n".join(paths) + "\n")
    os.unlink(path)
    # Where dpkg has it, it is the second field.
    first, _, rest = text.partition("\n")
    return f"{first}\nStatus: install ok unpacked\n{rest}\n"


def prepare(root):
    """What dpkg finds when nothing is installed; /usr is merged from the beginning."""
    os.umask(0o022)
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        os.makedirs(f"{root}/usr/{name}")
        os.symlink(f"usr/{name}", f"{root}/{name}")
    for name in ("alternatives", "info", "parts", "triggers", "updates"):
        os.makedirs(f"{root}/var/lib/dpkg/{name}")
    for name, text in (("available", ""), ("diversions", ""), ("statoverride", ""),
                       ("info/format", "1\n")):
        with open(f"{root}/var/lib/dpkg/{name}", "w", encoding="ascii") as file:
            file.write(text)


def main():
    root, archives, command = os.path.realpath(sys.argv[1]), sys.argv[2], sys.argv[3:]
    prepare(root)
    taken, jobs = set(), []
    with multiprocessing.Pool() as pool, subprocess.Popen(command) as fetching:
        over = False
        while not over:
            # Asked before the look, so that the last ones are seen.
            over = fetching.poll() is not None
            for name in sorted(os.listdir(archives)):
                if name.endswith(".deb") and name not in taken:
                    taken.add(name)
                    jobs.append(pool.apply_async(unpack, (os.path.join(archives, name), root)))
            time.sleep(0.05)
        if fetching.returncode:
            return 1
        status = [job.get() for job in jobs]
    with open(f"{root}/var/lib/dpkg/status", "w", encoding="utf-8") as file:
        file.write("\n".join(sorted(status)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
