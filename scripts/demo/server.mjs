// Runs in the demo's archive-server pod: one file, about eight seconds for it.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const body = readFileSync('/demo/archive.tgz');
const pieces = 32;

createServer(async (request, response) => {
  if (request.url !== '/archive.tgz') return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': 'application/gzip', 'content-length': body.length });
  const size = Math.ceil(body.length / pieces);
  for (let at = 0; at < body.length; at += size) {
    response.write(body.subarray(at, at + size));
    await sleep(250);
  }
  response.end();
}).listen(8080);
