// The certificate store: what is read from a PEM text, what is refused, and that what is in use stays.
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { test } from 'node:test';
import { code, createBench } from '../support/bench.ts';
import { authority, issue } from '../support/certificates.ts';

test('an uploaded certificate says who issued it, its serial number and when it ends; its key stays inside', async (t) => {
  const { control } = await createBench(t, { date: () => new Date() });
  const { cert, key } = await issue('client');
  const x509 = new X509Certificate(cert);
  const certificates = `Subject: someone\n${cert}`;
  const uploaded = await control.certificates.upload({ name: 'mine', ca: false, certificates, private_key: key });
  assert.deepEqual(
    { ...uploaded, id: '', uploaded_on: '' },
    {
      id: '',
      name: 'mine',
      ca: false,
      certificates: cert,
      issuer: 'CN=Sallyport test authority',
      serial_number: BigInt(`0x${x509.serialNumber}`).toString(),
      signature: 'ECDSA-SHA256',
      expires_on: new Date(x509.validTo).toISOString(),
      uploaded_on: '',
    },
  );
  assert.ok(!JSON.stringify(control.certificates.list()).includes('PRIVATE'));
  assert.equal(control.certificates.keyOf(uploaded.id), key);
});

test('a bundle of many authorities is one certificate', async (t) => {
  const { control } = await createBench(t);
  const uploaded = await control.certificates.upload({ ca: true, certificates: rootCertificates.join('\n') });
  assert.equal(uploaded.certificates.match(/BEGIN/g)!.length, rootCertificates.length);
  assert.equal(control.certificates.keyOf(uploaded.id), undefined);
});

test('what is no certificate, or no key to it, is refused with the reason and without the key', async (t) => {
  const { control } = await createBench(t);
  const { cert, key } = await issue('client');
  const { ca } = await authority();
  const other = await issue('client');
  const expired = await issue('expired');
  const encrypted = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  }).privateKey;
  const damaged = cert.replace(/\n.{8}/, '\nAAAAAAAA');
  const bad: [Parameters<typeof control.certificates.upload>[0], string][] = [
    [{ ca: true, certificates: '' }, 'no PEM'],
    [{ ca: true, certificates: 'hello' }, 'BEGIN CERTIFICATE'],
    [{ ca: true, certificates: `${ca}${damaged}` }, 'certificate 2 of 2'],
    [{ ca: true, certificates: `${cert}${key}` }, 'private key'],
    [{ ca: true, certificates: ca, private_key: key }, 'leave it out'],
    [{ ca: true, certificates: `${ca}${' '.repeat(300_000)}` }, '300000'],
    [{ ca: false, certificates: cert }, 'missing'],
    [{ ca: false, certificates: cert, private_key: 'x' }, 'not a private key'],
    [{ ca: false, certificates: cert, private_key: other.key }, 'does not belong'],
    [{ ca: false, certificates: cert, private_key: encrypted }, 'encrypted'],
    [{ ca: false, certificates: expired.cert, private_key: expired.key }, 'has expired on 2'],
  ];
  for (const [certificate, text] of bad) {
    await assert.rejects(control.certificates.upload(certificate), (error: Error) => {
      assert.ok(code('invalid_value', text)(error), `${text}: ${error.message}`);
      assert.ok(!error.message.includes(key.split('\n')[1]!));
      return true;
    });
  }
  assert.deepEqual(control.certificates.list(), []);
});

test('a configuration names certificates that exist and are of the right kind, and they stay while it does', async (t) => {
  const { control } = await createBench(t);
  const { hyperdrive, certificates } = control;
  const { cert, key } = await issue('client');
  const { ca } = await authority();
  const trusted = await certificates.upload({ name: 'root', ca: true, certificates: ca });
  const own = await certificates.upload({ ca: false, certificates: cert, private_key: key });
  const origin = { host: 'db.example', database: 'sales', user: 'app', password: 'x' };
  const create = (mtls: object): Promise<unknown> => hyperdrive.create({ name: 'a', origin, mtls });
  await assert.rejects(create({ ca_certificate_id: own.id }), code('invalid_value', 'is a client certificate'));
  await assert.rejects(create({ mtls_certificate_id: trusted.id }), code('invalid_value', 'is an authority'));
  await assert.rejects(create({ ca_certificate_id: 'none' }), code('not_found', 'certificate none'));
  await create({ ca_certificate_id: trusted.id.toUpperCase(), mtls_certificate_id: own.id, sslmode: 'verify-full' });
  const { id } = hyperdrive.find('a')!;
  assert.deepEqual(hyperdrive.resolve(id)!.tls, { ca, certificate: cert, key });
  await assert.rejects(certificates.delete(trusted.id), code('in_use', 'used by a'));
  await hyperdrive.update(id, { mtls: { ca_certificate_id: null } });
  assert.deepEqual(hyperdrive.get(id)!.mtls, { mtls_certificate_id: own.id, sslmode: 'verify-full' });
  assert.equal((await certificates.delete(trusted.id)).name, 'root');
  await assert.rejects(certificates.delete(trusted.id), code('not_found'));
  assert.deepEqual(certificates.list({ ca: true }), []);
  await hyperdrive.delete(id);
  await certificates.delete(own.id);
});
