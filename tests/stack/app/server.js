// SPDX-License-Identifier: Apache-2.0
'use strict';
// The streaming server's stand-in: files with ranges, and pages' reports, on 127.0.0.1:11470.
const fs = require('fs');
const http = require('http');
const path = require('path');

const PORT = 11470;
const CLIP = '/usr/share/stack/clip.mp4';
const FILES = {
	'/': [process.env.STACK_PAGE || 'page.html', 'text/html'],
	'/page.js': ['page.js', 'text/javascript'],
	'/worker.js': ['worker.js', 'text/javascript'],
};

function sendClip(request, response) {
	const size = fs.statSync(CLIP).size;
	const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range || '');
	const first = range ? Number(range[1]) : 0;
	const last = range && range[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
	const headers = { 'Content-Type': 'video/mp4', 'Accept-Ranges': 'bytes' };
	if (first > last) {
		response.writeHead(416, { 'Content-Range': `bytes */${size}` });
		return response.end();
	}
	headers['Content-Length'] = last - first + 1;
	if (range)
		headers['Content-Range'] = `bytes ${first}-${last}/${size}`;
	response.writeHead(range ? 206 : 200, headers);
	fs.createReadStream(CLIP, { start: first, end: last }).pipe(response).on('error', () => {});
}

// POST /report with {name: value}: what a page or a player found. {name: {error}} is a failure.
function takeReport(request, response, report) {
	let text = '';
	request.on('data', (data) => { text += data; });
	request.on('end', () => {
		for (const [name, value] of Object.entries(JSON.parse(text))) {
			if (value && value.error)
				report.fail(name, value.error);
			else
				report.pass(name, value);
		}
		response.writeHead(204);
		response.end();
	});
}

function serve(report) {
	const server = http.createServer((request, response) => {
		const file = FILES[request.url];
		if (request.method === 'POST' && request.url === '/report')
			return takeReport(request, response, report);
		if (request.url === '/clip.mp4')
			return sendClip(request, response);
		if (request.url === '/data.json') {
			response.writeHead(200, { 'Content-Type': 'application/json' });
			return response.end('{"answer":42}');
		}
		if (!file) {
			response.writeHead(404);
			return response.end();
		}
		response.writeHead(200, { 'Content-Type': file[1] });
		fs.createReadStream(path.join(__dirname, file[0])).pipe(response);
	});
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen(PORT, '127.0.0.1', () => resolve(server));
	});
}

module.exports = { serve, URL: `http://127.0.0.1:${PORT}/` };
