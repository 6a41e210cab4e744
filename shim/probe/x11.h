/* SPDX-License-Identifier: Apache-2.0 */
/* x11: parts of the X11 checks that more than one file has to do with. */
#ifndef SHIM_PROBE_X11_H
#define SHIM_PROBE_X11_H

#include <stdbool.h>

#include "display.h"

/**
 * x11_client() - be a client of libX11's, as the application will be: ends the finding of
 * x11.auth, which was begun, and makes that of x11.extensions.
 * @d: the display, which let a first connection in.
 * @screens: how many it has. @open: it did so without a cookie, too.
 */
void x11_client(const struct display *d, unsigned int screens, bool open);

#endif
