/**
 * Keeps 1,024 connections to /metrics open: three of four ask again as soon as they are answered, one of four never reads. What is closed is opened
 * anew. Started by leader.test.ts; says `flooding` when it has been answered once, and ends with the test.
 */
import { Agent, get } from 'node:http';
import { connect } from 'node:net';

const CONNECTIONS = 1_024;
const port = Number(process.argv[2]);
const host = '127.0.0.1';
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
let answered = false;

function ask(): void {
  const again = () => setTimeout(ask, 1);
  get({ port, host, path: '/metrics', agent }, (response) => {
    response.resume();
    response.once('end', () => {
      if (!answered) process.stdout.write('flooding\n');
      answered = true;
    });
    response.once('close', again);
  }).once('error', again);
}

function hold(): void {
  const socket = connect(port, host, () => socket.write('GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n')).pause();
  socket.on('error', () => {});
  socket.once('close', () => setTimeout(hold, 1));
}

for (let index = 0; index < CONNECTIONS; index += 1) {
  if (index % 4 === 0) hold();
  else ask();
}
