// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a service in Node does: loops that are compiled while they run, WebAssembly, threads, children, a
// heap of some hundred MiB, files, and its own port. Says "ready" and ends when its standard input does.
// node workload.js DIRECTORY
'use strict';
const assert = require('assert');
const child = require('child_process');
const fs = require('fs');
const http = require('http');
const path = require('path');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

const directory = isMainThread ? process.argv[2] : workerData;

function sum(count) {
	let total = 0;
	for (let i = 0; i < count; i++) total = (total + i * 7) % 1000003;
	return total;
}

// sum(n) = n + ... + 1
const MODULE = new Uint8Array([
	0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f,
	0x03, 0x02, 0x01, 0x00, 0x07, 0x07, 0x01, 0x03, 0x73, 0x75, 0x6d, 0x00, 0x00, 0x0a, 0x1b, 0x01,
	0x19, 0x01, 0x01, 0x7f, 0x03, 0x40, 0x20, 0x01, 0x20, 0x00, 0x6a, 0x21, 0x01, 0x20, 0x00, 0x41,
	0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b, 0x20, 0x01, 0x0b]);

function runWebAssembly() {
	const instance = new WebAssembly.Instance(new WebAssembly.Module(MODULE));
	const memory = new WebAssembly.Memory({ initial: 16, maximum: 4096 });

	for (let i = 0; i < 2000; i++) assert.strictEqual(instance.exports.sum(1000), 500500);
	memory.grow(512);
}

// Functions that did not exist before, and regular expressions, which are compiled, too.
function runMadeCode() {
	for (let i = 0; i < 200; i++) {
		const made = new Function('n', `let t = 0; for (let j = 0; j < n; j++) t += j ^ ${i}; return t;`);
		assert(made(20000) >= 0);
		assert(new RegExp(`(a|b${i})+c`).test(`aab${i}c`));
	}
}

function runChildren() {
	const script = 'let t = 0; for (let i = 0; i < 1e6; i++) t += i; process.stdout.write(String(t))';

	for (let i = 0; i < 5; i++) child.execFileSync('/bin/true');
	assert.strictEqual(child.execSync('echo $((6 * 7))').toString(), '42\n');
	assert.strictEqual(child.execFileSync(process.execPath, ['-e', script]).toString(), '499999500000');
}

function fillHeap() {
	const heap = [];

	for (let i = 0; i < 300; i++) {
		heap.push(new Array(64 * 1024).fill(i));
		heap.push(Buffer.alloc(512 * 1024, i));
	}
	return heap;
}

function writeFiles() {
	const file = path.join(directory, `node-${process.pid}`);

	fs.writeFileSync(file, Buffer.alloc(8 << 20, 1));
	assert.strictEqual(fs.readFileSync(file).length, 8 << 20);
	fs.chmodSync(file, 0o755);
	fs.unlinkSync(file);
}

function runThreads() {
	return Promise.all([1, 2, 3, 4].map(() => new Promise((resolve, reject) => {
		const worker = new Worker(__filename, { workerData: directory });

		worker.on('message', resolve);
		worker.on('error', reject);
	})));
}

function askItself() {
	return new Promise((resolve, reject) => {
		const server = http.createServer((request, response) => response.end(String(sum(1000))));

		server.listen(0, '127.0.0.1', () => {
			http.get({ host: '127.0.0.1', port: server.address().port, agent: false }, response => {
				response.on('data', () => {}).on('end', () => server.close(resolve));
			}).on('error', reject);
		}).on('error', reject);
	});
}

async function main() {
	const heap = fillHeap();

	sum(3e7);
	runWebAssembly();
	runMadeCode();
	runChildren();
	writeFiles();
	await runThreads();
	await askItself();
	console.log('ready');
	process.stdin.on('data', () => {}).on('end', () => process.exit(heap.length === 600 ? 0 : 1));
}

if (isMainThread) {
	main().catch(error => { console.error(error); process.exit(1); });
} else {
	runWebAssembly();
	parentPort.postMessage(sum(5e6));
}
