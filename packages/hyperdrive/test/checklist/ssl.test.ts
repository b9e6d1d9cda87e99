// PgBouncer's test_ssl, towards the database.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority, needs, startPostgres, testAuthority, use } from '@sallyport/testkit';
import type { PostgresServer } from '@sallyport/testkit';
import { createOriginTls } from '../../src/index.ts';
import type { Origin, OriginTlsOptions } from '../../src/index.ts';
import { dialTcp } from '../dial.ts';
import { startSetup } from '../pooler-setup.ts';

const question = 'select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()';

/** An origin over TLS as a configuration has it. */
function tlsTo(server: PostgresServer, tls: Partial<OriginTlsOptions> & { ca: string }): Origin {
  const { port, user, password, database } = server;
  return {
    user,
    password,
    database,
    dial: ({ signal }) => dialTcp(port, signal),
    startTls: createOriginTls({ sslmode: 'verify-full', host: '127.0.0.1', ...tls }),
  };
}

test('server_ssl: TLS to a database that requires it, and not without', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { ca, issue } = await testAuthority();
  const server = await use(t, startPostgres({ tls: { certificate: await issue('good') }, requireTls: true }));
  const secure = await startSetup(t, { origin: tlsTo(server, { ca }) });
  assert.deepEqual((await (await secure.client()).query(question)).rows, [{ ssl: true, client_dn: null }]);
  const { user, password, database, port } = server;
  const plain = await startSetup(t, {
    origin: { user, password, database, dial: ({ signal }) => dialTcp(port, signal) },
  });
  await assert.rejects(plain.client(), { code: '28000', message: /no pg_hba.conf entry/ });
});

test('server_ssl_verify: an unknown authority and a wrong name are refused', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { ca, issue } = await testAuthority();
  const server = await use(t, startPostgres({ tls: { certificate: await issue('good') } }));
  const stranger = await createAuthority('Somebody else');
  for (const tls of [{ ca: stranger.ca }, { ca, host: 'other.example' }]) {
    const { client } = await startSetup(t, { origin: tlsTo(server, tls) });
    await assert.rejects(client(), { code: '58000', message: /certificate/ });
  }
});

test('server_ssl_auth: the database gets a client certificate, and refuses to do without', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { ca, issue } = await testAuthority();
  const tls = { certificate: await issue('good'), clientCa: ca };
  const server = await use(t, startPostgres({ tls, requireTls: true }));
  const { cert, key } = await issue('client');
  const known = await startSetup(t, { origin: tlsTo(server, { ca, certificate: cert, key }) });
  assert.deepEqual((await (await known.client()).query(question)).rows, [{ ssl: true, client_dn: '/CN=client' }]);
  const unknown = await startSetup(t, { origin: tlsTo(server, { ca }) });
  await assert.rejects(unknown.client(), { code: '28000', message: /valid client certificate/ });
});

test('servers_disconnect_when_enabling_ssl: with new TLS, old connections end and new ones are secure', async (t) => {
  if (!needs(t, 'postgres')) return;
  const { ca, issue } = await testAuthority();
  const server = await use(t, startPostgres({ tls: { certificate: await issue('good') } }));
  const { user, password, database, port } = server;
  const { client, pooler } = await startSetup(t, {
    origin: { user, password, database, dial: ({ signal }) => dialTcp(port, signal) },
  });
  const one = await client();
  assert.deepEqual((await one.query(question)).rows, [{ ssl: false, client_dn: null }]);
  pooler.renew(tlsTo(server, { ca }));
  assert.deepEqual((await one.query(question)).rows, [{ ssl: true, client_dn: null }]);
});
