import assert from 'node:assert/strict';
import { test } from 'node:test';

test('the public entry point exports this and nothing else', async () => {
  const names = Object.keys(await import('@sallyport/sockets')).sort();
  assert.deepEqual(names, ['Socket', 'SocketError', 'connect', 'createConnect', 'withInvocation']);
});

test('the door for sibling packages exports this and nothing else', async () => {
  const names = Object.keys(await import('@sallyport/sockets/internal')).sort();
  assert.deepEqual(names, [
    'FrameError',
    'FrameParser',
    'NodeTransport',
    'SocketError',
    'contextOf',
    'defaults',
    'dialDirect',
    'encodeControl',
    'encodeFrame',
    'errorTable',
    'frameType',
    'fromHandshake',
    'fromTlsAlert',
    'headerLength',
    'isSocketErrorCode',
    'isTlsAlert',
    'maxControlLength',
    'maxRequestLength',
    'parseOpen',
    'parseQuestion',
    'parseTls',
    'socketAuthority',
    'startTlsOver',
    'systemClock',
    'tlsErrorCode',
    'toAuthority',
    'toFailed',
    'toTlsError',
    'writeHeader',
  ]);
});
