// Every server is asked something in its own protocol over a plain socket, which is how Workers will reach it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { needs, startMariadb, startMosquitto, startOpenssh, startRedis, testAuthority, use } from '../src/index.ts';
import type { RunningServer, ServerTls } from '../src/index.ts';

const run = promisify(execFile);
/** MQTT 3.1.1 CONNECT with an empty client id, and the CONNACK that accepts it. */
const mqttConnect = Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0]);
const mqttAccepted = Buffer.from([0x20, 2, 0, 0]);

function dial(t: TestContext, server: RunningServer): Socket {
  const socket = connect(server.port, server.host);
  t.after(() => void socket.destroy());
  return socket;
}

/** Waits until the server said at least this much, and returns it. */
async function read(socket: Socket, bytes: number): Promise<Buffer> {
  let data = Buffer.alloc(0);
  while (data.length < bytes) data = Buffer.concat([data, (await once(socket, 'data'))[0] as Buffer]);
  return data;
}

async function mutualTls(): Promise<{ tls: ServerTls; client: { ca: string; cert: string; key: string } }> {
  const { ca, issue } = await testAuthority();
  return {
    tls: { certificate: await issue('good'), clientCa: ca },
    client: { ca, ...(await issue('client')) },
  };
}

test('Redis answers PING, and is gone after stop()', async (t) => {
  if (!needs(t, 'redis')) return;
  const server = await use(t, startRedis());
  const socket = dial(t, server);
  socket.write(`AUTH ${server.password}\r\nPING\r\nQUIT\r\n`);
  assert.equal(await text(socket), '+OK\r\n+PONG\r\n+OK\r\n');
  await server.stop();
  await assert.rejects(once(dial(t, server), 'connect'), { code: 'ECONNREFUSED' });
});

test('Redis over TLS wants a client certificate when told to', async (t) => {
  if (!needs(t, 'redis')) return;
  const { tls, client } = await mutualTls();
  const server = await use(t, startRedis({ password: '', tls }));
  const socket = connectTls({ host: server.host, port: server.port, ...client });
  socket.write('PING\r\nQUIT\r\n');
  assert.equal(await text(socket), '+PONG\r\n+OK\r\n');
  const stranger = connectTls({ host: server.host, port: server.port, ca: client.ca });
  stranger.resume();
  await once(stranger, 'error');
});

test('MariaDB greets a client with its version', async (t) => {
  if (!needs(t, 'mariadb')) return;
  const server = await use(t, startMariadb());
  const greeting = await read(dial(t, server), 20);
  assert.equal(greeting[4], 10, 'the protocol version');
  assert.match(greeting.toString('latin1'), /MariaDB/);
});

test('MariaDB lets its user in, over TLS when told to', async (t) => {
  if (!needs(t, 'mariadb')) return;
  const { issue } = await testAuthority();
  const server = await use(t, startMariadb({ tls: { certificate: await issue('good') }, requireTls: true }));
  const client = ['--no-defaults', '-h', server.host, '-P', String(server.port), '-u', server.user, '-N', '-B'];
  const question = ['--password=secret', server.database, '-e', "show status like 'Ssl_version'"];
  const { stdout } = await run('mariadb', [...client, '--ssl', ...question]);
  assert.match(stdout, /TLSv1\.[23]/);
  await assert.rejects(
    run('mariadb', [...client, '--skip-ssl', ...question]),
    /Access denied|require_secure_transport/,
  );
});

test('OpenSSH shows its banner and runs a command for the key it was made with', async (t) => {
  if (!needs(t, 'openssh')) return;
  const server = await use(t, startOpenssh());
  assert.match((await read(dial(t, server), 8)).toString(), /^SSH-2\.0-OpenSSH/);
  const careless = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null'];
  const login = ['-F', 'none', '-i', server.privateKeyFile, '-p', String(server.port), '-l', server.user];
  const options = careless.flatMap((option) => ['-o', option]);
  const { stdout } = await run('ssh', [...login, ...options, server.host, 'echo in']);
  assert.equal(stdout, 'in\n');
  assert.match(server.hostKey, /^ssh-ed25519 AAAA\S+$/);
});

test('Mosquitto accepts an MQTT client', async (t) => {
  if (!needs(t, 'mosquitto')) return;
  const server = await use(t, startMosquitto());
  const socket = dial(t, server);
  socket.write(mqttConnect);
  assert.deepEqual(await read(socket, 4), mqttAccepted);
});

test('Mosquitto over TLS accepts a client with a certificate', async (t) => {
  if (!needs(t, 'mosquitto')) return;
  const { tls, client } = await mutualTls();
  const server = await use(t, startMosquitto({ tls }));
  const socket = connectTls({ host: server.host, port: server.port, ...client });
  t.after(() => void socket.destroy());
  socket.write(mqttConnect);
  assert.deepEqual(await read(socket, 4), mqttAccepted);
});
