# SPDX-License-Identifier: Apache-2.0
"""One GTK 4 window with libmpv's picture on the left and WebKitGTK on the right: view.py URL

What libmpv plays, it posts to URL/report. Ends in order on TERM.
"""
import ctypes
import json
import signal
import sys
import urllib.request

import gi
gi.require_version("Gtk", "4.0")
gi.require_version("WebKit", "6.0")
from gi.repository import GLib, Gtk, WebKit                     # noqa: E402

URL = sys.argv[1]
egl = ctypes.CDLL("libEGL.so.1")
egl.eglGetProcAddress.restype = ctypes.c_void_p
mpv = ctypes.CDLL("libmpv.so.2")
mpv.mpv_create.restype = ctypes.c_void_p
mpv.mpv_get_property_string.restype = ctypes.c_void_p
mpv.mpv_error_string.restype = ctypes.c_char_p
GetProcAddress = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
GL_DRAW_FRAMEBUFFER_BINDING = 0x8CA6


class Param(ctypes.Structure):
    """mpv_render_param; the types used here, from mpv/render.h."""
    _fields_ = [("type", ctypes.c_int), ("data", ctypes.c_void_p)]
    END, API_TYPE, GL_INIT, GL_FBO, FLIP_Y = range(5)


class GLInit(ctypes.Structure):
    _fields_ = [("get_proc_address", GetProcAddress), ("context", ctypes.c_void_p)]


class Fbo(ctypes.Structure):
    _fields_ = [("fbo", ctypes.c_int), ("w", ctypes.c_int), ("h", ctypes.c_int),
                ("format", ctypes.c_int)]


def good(code):
    if code < 0:
        raise RuntimeError(mpv.mpv_error_string(code).decode())


def params(*pairs):
    return (Param * (len(pairs) + 1))(
        *[Param(kind, ctypes.cast(ctypes.pointer(value), ctypes.c_void_p))
          for kind, value in pairs], Param(Param.END, None))


class Player:
    OPTIONS = {"config": "no", "vo": "libmpv", "ao": "alsa", "audio-format": "s16",
               "keep-open": "yes", "terminal": "no"}

    def __init__(self):
        self.handle = ctypes.c_void_p(mpv.mpv_create())
        for name, value in self.OPTIONS.items():
            good(mpv.mpv_set_option_string(self.handle, name.encode(), value.encode()))
        good(mpv.mpv_initialize(self.handle))
        self.context = ctypes.c_void_p()
        self.get_proc_address = GetProcAddress(lambda _, name: egl.eglGetProcAddress(name))
        address = egl.eglGetProcAddress(b"glGetIntegerv")
        self.get_integer = ctypes.CFUNCTYPE(None, ctypes.c_uint, ctypes.c_void_p)(address)

    def realize(self, area):
        area.make_current()
        if area.get_error():
            post("player.vo", {"error": area.get_error().message})
            return
        init = GLInit(self.get_proc_address, None)
        kind = ctypes.create_string_buffer(b"opengl")
        good(mpv.mpv_render_context_create(ctypes.byref(self.context), self.handle,
                                           params((Param.API_TYPE, kind), (Param.GL_INIT, init))))
        self.command("loadfile", URL + "clip.mp4")

    def render(self, area, _):
        if not self.context:
            return False
        bound = ctypes.c_int()
        self.get_integer(GL_DRAW_FRAMEBUFFER_BINDING, ctypes.byref(bound))
        scale = area.get_scale_factor()
        fbo = Fbo(bound.value, area.get_width() * scale, area.get_height() * scale, 0)
        mpv.mpv_render_context_render(self.context, params(
            (Param.GL_FBO, fbo), (Param.FLIP_Y, ctypes.c_int(1))))
        return True

    def command(self, *words):
        argv = (ctypes.c_char_p * (len(words) + 1))(*[w.encode() for w in words], None)
        good(mpv.mpv_command(self.handle, argv))

    def get(self, name):
        text = mpv.mpv_get_property_string(self.handle, name.encode())
        if not text:
            return ""
        value = ctypes.string_at(text).decode()
        mpv.mpv_free(ctypes.c_void_p(text))
        return value

    def tell(self):
        """What is really used, once some frames were shown."""
        frames = int(self.get("estimated-frame-number") or 0)
        if frames <= 10 or not self.get("current-ao"):
            return True
        for name, value in (("vo", self.get("current-vo")), ("ao", self.get("current-ao")),
                            ("frames", frames),
                            ("codecs", self.get("video-codec") + ", " +
                             self.get("audio-codec-name"))):
            post("player." + name, value)
        return False

    def end(self, area):
        area.make_current()
        if self.context:
            mpv.mpv_render_context_free(self.context)
            self.context = ctypes.c_void_p()
        mpv.mpv_terminate_destroy(self.handle)


def post(name, value):
    request = urllib.request.Request(URL + "report", json.dumps({name: value}).encode())
    urllib.request.urlopen(request, timeout=10).close()


def main():
    if not Gtk.init_check():
        post("page", {"error": "GTK: no display"})
        return 1
    loop = GLib.MainLoop()
    player = Player()
    area = Gtk.GLArea()
    area.set_size_request(640, 360)
    area.set_valign(Gtk.Align.START)
    area.connect("realize", player.realize)
    area.connect("render", player.render)
    area.add_tick_callback(lambda widget, _: widget.queue_render() or True)
    view = WebKit.WebView()
    view.set_size_request(700, 480)
    view.connect("web-process-terminated", lambda _, reason: post(
        "page.alive", {"error": f"web process terminated: {reason.value_nick}"}))
    view.load_uri(URL)
    box = Gtk.Box(spacing=60)
    box.append(area)
    box.append(view)
    window = Gtk.Window(child=box, decorated=False)
    window.connect("close-request", lambda _: loop.quit())
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    window.present()
    GLib.timeout_add(100, player.tell)
    loop.run()
    player.end(area)
    return 0


sys.exit(main())
