// SPDX-License-Identifier: Apache-2.0
'use strict';
// Child processes: short ones whose output counts, long ones that are ended in order.
const { spawn } = require('child_process');

const running = new Map();

// Runs to the end. Resolves to stdout as a Buffer; rejects on a status but 0, with stderr.
function run(command, args, limit = 20000) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: limit });
		const out = [];
		const err = [];
		child.stdout.on('data', (data) => out.push(data));
		child.stderr.on('data', (data) => err.push(data));
		child.on('error', reject);
		child.on('close', (code, signal) => {
			if (code === 0)
				return resolve(Buffer.concat(out));
			const text = Buffer.concat(err).toString().trim().split('\n').pop();
			reject(new Error(`${command}: ${signal || code}: ${text}`));
		});
	});
}

// Starts one that stays; what it says goes to our stderr. onEnd is called with its end.
function start(name, command, args, env, onEnd) {
	const child = spawn(command, args,
		{ stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
	const entry = { child };
	entry.ended = new Promise((resolve) => {
		child.on('error', (error) => resolve(String(error)));
		child.on('exit', (code, signal) => resolve(signal || code));
	});
	running.set(name, entry);
	entry.ended.then((how) => {
		entry.how = how;
		onEnd(how);
	});
	return child;
}

// TERM to each, and how each ended: { name: status or signal }.
async function stopAll() {
	const ends = {};
	for (const entry of running.values())
		if (entry.how === undefined)
			entry.child.kill('SIGTERM');
	for (const [name, entry] of running)
		ends[name] = await entry.ended;
	return ends;
}

module.exports = { run, start, stopAll };
