// Where databases may be: wherever an operator has one, and nowhere that no database is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEgress } from '@sallyport/egress';
import { databasePolicy } from '../../src/hyperdrive/origin.ts';

const own = { address: '127.0.0.1', port: 7845 };
const egress = createEgress({ policy: databasePolicy, ownListeners: () => [own] });
const codeOf = async (hostname: string, port = 5432): Promise<string> => (await egress.decide({ hostname, port })).code;

test('a pool reaches this machine, private and public addresses', async () => {
  for (const host of [
    '127.0.0.1',
    'localhost',
    '::1',
    '10.0.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '[fd00::1]',
    '8.8.8.8',
  ]) {
    assert.equal(await codeOf(host), 'allowed', host);
  }
});

test('a pool reaches no link-local, metadata, multicast or reserved address, however it is written, and not the edge', async () => {
  const refused = ['169.254.1.1', '169.254.169.254', '2852039166', '[::ffff:169.254.169.254]', '100.100.100.200'];
  for (const host of [...refused, 'metadata.google.internal', '[fe80::1]', '224.0.0.1', '240.0.0.1']) {
    assert.equal(await codeOf(host), 'destination_denied', host);
  }
  assert.equal(await codeOf('127.0.0.1', own.port), 'tcp_loop');
  assert.equal(await codeOf('localhost', own.port), 'tcp_loop');
  assert.equal(await codeOf('10.0.0.1', 25), 'port_25');
});
