# SPDX-License-Identifier: Apache-2.0
#
# Installing the host's side that is scripts: stremio-incus with its library, manual and menu entry.

HOST_LIB := $(wildcard hooks/lib/*.sh)
hostdir = $(libdir)/host

.PHONY: install-host uninstall-host
install: install-host
uninstall: uninstall-host

install-host:
	install -d $(bindir) $(hostdir)
	install -m 755 hooks/stremio-incus $(bindir)/stremio-incus
	install -m 644 $(HOST_LIB) $(hostdir)/
	install -D -m 644 hooks/stremio-incus.1 $(mandir)/man1/stremio-incus.1
	install -d $(appdir)
	sed 's,^Exec=stremio-incus,Exec=$(prefix)/bin/stremio-incus,' hooks/stremio.desktop \
		> $(appdir)/stremio-incus.desktop
	chmod 644 $(appdir)/stremio-incus.desktop
	install -D -m 644 hooks/stremio.svg $(icondir)/stremio-incus.svg

uninstall-host:
	rm -f $(bindir)/stremio-incus $(mandir)/man1/stremio-incus.1 \
		$(appdir)/stremio-incus.desktop $(icondir)/stremio-incus.svg
