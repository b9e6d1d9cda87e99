// PostgreSQL is asked through its own client, psql.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { needs, startCrashablePostgres, startPostgres, testAuthority, use } from '../src/index.ts';
import type { PostgresServer } from '../src/index.ts';

async function ask(server: PostgresServer, sql: string, options = ''): Promise<string> {
  const { stdout } = await promisify(execFile)('psql', [
    '-XAt',
    '-c',
    sql,
    `${server.url}?connect_timeout=10${options}`,
  ]);
  return stdout.trim();
}

test('PostgreSQL answers a query, and is gone after stop()', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startPostgres({ settings: { application_name: "it's" } }));
  assert.equal(await ask(server, 'select 6 * 7'), '42');
  assert.equal(await ask(server, 'show server_version_num').then((version) => Number(version) > 130_000), true);
  await server.stop();
  await assert.rejects(ask(server, 'select 1'), /refused/);
});

test('PostgreSQL that crashes is gone until it is restarted, with what was committed', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startCrashablePostgres());
  await ask(server, 'create table t (n int)');
  await ask(server, 'insert into t values (7)');
  await server.crash();
  await assert.rejects(ask(server, 'select 1'), /refused/);
  await server.restart();
  assert.equal(await ask(server, 'select n from t'), '7');
});

test('PostgreSQL refuses a wrong password', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await use(t, startPostgres());
  const wrong = { ...server, url: server.url.replace(':secret@', ':wrong@') };
  await assert.rejects(ask(wrong, 'select 1'), /password authentication failed/);
});

test('PostgreSQL requires TLS and a client certificate when told to', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { ca, issue } = await testAuthority();
  const tls = { certificate: await issue('good'), clientCa: ca };
  const server = await use(t, startPostgres({ tls, requireTls: true }));
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-client-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const client = await issue('client');
  for (const [name, content] of Object.entries({ ...client, ca })) {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
  }
  const verified = `&sslmode=verify-full&sslrootcert=${folder}/ca`;
  const question = 'select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()';
  const answer = await ask(server, question, `${verified}&sslcert=${folder}/cert&sslkey=${folder}/key`);
  assert.equal(answer, 't|/CN=client');
  await assert.rejects(ask(server, question, verified), /client certificate/);
  await assert.rejects(ask(server, question, '&sslmode=disable'), /no pg_hba.conf entry/);
});

test('a started server leaves no directory behind', async (t) => {
  if (!needs(t, 'postgres')) return;
  const server = await startPostgres();
  const data = await ask(server, 'show data_directory');
  assert.equal(existsSync(data), true);
  await server.stop();
  assert.equal(existsSync(data), false);
});
