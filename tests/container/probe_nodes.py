"""stremio-probe and device nodes, of devices that this kernel does not have."""
import os

from harness import MS_BIND, MS_RDONLY, MS_NODEV, MS_REMOUNT, check, equal, mount, test
from probing import UID, probe, room

CHR, BLK, FIFO = 0o020000, 0o060000, 0o010000
DRI, SND = "/dev/dri", "/dev/snd"
LONG = "renderD" + "x" * 248


def node(box, path, major, minor, mode=0o666, kind=CHR, owner=(0, 0)):
    os.makedirs(box.path(os.path.dirname(path)), mode=0o755, exist_ok=True)
    os.mknod(box.path(path), kind | 0o600, os.makedev(major, minor))
    os.chown(box.path(path), *owner)
    os.chmod(box.path(path), mode)


def open_errors(box):
    """What this kernel says to an open of a render node that has no driver."""
    node(box, "/dev/probe-me", 226, 128)
    try:
        os.close(os.open(box.path("/dev/probe-me"), os.O_RDWR))
        return None
    except OSError as error:
        return error.errno


@test(timeout=120)
def no_directory_an_empty_one_and_a_closed_one_are_three_causes():
    box = room()
    for group, path, check_id in (("gpu", DRI, "gpu.render"), ("sound", SND, "sound.control")):
        hints = [probe(box, group).expect(check_id, "fail", "here: No such file", "incus config "
                                          "device add", target=path).hint]
        os.mkdir(box.path(path), 0o755)
        hints.append(probe(box, group).expect(check_id, "fail", "empty", "whether the host has one",
                                              target=path).hint)
        for mode in (0o744, 0o700):
            os.chmod(box.path(path), mode)
            closed = probe(box, group).expect(check_id, "fail", "closed to the application",
                                              "chmod 755", target=path)
        hints.append(closed.hint)
        os.rmdir(box.path(path))
        box.write(path, "")
        hints.append(probe(box, group).expect(check_id, "fail", "is no directory", "ls -ld " + path,
                                              target=path).hint)
        equal(len(set(hints)), 4, f"different hints: {hints}")


@test(timeout=120)
def what_lies_in_dev_dri_and_is_no_gpu_is_named_and_not_opened():
    box = room()
    os.mkdir(box.path(DRI), 0o755)
    for name in ("renderD128", LONG):
        os.mkfifo(box.path(f"{DRI}/{name}"), 0o666)
        os.chmod(box.path(f"{DRI}/{name}"), 0o666)
    os.symlink("/dev/zero", box.path(DRI + "/renderD129"))
    os.symlink("renderD131", box.path(DRI + "/renderD130"))
    node(box, DRI + "/renderD131", 1, 5)
    node(box, DRI + "/renderD132", 226, 128, kind=BLK)
    os.mkdir(box.path(DRI + "/renderD133"))
    box.write(DRI + "/renderD134", "", 0o666)
    box.write(DRI + "/by-path", "")
    box.write(DRI + "/renderD\x1b[2J\n", "")
    open(box.path(DRI).encode() + b"/card\xff\xfe", "wb").close()
    found = probe(box, "gpu")
    for name, words in (("renderD128", "is a FIFO"), (LONG, "is a FIFO"),
                        ("renderD129", "is a symbolic link"), ("renderD130", "symbolic link"),
                        ("renderD131", "is device 1:5, not one of major 226"),
                        ("renderD132", "is a block device"), ("renderD133", "is a directory"),
                        ("renderD134", "is a regular file"),
                        ("renderD\\x1b[2J\\x0a", "is a regular file")):
        found.expect("gpu.render", "fail", words, "not opened", target=f"{DRI}/{name}")
    card = DRI + "/card\\xff\\xfe"
    found.expect("gpu.primary", "ok", "none is needed", target=card)
    probe(box, "gpu", options=["--primary"]).expect("gpu.primary", "fail", "is a regular file", target=card)
    check("path=PATH" in found.of("gpu.render", DRI + "/renderD\\x1b[2J\\x0a").hint,
          "a name that a shell would take apart is in a command")
    equal(len(found.list), 10, f"findings: {found.list}")


@test(timeout=120)
def a_node_whose_gpu_is_gone_is_told_from_one_that_is_forbidden():
    box = room()
    check(open_errors(box) in (6, 19), "this machine has a GPU of minor 128: try another minor")
    node(box, DRI + "/renderD128", 226, 128)
    node(box, DRI + "/renderD129", 226, 129, 0o660, owner=(0, 44))
    node(box, DRI + "/renderD130", 226, 130, 0o644)
    node(box, DRI + "/renderD131", 226, 131, 0o600)
    node(box, DRI + "/renderD132", 226, 132, 0o600, owner=(65534, 65534))
    node(box, DRI + "/renderD133", 226, 133, 0o640, owner=(0, 45))
    node(box, DRI + "/renderD134", 226, 134, 0o640, owner=(0, 44))
    found = probe(box, "gpu", gids=[45])
    for number, *words in (
            (128, "its GPU is gone", "ls /dev/dri on the host"),
            (129, "not in its group (0:44 0660, the application is 65532:65532)",
             "usermod -aG 44"),
            (130, "may be read only", "set NAME DEVICE mode=0660"),
            (131, "forbidden by its owner and mode", "group 0 is never handed"),
            (132, "belongs to nobody here", "the host's own node"),
            (133, "may be read only", "mode=0660 gid=65532"),
            (134, "forbidden by its mode to its group and others", "mode=0660 gid=65532")):
        words = [word.replace("NAME", os.uname().nodename) for word in words]
        found.expect("gpu.render", "fail", *words, target=f"{DRI}/renderD{number}")
    found.expect("gpu.primary", "ok", "none is needed")
    found = probe(box, "gpu", gids=[44])
    found.expect("gpu.render", "fail", "its GPU is gone", target=DRI + "/renderD129")


@test(timeout=120)
def a_file_system_without_devices_is_known_as_the_cause():
    box = room()
    os.mkdir(box.path(DRI), 0o755)
    mount("dri", box.path(DRI), "tmpfs", MS_NODEV, "mode=755")
    node(box, DRI + "/renderD128", 226, 128)
    found = probe(box, "gpu")
    found.expect("gpu.render", "fail", "mounted nodev", "add ", target=DRI + "/renderD128")


@test(timeout=120)
def a_read_only_file_system_is_no_obstacle_to_a_device():
    box = room()
    node(box, DRI + "/renderD128", 226, 128)
    mount(box.path(DRI), box.path(DRI), None, MS_BIND)
    mount(None, box.path(DRI), None, MS_BIND | MS_REMOUNT | MS_RDONLY)
    probe(box, "gpu").expect("gpu.render", "fail", "its GPU is gone")


@test(timeout=120)
def a_primary_node_is_no_render_node_and_needed_only_when_asked_for():
    box = room()
    node(box, DRI + "/card0", 226, 0)
    node(box, DRI + "/card1", 226, 1, 0o600)
    node(box, DRI + "/card2", 226, 2, 0, owner=(65534, 65534))  # as the host's hook gives it
    found = probe(box, "gpu")
    found.expect("gpu.render", "fail", "a primary node and no render node", "renderD128")
    found.expect("gpu.primary", "ok", "not usable, and not needed", target=DRI + "/card0")
    found.expect("gpu.primary", "ok", "not usable, and not needed", target=DRI + "/card1")
    found.expect("gpu.primary", "ok", "not usable, and not needed", target=DRI + "/card2")
    found = probe(box, "gpu", options=["--primary"])
    found.expect("gpu.primary", "fail", "its GPU is gone", target=DRI + "/card0")
    found.expect("gpu.primary", "fail", "forbidden by its owner", target=DRI + "/card1")
    found.expect("gpu.primary", "fail", "is there by name only", "STREMIO_DEVICES", target=DRI + "/card2")


@test(timeout=120)
def a_primary_node_that_nobody_wants_is_no_fault_whatever_stands_in_its_place():
    """Who masks card0 beside a good render node has done well, and is not told to add it."""
    box = room()
    node(box, DRI + "/card0", 1, 3)  # /dev/null over it
    os.symlink("/dev/null", box.path(DRI + "/card1"))
    os.mkfifo(box.path(DRI + "/card2"))
    os.mkdir(box.path(DRI + "/card3"))
    box.write(DRI + "/card4", "")
    node(box, DRI + "/card5", 226, 133)
    node(box, DRI + "/card6", 226, 6, kind=BLK)
    found = probe(box, "gpu")
    for name in range(7):
        one = found.expect("gpu.primary", "ok", "no usable primary node, and none is needed",
                           target=f"{DRI}/card{name}")
        equal(one.hint, "", "what there is to do")
    found = probe(box, "gpu", options=["--primary"])
    found.expect("gpu.primary", "fail", "is device 1:3, not one of major 226", "add", target=DRI + "/card0")
    found.expect("gpu.primary", "fail", "is a symbolic link", target=DRI + "/card1")


@test(timeout=120)
def a_primary_node_by_name_only_is_no_gpu():
    """A host whose GPU does not draw: telling its user to add a render node would be wrong."""
    box = room()
    node(box, DRI + "/card0", 226, 0, 0, owner=(65534, 65534))
    found = probe(box, "gpu")
    found.expect("gpu.render", "fail", "is empty of GPUs", "whether the host has one", target=DRI)
    found.expect("gpu.primary", "ok", "not usable, and not needed", target=DRI + "/card0")


@test(timeout=120)
def nodes_without_end_are_counted_and_the_first_looked_at():
    box = room()
    for path, name in ((DRI, "renderD"), (SND, "pcmC0D")):
        os.mkdir(box.path(path), 0o755)
        for number in range(700):
            box.write(f"{path}/{name}{number}" + ("p" if path == SND else ""), "")
    found = probe(box, "gpu", "sound")
    more = [record for record in found.list if "500 more nodes" in record.summary]
    equal(sorted((record.id, record.status, record.target) for record in more),
          [("gpu.render", "fail", DRI), ("sound.control", "fail", SND)], "what was left out")
    check(len(found.list) <= 500, f"{len(found.list)} findings are more than a reader takes")


@test(timeout=120)
def sound_nodes_are_judged_by_kind_card_and_name():
    box = room()
    node(box, SND + "/controlC0", 116, 0)
    node(box, SND + "/controlC1", 116, 32, 0o660, owner=(0, 29))
    node(box, SND + "/controlC2", 116, 64, 0o600)
    node(box, SND + "/controlC3", 1, 3)
    os.mkfifo(box.path(SND + "/controlC4"))
    os.symlink("controlC0", box.path(SND + "/controlC5"))
    box.write(SND + "/controlC6x", "")
    node(box, SND + "/pcmC0D0p", 116, 16)
    node(box, SND + "/pcmC0D0c", 116, 24)
    node(box, SND + "/timer", 116, 33)
    found = probe(box, "sound")
    for name, *words in (
            ("controlC0", "its card is gone", "aplay -l on the host"),
            ("controlC1", "not in its group (0:29 0660", "usermod -aG 29"),
            ("controlC2", "forbidden by its owner and mode"),
            ("controlC3", "is device 1:3, not one of major 116", "not opened"),
            ("controlC4", "is a FIFO"), ("controlC5", "is a symbolic link"),
            ("controlC6x", "is no name of a sound device")):
        found.expect("sound.control", "fail", *words, target=f"{SND}/{name}")
    found.expect("sound.pcm", "fail", "without the control node of its card, controlC0",
                 "see sound.control", target=SND + "/pcmC0D0p")
    os.remove(box.path(SND + "/pcmC0D0p"))
    probe(box, "sound").expect("sound.pcm", "fail", "no playback device", "only record", target=SND)


@test(timeout=120)
def names_of_255_bytes_are_told_in_full():
    box = room()
    os.mkdir(box.path(DRI), 0o755)
    box.write(f"{DRI}/{LONG}", "")
    found = probe(box, "gpu", uid=UID)
    found.expect("gpu.render", "fail", "is a regular file", target=f"{DRI}/{LONG}")
