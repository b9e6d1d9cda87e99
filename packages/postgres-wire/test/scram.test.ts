// SCRAM-SHA-256: the vector of the RFC, both of our sides against each other, and every way to cheat.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createScramClient, createScramServer, toScramVerifier } from '../src/index.ts';
import type { ScramClient, ScramClientOptions } from '../src/index.ts';
import { isWireError } from './arbitraries.ts';

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const mechanisms = ['SCRAM-SHA-256'];
const bound = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'];

test('The server side gives the answers of RFC 7677', async () => {
  const verifier = await toScramVerifier('pencil', { salt });
  const server = createScramServer({ verifier, nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' });
  assert.equal(
    server.first({ mechanism: 'SCRAM-SHA-256', data: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO' }),
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  );
  assert.equal(
    server.final(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    ),
    'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  );
});

interface Exchange {
  password?: string;
  known?: string;
  options?: Partial<ScramClientOptions>;
  serverEndPoint?: Buffer;
}

/** A whole exchange between our two sides. */
async function exchange({
  password = 'pencil',
  known = password,
  options = {},
  serverEndPoint,
}: Exchange): Promise<string> {
  const verifier = await toScramVerifier(known, { salt, iterations: 2 });
  const server = createScramServer({ verifier, nonce: 'server', serverEndPoint });
  const scram = createScramClient({ password, nonce: 'client', mechanisms: server.mechanisms, ...options });
  const serverFirst = server.first({ mechanism: scram.mechanism, data: scram.first() });
  scram.verify(server.final(await scram.final(serverFirst)));
  return scram.mechanism;
}

test('Any password is proved to who knows it, and no other', async () => {
  const password = fc.string({ unit: 'binary', maxLength: 30 }).filter((value) => value !== '');
  await fc.assert(
    fc.asyncProperty(password, password, async (one, other) => {
      assert.equal(await exchange({ password: one }), 'SCRAM-SHA-256');
      if (one.normalize('NFKC') !== other.normalize('NFKC') && /^[ -~]*$/.test(one + other)) {
        await assert.rejects(exchange({ password: one, known: other }), { code: 'authentication_failed' });
      }
    }),
  );
});

test('Passwords are prepared: what looks the same is the same', async () => {
  await exchange({ password: 'a\u00a0b', known: 'a b' });
  await exchange({ password: 'I\u00adX', known: 'IX' });
  await exchange({ password: '\u2168', known: 'IX' });
  // A control character cannot be prepared, and is taken as it is.
  await exchange({ password: '\u0007\u00a0', known: '\u0007\u00a0' });
  await assert.rejects(exchange({ password: '\u0007\u00a0', known: '\u0007 ' }));
});

test('Channel binding is used when both sides have it, and finds out who ends TLS in between', async () => {
  const end = Buffer.alloc(32, 1);
  assert.equal(await exchange({ serverEndPoint: end, options: { serverEndPoint: end } }), 'SCRAM-SHA-256-PLUS');
  await assert.rejects(exchange({ serverEndPoint: end, options: { serverEndPoint: Buffer.alloc(32, 2) } }), {
    message: /channel/,
  });
  // Somebody in between takes PLUS out of the offer: the client says that it could have, and the server knows.
  await assert.rejects(exchange({ serverEndPoint: end, options: { serverEndPoint: end, mechanisms } }), {
    message: /took channel binding out/,
  });
  assert.equal(await exchange({ options: { serverEndPoint: end } }), 'SCRAM-SHA-256');
  await assert.rejects(exchange({ options: { serverEndPoint: end, channelBinding: 'require' } }), {
    code: 'unsupported_authentication',
  });
  const without = { serverEndPoint: end, channelBinding: 'disable' as const };
  assert.equal(await exchange({ serverEndPoint: end, options: without }), 'SCRAM-SHA-256');
});

function client(): ScramClient {
  return createScramClient({ password: 'pencil', nonce: 'client', mechanisms });
}

test('A client refuses what a server must not say', async () => {
  const s = salt.toString('base64');
  for (const message of [
    '',
    `r=client,s=${s},i=2`,
    `r=other,s=${s},i=2`,
    `r=clientserver,s=,i=2`,
    `r=clientserver,s=!,i=2`,
    `r=clientserver,s=${s},i=0`,
    `r=clientserver,s=${s},i=-1`,
    `r=clientserver,s=${s},i=2e9`,
    // Hours of our processor.
    `r=clientserver,s=${s},i=2147483647`,
    `m=extension,r=clientserver,s=${s},i=2`,
    `r=clientserver,s=${s},i=2,${'x'.repeat(10_000)}`,
  ]) {
    await assert.rejects(client().final(message), { code: 'authentication_failed' }, message.slice(0, 60));
  }
  const scram = client();
  assert.throws(() => scram.verify('v='), { code: 'authentication_failed' });
  await scram.final(`r=clientserver,s=${s},i=2`);
  assert.throws(() => scram.verify('v=AAAA'), { message: /not the server/ });
  assert.throws(() => scram.verify('e=invalid-proof'), { message: /invalid-proof/ });
  assert.throws(() => createScramClient({ password: 'x', nonce: 'n', mechanisms: ['OAUTHBEARER'] }), {
    code: 'unsupported_authentication',
  });
});

test('Whatever a client says, the server answers or refuses', async () => {
  const verifier = await toScramVerifier('pencil', { salt, iterations: 1 });
  const piece = fc.constantFrom(
    'n,,',
    'y,,',
    'p=tls-server-end-point,,',
    'n=',
    ',',
    'r=abc',
    'c=biws',
    'p=',
    'AAAA',
    'a=b',
    '=',
    'm=',
  );
  const message = fc.oneof(
    fc.string(),
    fc.array(piece).map((pieces) => pieces.join('')),
  );
  fc.assert(
    fc.property(message, message, fc.constantFrom(...bound), (one, two, mechanism) => {
      const server = createScramServer({ verifier, nonce: 'server', serverEndPoint: Buffer.alloc(32) });
      let accepted = false;
      try {
        server.first({ mechanism, data: one });
        server.final(two);
        accepted = true;
      } catch (error) {
        assert.ok(isWireError(error), String(error));
      }
      assert.ok(!accepted);
    }),
    { numRuns: 2_000 },
  );
});

test('A client that answers twice is refused', async () => {
  const verifier = await toScramVerifier('pencil', { salt, iterations: 1 });
  const server = createScramServer({ verifier, nonce: 'server' });
  const scram = createScramClient({ password: 'wrong', nonce: 'client', mechanisms });
  const first = { mechanism: scram.mechanism, data: scram.first() };
  const proof = await scram.final(server.first(first));
  assert.throws(() => server.first(first), { code: 'authentication_failed' });
  assert.throws(() => server.final(proof), { message: 'password authentication failed' });
  assert.throws(() => server.final(proof), { message: /came first/ });
});
