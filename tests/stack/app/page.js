// SPDX-License-Identifier: Apache-2.0
'use strict';
// What a web interface needs of its engine; each outcome is posted to the server.

const log = document.getElementById('log');

function post(name, value) {
	log.textContent += `${name}: ${value.error || value}\n`;
	return fetch('/report', { method: 'POST', body: JSON.stringify({ [name]: value }) });
}

function limited(promise, ms) {
	return Promise.race([promise, new Promise((resolve, reject) => {
		setTimeout(() => reject(new Error(`nothing after ${ms} ms`)), ms);
	})]);
}

async function check(name, run) {
	try {
		await post(name, await limited(run(), 60000));
	} catch (error) {
		await post(name, { error: String(error && error.message || error) });
	}
}

function worker() {
	return new Promise((resolve, reject) => {
		const w = new Worker('/worker.js');
		w.onmessage = (message) => resolve(message.data === 42);
		w.onerror = reject;
		w.postMessage(21);
	});
}

async function fetched() {
	const answer = await (await fetch('/data.json')).json();
	return answer.answer === 42;
}

function request(r) {
	return new Promise((resolve, reject) => {
		r.onsuccess = () => resolve(r.result);
		r.onerror = () => reject(r.error);
	});
}

async function indexeddb() {
	const open = indexedDB.open('stack', 1);
	open.onupgradeneeded = () => open.result.createObjectStore('kept');
	const db = await request(open);
	await request(db.transaction('kept', 'readwrite').objectStore('kept').put('value', 'key'));
	return await request(db.transaction('kept').objectStore('kept').get('key')) === 'value';
}

async function storage() {
	localStorage.setItem('key', 'value');
	return localStorage.getItem('key') === 'value';
}

// (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
async function wasm() {
	const code = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127,
		3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]);
	const { instance } = await WebAssembly.instantiate(code);
	return instance.exports.add(40, 2) === 42;
}

async function hashed() {
	const sum = await crypto.subtle.digest('SHA-256', new Uint8Array(3));
	return sum.byteLength === 32;
}

// Moves for as long as the page lives: two screenshots must differ.
async function canvas() {
	const g = document.getElementById('flat').getContext('2d');
	let turn = 0;
	const draw = () => {
		for (let x = 0; x < 300; x += 10) {
			g.fillStyle = `hsl(${(x + turn) % 360}, 80%, 50%)`;
			g.fillRect(x, 0, 10, 170);
		}
		turn += 7;
		requestAnimationFrame(draw);
	};
	draw();
	return g.getImageData(5, 5, 1, 1).data[3] === 255;
}

// A green rectangle, read back from the frame buffer.
async function webgl() {
	const gl = document.getElementById('solid').getContext('webgl',
		{ preserveDrawingBuffer: true });
	if (!gl)
		throw new Error('no context');
	gl.clearColor(0, 1, 0, 1);
	gl.clear(gl.COLOR_BUFFER_BIT);
	const pixel = new Uint8Array(4);
	gl.readPixels(5, 5, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
	if (pixel[0] !== 0 || pixel[1] !== 255)
		throw new Error(`read ${pixel}`);
	const named = gl.getExtension('WEBGL_debug_renderer_info');
	return named ? gl.getParameter(named.UNMASKED_RENDERER_WEBGL) : 'unnamed';
}

// Has the picture moved on?
async function video() {
	const v = document.getElementById('video');
	await v.play();
	while (v.currentTime < 0.3)
		await new Promise((resolve) => setTimeout(resolve, 50));
	return `${v.videoWidth}x${v.videoHeight}`;
}

async function main() {
	await post('page', navigator.userAgent);
	await Promise.all([check('page.worker', worker), check('page.fetch', fetched),
		check('page.indexeddb', indexeddb), check('page.storage', storage),
		check('page.wasm', wasm), check('page.crypto', hashed),
		check('page.canvas', canvas), check('page.webgl', webgl), check('page.video', video)]);
}

main();
