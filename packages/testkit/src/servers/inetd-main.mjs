// inetd-main.mjs OPTIONS
//
// The process behind inetd.ts: listens on a free port of loopback, says which one, and starts a program for each
// connection, with it as the program's standard input and output. Plain JavaScript: it needs no flags on any Node.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** Connections served at once; more are closed at once. */
const maxPrograms = 100;

/** @type {{ command: string, arguments: string[], user?: { uid: number, gid: number } }} */
const options = JSON.parse(process.argv[2] ?? '');
let programs = 0;

const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
  if (programs < maxPrograms) {
    const program = spawn(options.command, options.arguments, { stdio: [socket, socket, 'inherit'], ...options.user });
    programs += 1;
    program.once('error', (error) => console.error(error.message));
    program.once('close', () => (programs -= 1));
  }
  // The program's copy alone decides when the connection ends.
  socket.destroy();
});
listener.listen(0, '127.0.0.1', () => console.log(`inetd listens on ${listener.address().port}`));
