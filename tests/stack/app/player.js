// SPDX-License-Identifier: Apache-2.0
'use strict';
// Asks mpv over its socket what it really uses, until it has shown some frames.
const net = require('net');

const ASKED = ['current-vo', 'current-ao', 'estimated-frame-number', 'video-codec',
	'audio-codec-name'];

function ask(socket, report, again) {
	const values = {};
	const peer = net.connect(socket);
	peer.once('error', again);
	peer.once('connect', () => {
		ASKED.forEach((property, i) => peer.write(
			`${JSON.stringify({ command: ['get_property', property], request_id: i + 1 })}\n`));
	});
	let text = '';
	peer.on('data', (data) => {
		text += data;
		for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
			const message = JSON.parse(text.slice(0, end));
			text = text.slice(end + 1);
			if (message.request_id)
				values[ASKED[message.request_id - 1]] = message.data;
			if (Object.keys(values).length === ASKED.length)
				peer.end();
		}
	});
	peer.once('close', () => {
		if (!(values['estimated-frame-number'] > 10) || !values['current-ao'])
			return again(new Error(`not playing yet: ${JSON.stringify(values)}`));
		report.pass('player.vo', values['current-vo']);
		report.pass('player.ao', values['current-ao']);
		report.pass('player.frames', values['estimated-frame-number']);
		report.pass('player.codecs', `${values['video-codec']}, ${values['audio-codec-name']}`);
	});
}

function watchPlayer(socket, report) {
	let asked = false;
	const again = (error) => {
		if (asked)
			return;
		asked = true;
		report.fail('player.frames', error);
		setTimeout(() => watchPlayer(socket, report), 100);
	};
	ask(socket, report, again);
}

module.exports = { watchPlayer };
