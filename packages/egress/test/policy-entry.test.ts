import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { definePolicy, EgressError, type PolicyEntry } from '../src/index.ts';

const wrong: [unknown, RegExp][] = [
  [null, /not an object/],
  ['allow public', /not an object/],
  [[], /not an object/],
  [{}, /"action"/],
  [{ action: 'permit', to: 'public' }, /"action"/],
  [{ action: 'allow' }, /"to"/],
  [{ action: 'allow', to: '' }, /"to"/],
  [{ action: 'allow', to: 5 }, /"to"/],
  [{ action: 'allow', to: 'public', port: 80 }, /unknown key 'port'/],
  [{ action: 'allow', to: '*' }, /named sets are loopback, private/],
  [{ action: 'allow', to: 'a.*.com' }, /named sets/],
  [{ action: 'allow', to: '*.10.0.0.1' }, /plain notation|unusual|neither/],
  [{ action: 'allow', to: '127.1' }, /plain notation/],
  [{ action: 'deny', to: '１０.0.0.1' }, /plain notation|unusual spelling; write 10\.0\.0\.1/],
  [{ action: 'deny', to: '0x7f000001' }, /plain notation/],
  [{ action: 'deny', to: '10.0.0.1/8' }, /host bits/],
  [{ action: 'deny', to: 'fe80::1%eth0' }, /plain notation/],
  [{ action: 'deny', to: 'db.corp:5432' }, /plain notation/],
  [{ action: 'deny', to: 'http://x/' }, /plain notation/],
  [{ action: 'allow', to: 'public', ports: [] }, /"ports" is empty/],
  [{ action: 'allow', to: 'public', ports: 0 }, /not a port/],
  [{ action: 'allow', to: 'public', ports: 65_536 }, /not a port/],
  [{ action: 'allow', to: 'public', ports: '90-80' }, /not a port/],
  [{ action: 'allow', to: 'public', ports: [80, 'https'] }, /'https' is not a port/],
  [{ action: 'allow', to: 'public', ports: null }, /not a port/],
  [{ action: 'allow', to: 'private', resolvesTo: 'public' }, /resolvesTo/],
  [{ action: 'deny', to: 'a.com', resolvesTo: 'public' }, /resolvesTo/],
  [{ action: 'allow', to: 'a.com', resolvesTo: [] }, /resolvesTo/],
  [{ action: 'allow', to: 'a.com', resolvesTo: 'b.com' }, /plain notation/],
  [{ action: 'allow', to: 'a.com', resolvesTo: [5] }, /not an address/],
];

for (const [entry, problem] of wrong) {
  test(`definePolicy() refuses ${JSON.stringify(entry)} and names it`, () => {
    assert.throws(
      () => definePolicy([{ action: 'deny', to: 'metadata' }, entry as PolicyEntry]),
      (error: unknown) => {
        assert.ok(error instanceof EgressError);
        assert.equal(error.code, 'invalid_policy');
        assert.ok(error.message.startsWith(`Policy entry 2 (${inspect(entry)}): `), error.message);
        assert.match(error.message, problem);
        return true;
      },
    );
  });
}

test('definePolicy() takes names in any spelling', () => {
  const policy = definePolicy([
    { action: 'deny', to: 'EXÄMPLE.com.' },
    { action: 'deny', to: '*.Corp' },
  ]);
  assert.equal(policy.judgeName('xn--exmple-cua.com', 80)?.rule, 'deny xn--exmple-cua.com');
  assert.equal(policy.judgeName('db.corp', 80)?.rule, 'deny *.corp');
});
