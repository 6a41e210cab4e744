#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top and RIG are set by run.sh
#
# A package of Stremio's, put together from the components that it is made of, by `make run STREMIO=`.
# Its image takes minutes to make, so it is none of the tests of `make check`.

# stremio_deb FILE: Stremio 4 as a package, from its components and scripts of ours.
stremio_deb() {
	deb=$RIG/stremio-deb
	mkdir -p "$deb/DEBIAN" "$deb/opt" "$deb/usr/bin" "$deb/usr/share/stack"
	cp -r "$top/tests/stack/app" "$deb/opt/stack"
	printf '%s\n' '#!/bin/sh' 'exec /usr/bin/node /opt/stack/app.js qt' > "$deb/usr/bin/stremio"
	cat > "$deb/DEBIAN/control" <<-'END'
	Package: stremio-made-up
	Version: 1
	Architecture: all
	Maintainer: nobody <nobody@localhost>
	Description: what Stremio 4 is made of
	Depends: nodejs, mpv, ffmpeg, python3, qmlscene, qml-module-qtwebengine,
	 qml-module-qtquick-window2, libgl1-mesa-dri, fonts-dejavu-core
	END
	cat > "$deb/DEBIAN/postinst" <<-'END'
	#!/bin/sh
	exec ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=s=640x360:r=30 \
		-f lavfi -i sine=440:r=48000 -t 10 -c:v libx264 -preset ultrafast -pix_fmt yuv420p \
		-c:a aac -movflags +faststart /usr/share/stack/clip.mp4
	END
	chmod 755 "$deb/DEBIAN/postinst" "$deb/usr/bin/stremio"
	# The same file each time is the same image.
	find "$deb" -exec touch -h -d @1700000000 {} +
	SOURCE_DATE_EPOCH=1700000000 dpkg-deb --root-owner-group --build "$deb" "$1" > "$RIG/out" 2>&1 ||
		die "dpkg-deb: $(tail -n 1 "$RIG/out")"
}

test_run_sees_that_stremio_lives() {
	stremio_deb "$RIG/stremio.deb"
	run_demo STREMIO="$RIG/stremio.deb" WAIT=120 || die "$(tail -n 1 "$RIG/demo")"
	for line in 'web view: process [0-9]* lives; server: port 11470 answers with 200' \
		    'picture: [0-9]* colours' 'no_new_privs  *1 ' 'exit status: 0'; do
		grep -q "$line" "$RIG/demo" || die "no line: $line"
	done
}
