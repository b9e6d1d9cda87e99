// Every documented ProxyError code comes from something, and only what cannot happen to a service is an internal error.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorTable, SocketError, type SocketErrorCode } from '@sallyport/sockets/internal';
import { Refusal } from '../../src/gateway/egress-dial.ts';
import { toProxyErrorCode, toResult } from '../../src/vpc/proxy-error.ts';
import { proxyErrors } from '../../src/vpc/proxy-errors.table.ts';

const socketErrorCodes = Object.keys(errorTable) as SocketErrorCode[];

const withCode = (code: string): Error => Object.assign(new Error(code), { code });

test('each code of the table is produced, and what is produced is in the table', () => {
  const produced = new Set([
    ...socketErrorCodes.map((code) => toProxyErrorCode(new SocketError(code))),
    ...['vpc_service_unknown', 'vpc_scheme', 'vpc_type'].map((code) => toProxyErrorCode(new Refusal(code, '', ''))),
    ...['ECONNRESET', 'HPE_INVALID_CONSTANT', 'ERR_SSL_WRONG_VERSION_NUMBER'].map((code) =>
      toProxyErrorCode(withCode(code)),
    ),
    toProxyErrorCode(withCode('ECONNRESET'), 'websocket'),
    toProxyErrorCode(new Error('it ended without an answer')),
  ]);
  assert.deepEqual([...produced].toSorted(), Object.keys(proxyErrors).toSorted());
});

test('what a connection can meet has a code that says so', () => {
  const internal = socketErrorCodes.filter(
    (code) => toProxyErrorCode(new SocketError(code)) === 'proxy_internal_error',
  );
  // States of a socket in a Worker, which no request of an edge has.
  assert.deepEqual(internal, ['gateway_lost', 'closed', 'linger_timeout', 'slot_timeout']);
  assert.equal(toProxyErrorCode(new SocketError('connection_timeout')), 'connection_timeout');
  assert.equal(toProxyErrorCode(new SocketError('host_unreachable')), 'destination_ip_unroutable');
  assert.equal(toProxyErrorCode(new SocketError('dns_timeout')), 'dns_timeout');
  assert.equal(toProxyErrorCode(new SocketError('out_of_resources')), 'connection_limit_reached');
  assert.equal(toProxyErrorCode(new SocketError('connection_lost')), 'connection_terminated');
});

test('the code of an event is counted as the Worker was told it', () => {
  assert.equal(toResult('host_unreachable'), 'destination_ip_unroutable');
  assert.equal(toResult('http_upgrade_failed'), 'http_upgrade_failed');
  assert.equal(toResult('vpc_scheme'), 'http_request_denied');
});
