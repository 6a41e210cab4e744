// SPDX-License-Identifier: Apache-2.0
'use strict';
// An application made of Stremio's components: node app.js VIEW
//
//   qt        Qt WebEngine on our page, mpv on the stream (Stremio 4)
//   webkit    GTK 4, WebKitGTK and libmpv in one window (Stremio 5)
//   chromium  Chromium on our page, mpv on the stream (the builds with CEF)
//   server    no window: Node.js and ffmpeg
//   quick     the same, and what Stremio 4 itself asks the kernel for at its start
//   leave     starts `server` in a session of its own and dies of TERM without a word to it,
//             as Stremio 4 does
//
// Ends in order on TERM, INT and HUP; $HOME/report.json says what worked. STACK_SANDBOX=own
// leaves Chromium its own sandbox, which needs namespaces. (WebKitGTK is told by the shim.)
// STACK_PAGE=FILE shows another page; STACK_OUTSIDE=1 asks for what only a network has;
// STACK_LOOP=1 begins the film anew at its end; STACK_PRIME=DEVICE is mpv's DRI_PRIME: Mesa opens
// that GPU's render node then, and does not draw by the descriptor which the X server hands out.
const dns = require('dns');
const net = require('net');
const path = require('path');
const { spawn } = require('child_process');
const { CHECKS } = require('./node_checks');
const { Report } = require('./report');
const { serve, URL } = require('./server');
const { run, start, stopAll } = require('./children');
const { watchPlayer } = require('./player');

const HOME = process.env.HOME;
const SOCKET = path.join(process.env.XDG_RUNTIME_DIR || '/nowhere', 'mpv.sock');
const OWN_SANDBOX = process.env.STACK_SANDBOX === 'own';
const PAGE = ['page', 'page.worker', 'page.fetch', 'page.indexeddb', 'page.storage',
	'page.wasm', 'page.crypto', 'page.canvas', 'page.webgl'];
const PLAYER = ['player.vo', 'player.ao', 'player.frames', 'player.codecs'];

const MPV = ['mpv', ['--no-config', '--vo=gpu', '--gpu-context=x11egl', '--ao=alsa',
	'--audio-format=s16', '--geometry=640x360+0+0', '--border=no', '--no-osc', '--keep-open=yes',
	'--really-quiet', `--input-ipc-server=${SOCKET}`, `--log-file=${HOME}/mpv.log`,
	...(process.env.STACK_LOOP ? ['--loop-file=inf'] : []), `${URL}clip.mp4`]];

const PRIME = process.env.STACK_PRIME ? { DRI_PRIME: process.env.STACK_PRIME } : {};

// As a program does that has no handler for it.
function tellAndThrow(error) {
	console.error(`Error: ${error.message}`);
	throw error;
}

// What a network is for: a name, and an address that nobody has (RFC 5737).
const OUTSIDE = {
	'outside.name': () => dns.promises.lookup('stack.example').catch(tellAndThrow),
	'outside.address': () => new Promise((resolve, reject) => {
		net.connect(443, '192.0.2.1', resolve).once('error', reject);
	}).catch(tellAndThrow),
};

async function singleInstance() {
	const out = await run('python3', [path.join(__dirname, 'single_instance.py')]);
	return String(out).trim() === 'good';
}

const VIEWS = {
	qt: {
		wanted: [...PAGE, 'page.video', ...PLAYER, 'single_instance'],
		checks: { single_instance: singleInstance },
		children: { view: ['qmlscene', [path.join(__dirname, 'view.qml')]], mpv: MPV },
		// Software rendering is on Chromium's list of what gets no WebGL.
		env: { QTWEBENGINE_CHROMIUM_FLAGS: '--ignore-gpu-blocklist' },
	},
	webkit: {
		wanted: [...PAGE, ...PLAYER],
		children: { view: ['python3', [path.join(__dirname, 'view.py'), URL]] },
	},
	chromium: {
		wanted: [...PAGE, 'page.video', ...PLAYER],
		children: {
			view: ['chromium', [...(OWN_SANDBOX ? [] : ['--no-sandbox']), `--app=${URL}`,
				`--user-data-dir=${HOME}/chromium`, '--no-first-run',
				'--ignore-gpu-blocklist',
				'--disable-background-networking', '--disable-component-update',
				'--password-store=basic', '--window-position=700,0',
				'--window-size=640,480']],
			mpv: MPV,
		},
	},
	server: { wanted: [], children: {} },
	quick: {
		wanted: ['single_instance'],
		checks: { single_instance: singleInstance },
		children: {},
	},
};

const name = process.argv[2];

function leave() {
	spawn(process.execPath, [__filename, 'server'], { detached: true, stdio: 'inherit' });
	setInterval(() => {}, 1000);
}

async function main() {
	const view = VIEWS[name];
	const report = new Report(['listen', ...Object.keys(CHECKS), ...view.wanted]);
	let server = null;
	let stopping = false;

	report.environment = Object.keys(process.env).sort();
	const stop = async (signal) => {
		if (stopping)
			return;
		stopping = true;
		report.stopped = signal;
		report.ended = await stopAll();
		if (server)
			server.close();
		report.state = 'stopped';
		report.write();
		process.exit(0);
	};
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
		process.on(signal, stop);

	await report.check('listen', async () => {
		server = await serve(report).catch(tellAndThrow);
		return true;
	});
	for (const [child, [command, args]] of Object.entries(view.children))
		start(child, command, args, child === 'mpv' ? { ...view.env, ...PRIME } : view.env, (how) => {
			if (!stopping)
				report.fail(`${child}.alive`, `ended: ${how}`);
		});
	if (view.children.mpv)
		watchPlayer(SOCKET, report);
	const outside = process.env.STACK_OUTSIDE ? OUTSIDE : {};
	for (const [check, runs] of Object.entries({ ...CHECKS, ...view.checks, ...outside }))
		await report.check(check, runs);
}

if (name === 'leave')
	leave();
else if (name in VIEWS)
	main();
else
	process.exit(64);
