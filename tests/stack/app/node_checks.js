// SPDX-License-Identifier: Apache-2.0
'use strict';
// What the streaming server does with Node.js itself, and with ffmpeg.
const assert = require('assert');
const crypto = require('crypto');
const dgram = require('dgram');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const zlib = require('zlib');
const { Worker } = require('worker_threads');
const { run } = require('./children');
const { URL } = require('./server');

// os.networkInterfaces() throws where netlink sockets are refused.
function interfaces() {
	const lo = Object.values(os.networkInterfaces()).flat();
	assert(lo.some((i) => i.address === '127.0.0.1'), 'no 127.0.0.1');
	return Object.keys(os.networkInterfaces()).join();
}

function worker() {
	return new Promise((resolve, reject) => {
		const code = 'require("worker_threads").parentPort.postMessage(6 * 7)';
		const w = new Worker(code, { eval: true });
		w.once('message', (value) => resolve(value === 42));
		w.once('error', reject);
	});
}

function watch() {
	return new Promise((resolve, reject) => {
		const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'watch-'));
		const watcher = fs.watch(dir, (type) => {
			watcher.close();
			fs.rmSync(dir, { recursive: true });
			resolve(type);
		});
		watcher.once('error', reject);
		fs.writeFileSync(path.join(dir, 'file'), 'text');
	});
}

// The cache: directories, times, links, renames, copies, flushes.
function files() {
	const dir = fs.mkdtempSync(path.join(process.env.HOME, 'cache-'));
	const at = (name) => path.join(dir, name);
	fs.mkdirSync(at('a/b'), { recursive: true });
	const fd = fs.openSync(at('a/b/1'), 'w+');
	fs.writeSync(fd, crypto.randomBytes(65536), 0, 65536, 4096);
	fs.ftruncateSync(fd, 32768);
	fs.fdatasyncSync(fd);
	fs.fsyncSync(fd);
	fs.closeSync(fd);
	fs.copyFileSync(at('a/b/1'), at('2'));
	fs.renameSync(at('2'), at('a/3'));
	fs.linkSync(at('a/3'), at('4'));
	fs.symlinkSync('4', at('5'));
	fs.chmodSync(at('4'), 0o600);
	fs.utimesSync(at('4'), 1, 1);
	fs.accessSync(at('5'), fs.constants.R_OK);
	assert.strictEqual(fs.statSync(at('5')).size, 32768);
	assert.strictEqual(fs.realpathSync(at('5')), fs.realpathSync(at('4')));
	fs.statfsSync ? fs.statfsSync(dir) : fs.readdirSync(dir);
	fs.rmSync(dir, { recursive: true });
	return !fs.existsSync(dir);
}

// Peers: UDP both ways, and a TCP connection over IPv6's loopback where there is one.
function udp() {
	return new Promise((resolve, reject) => {
		const one = dgram.createSocket({ type: 'udp4', reuseAddr: true });
		one.once('error', reject);
		one.once('message', (text) => {
			one.close();
			resolve(String(text) === 'hello');
		});
		one.bind(0, '127.0.0.1', () => {
			one.setBroadcast(true);
			one.send('hello', one.address().port, '127.0.0.1');
		});
	});
}

// A local socket in the runtime directory, as for a second instance.
function local() {
	return new Promise((resolve, reject) => {
		const name = path.join(process.env.XDG_RUNTIME_DIR, 'stack.sock');
		const server = net.createServer((peer) => peer.end('hello'));
		server.once('error', reject);
		server.listen(`${name}.new`, () => {
			fs.renameSync(`${name}.new`, name);
			const peer = net.connect(name);
			peer.once('error', reject);
			peer.once('data', (data) => {
				server.close();
				fs.unlinkSync(name);
				resolve(String(data) === 'hello');
			});
		});
	});
}

function compute() {
	const data = crypto.randomBytes(1 << 20);
	return new Promise((resolve, reject) => {
		zlib.gzip(data, (error, packed) => {
			if (error)
				return reject(error);
			resolve(zlib.gunzipSync(packed).equals(data) &&
				crypto.pbkdf2Sync('a', 'b', 1000, 16, 'sha256').length === 16);
		});
	});
}

// What the real server runs when it starts.
async function shell() {
	const text = String(await run('/bin/sh', ['-c', 'df -P / && uname -m && id -u']));
	return text.trim().split('\n').pop() === String(process.getuid());
}

async function probe() {
	const out = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name',
		'-of', 'csv=p=0', `${URL}clip.mp4`]);
	return String(out).trim().split('\n').join();
}

// Two seconds of the clip for a device that knows MPEG-TS only; what came out is probed.
async function transcode() {
	const file = path.join(os.tmpdir(), 'transcoded.ts');
	await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', '-i', `${URL}clip.mp4`, '-t', '2',
		'-vf', 'scale=320:180', '-c:v', 'libx264', '-preset', 'ultrafast', '-threads', '2',
		'-c:a', 'aac', '-ac', '1', '-f', 'mpegts', file], 60000);
	const out = await run('ffprobe', ['-v', 'error', '-count_frames', '-select_streams', 'v',
		'-show_entries', 'stream=codec_name,width,nb_read_frames', '-of', 'csv=p=0', file]);
	fs.unlinkSync(file);
	const [codec, width, frames] = String(out).trim().split('\n')[0].split(',');
	assert(codec === 'h264' && width === '320' && Number(frames) >= 55, String(out));
	return `${frames} frames`;
}

const CHECKS = { interfaces, worker, watch, files, udp, local, compute, shell, probe, transcode };

module.exports = { CHECKS };
