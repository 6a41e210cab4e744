// SPDX-License-Identifier: Apache-2.0
'use strict';
// What worked, in $HOME/report.json, replaced as a whole whenever it changes, so that a reader
// outside never sees half of it.
const fs = require('fs');
const path = require('path');

class Report {
	constructor(wanted) {
		this.file = path.join(process.env.HOME, 'report.json');
		this.wanted = wanted;
		this.got = {};
		this.failed = {};
		this.state = 'running';
		this.write();
	}

	// value: true or what a person would like to read; false and undefined are no success.
	pass(name, value = true) {
		if (value === false || value === undefined || value === null || value === '')
			return this.fail(name, `empty: ${value}`);
		this.got[name] = value;
		delete this.failed[name];
		this.write();
	}

	fail(name, why) {
		if (name in this.got)
			return;
		this.failed[name] = String(why && why.message || why).slice(0, 500);
		this.write();
	}

	// Runs one check and files its outcome.
	async check(name, run) {
		try {
			this.pass(name, await run());
		} catch (error) {
			this.fail(name, error);
		}
	}

	miss() {
		return this.wanted.filter((name) => !(name in this.got));
	}

	write() {
		const miss = this.miss();
		if (this.state === 'running' && miss.length === 0)
			this.state = 'ready';
		const text = JSON.stringify({
			state: this.state, stopped: this.stopped, ended: this.ended, miss,
			failed: this.failed, got: this.got, pid: process.pid,
			environment: this.environment,
		}, null, '\t');
		fs.writeFileSync(`${this.file}.new`, `${text}\n`);
		fs.renameSync(`${this.file}.new`, this.file);
	}
}

module.exports = { Report };
