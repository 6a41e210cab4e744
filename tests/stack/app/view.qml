// SPDX-License-Identifier: Apache-2.0
import QtQuick 2.12
import QtQuick.Window 2.12
import QtWebEngine 1.8

Window {
	x: 700
	width: 640
	height: 480
	visible: true
	flags: Qt.FramelessWindowHint

	WebEngineView {
		anchors.fill: parent
		url: "http://127.0.0.1:11470/"
		onRenderProcessTerminated: console.warn("render process terminated", terminationStatus, exitCode)
	}
}
