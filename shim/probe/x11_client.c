/* SPDX-License-Identifier: Apache-2.0 */
/* The display as libX11 shows it: whether the cookie is trusted, and which extensions there are. */
#include <X11/XKBlib.h>
#include <X11/Xlibint.h>
#include <X11/extensions/XI2proto.h>
#include <stdbool.h>
#include <string.h>

#include "report.h"
#include "text.h"
#include "x11.h"

#define EXTENSIONS_MAX 1024 /* a connection has numbers for 128 */

/* libX11 hands these to functions of ours, which have no argument for it. */
static unsigned char last_error;

static int on_error(Display *display, XErrorEvent *event)
{
	(void)display;
	/* The first is what was asked about. */
	if (last_error == Success)
		last_error = event->error_code;
	return 0;
}

/* The connection broke: libX11 cannot go on, and what is known has been told. */
static int on_io_error(Display *display)
{
	(void)display;
	report_say("the server closed the connection");
	report_end(STATUS_FAIL, HINT_X11_RESET);
	report_close();
}

/* Linked in for assert(3) (probe.mk): libX11's are about what its server sends. */
_Noreturn void __wrap___assert_fail(const char *assertion, const char *file, unsigned int line,
				    const char *function);
_Noreturn void __wrap___assert_fail(const char *assertion, const char *file, unsigned int line,
				    const char *function)
{
	(void)assertion;
	(void)file;
	(void)line;
	(void)function;
	report_say("the server does not keep to the protocol, and libX11 gave up");
	report_end(STATUS_FAIL, HINT_X11_GARBAGE);
	report_close();
}

/*
 * The SECURITY extension keeps untrusted clients from changing what is others', the root's
 * properties among it ("Security Extension Specification", "Untrusted client behavior"). To
 * rotate none of them changes nothing, and is refused all the same. What extensions are hidden
 * says less: a server may be without them. They are asked for in the same breath: their answer
 * comes after the refusal, and each round to the server and back is one that a launch waits for. A
 * server that is lost at it is lost at the cookie's check.
 */
static bool is_untrusted(Display *display, char ***names, int *count)
{
	last_error = Success;
	XRotateWindowProperties(display, DefaultRootWindow(display), NULL, 0, 0);
	*names = XListExtensions(display, count);
	return last_error == BadAccess;
}

enum trust { TRUSTED, UNTRUSTED, UNKNOWN };

static void end_auth(bool open, enum trust trust)
{
	if (open) {
		report_say("lets clients in without a cookie");
		report_end(STATUS_WARN, HINT_X11_OPEN_SERVER);
	} else if (trust == TRUSTED) {
		report_say("trusted cookie accepted");
		report_end(STATUS_OK, HINT_X11_TRUSTED);
	} else {
		report_say(trust == UNTRUSTED ? "untrusted cookie accepted" : "cookie accepted");
		report_end(STATUS_OK, HINT_NONE);
	}
}

/* The extension's name is that of its first version, too: it is asked (XI2proto.txt). A server
 * without the second takes the question for a fault, which on_error() lets pass. */
static bool has_xinput2(Display *dpy)
{
	xXIQueryVersionReply reply;
	xXIQueryVersionReq *request;
	int opcode, event, error;
	bool has;

	if (!XQueryExtension(dpy, "XInputExtension", &opcode, &event, &error))
		return false;
	LockDisplay(dpy);
	GetReq(XIQueryVersion, request);
	request->reqType = (CARD8)opcode;
	request->ReqType = X_XIQueryVersion;
	request->major_version = 2;
	request->minor_version = 0;
	has = _XReply(dpy, (xReply *)&reply, 0, xTrue) && reply.major_version >= 2;
	UnlockDisplay(dpy);
	SyncHandle();
	return has;
}

static bool is_among(char **names, int count, const char *name)
{
	for (int i = 0; i < count && i < EXTENSIONS_MAX; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static void extensions(Display *display, bool untrusted, char **names, int count)
{
	static const char *const wanted[] = {"GLX", "DRI3", "Present", "MIT-SHM", "XInput2"};
	enum { GLX, XINPUT2 = 4, WANTED };
	const char *separator = "";
	bool has[WANTED];

	for (int i = 0; i < WANTED; i++)
		has[i] = i == XINPUT2 ? has_xinput2(display) : is_among(names, count, wanted[i]);
	for (int i = 0; i < WANTED; i++) {
		if (!has[i])
			continue;
		report_say(separator);
		report_say(wanted[i]);
		separator = " ";
	}
	separator = separator[0] ? "; missing: " : "missing: ";
	for (int i = 0; i < WANTED; i++) {
		if (has[i])
			continue;
		report_say(separator);
		report_say(wanted[i]);
		separator = " ";
	}
	if (has[GLX])
		report_end(STATUS_OK, HINT_NONE);
	else
		report_end(STATUS_WARN, untrusted ? HINT_X11_UNTRUSTED_GLX : HINT_X11_NO_GLX);
}

static void no_display(bool no_screen)
{
	report_say(no_screen ? "the server has no such screen"
			     : "libX11 cannot open the display, though its server let a client in");
	report_end(STATUS_FAIL, no_screen ? HINT_X11_NO_SCREEN : HINT_X11_CLIENT);
}

void x11_client(const struct display *d, unsigned int screens, bool open)
{
	Display *display;
	char **names;
	int count = 0;
	bool untrusted;
	char name[40];
	struct text t;

	/* So that libxcb cannot take it for a host's or a file's name. */
	text_begin(&t, name, sizeof(name));
	text_str(&t, "unix/:");
	text_num(&t, d->number);
	text_str(&t, ".");
	text_num(&t, d->screen);
	XSetIOErrorHandler(on_io_error);
	XSetErrorHandler(on_error);
	/* Two rounds less: nothing here is about keys. */
	(void)XkbIgnoreExtension(True);
	display = XOpenDisplay(name);
	if (!display) {
		end_auth(open, UNKNOWN);
		report_begin(CHECK_X11_EXTENSIONS, strchr(name, ':'));
		no_display(d->screen >= screens);
		return;
	}
	untrusted = is_untrusted(display, &names, &count);
	end_auth(open, untrusted ? UNTRUSTED : TRUSTED);
	report_begin(CHECK_X11_EXTENSIONS, strchr(name, ':'));
	extensions(display, untrusted, names, count);
	if (names)
		XFreeExtensionList(names);
}
