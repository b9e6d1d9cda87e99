import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { errorsPage, toErrorsPage } from '../../../tools/generate-errors.ts';
import { errorTable } from '../src/errors.table.ts';
import { SocketError } from '../src/index.ts';
import { isSocketErrorCode, toConnectError, toTlsError } from '../src/socket-error.ts';

const codesIn = (text: string): string[] => [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code!);

test('the error page lists every code there is, and no other', async () => {
  const page = await readFile(errorsPage, 'utf8');
  assert.deepEqual(codesIn(page), Object.keys(errorTable));
  assert.equal(page, toErrorsPage(), 'run: node tools/run.mjs tools/generate-errors.ts');
});

test('every error says what happened and what to do', () => {
  for (const [code, { message, remedy }] of Object.entries(errorTable)) {
    assert.ok(isSocketErrorCode(code));
    assert.ok(message.length > 5, code);
    assert.match(remedy, /[.]$/, code);
    assert.doesNotMatch(message + remedy, /\|/, code);
  }
  for (const name of ['toString', '__proto__', 'constructor', '', 1, null])
    assert.equal(isSocketErrorCode(name), false);
});

test('an error carries code, remedy, retryable and cause', () => {
  const cause = new Error('why');
  const error = new SocketError('connection_refused', { cause });
  assert.equal(error.name, 'SocketError');
  assert.equal(error.message, 'proxy request failed, cannot connect to the specified address');
  assert.equal(error.code, 'connection_refused');
  assert.equal(error.retryable, true);
  assert.equal(error.remedy, errorTable.connection_refused.remedy);
  assert.equal(error.cause, cause);
  assert.equal('cause' in new SocketError('closed'), false);
  assert.ok(error instanceof Error && error instanceof SocketError);
  assert.equal(cause instanceof SocketError, false);
});

test('a failure to reach an HTTP port hints at fetch, one that has its own text does not', () => {
  assert.match(toConnectError('connection_refused', 443, undefined).message, /consider using fetch instead$/);
  assert.doesNotMatch(toConnectError('connection_refused', 5432, undefined).message, /fetch/);
  assert.equal(toConnectError('tcp_loop', 80, undefined).message, 'TCP Loop detected');
});

test('a failed handshake says the reason in words, not as a line of a stack', () => {
  const cause = Object.assign(new Error('80CC:error:0A00010B:SSL routines'), { reason: 'wrong version number' });
  const { message } = toTlsError('tls_not_tls', 'startTls', cause);
  assert.equal(message, 'TLS Handshake Failed. the server did not answer with TLS (wrong version number)');
});
