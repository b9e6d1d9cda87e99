// Bindings to private services and networks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, loadGood, plain, summarize } from './folder.ts';

const id = '11111111-2222-4333-8444-555555555555';

test('services and networks are bound by id', async (t) => {
  const { vpcServices, vpcNetworks } = await loadGood(t, {
    'wrangler.json': {
      ...plain,
      vpc_services: [{ binding: 'API', service_id: id, remote: true, errors: 'throw' }],
      vpc_networks: [
        { binding: 'OFFICE', tunnel_id: id },
        { binding: 'MESH', network_id: 'cf1:network' },
      ],
    },
  });
  assert.deepEqual(vpcServices, [{ binding: 'API', serviceId: id, throws: true }]);
  assert.deepEqual(vpcNetworks, [
    { binding: 'OFFICE', network: { tunnelId: id }, throws: false },
    { binding: 'MESH', network: { networkId: 'cf1:network' }, throws: false },
  ]);
});

test('environments do not take them over', async (t) => {
  const { project } = await load(
    t,
    {
      'wrangler.json': { ...plain, vpc_services: [{ binding: 'API', service_id: id }], env: { staging: {} } },
    },
    { env: 'staging' },
  );
  assert.deepEqual(project?.vpcServices, []);
});

test('a network that is neither or both, a missing id and a name that is taken are errors at their place', async (t) => {
  const { project, diagnostics } = await load(t, {
    'wrangler.json': {
      ...plain,
      vars: { API: 'x' },
      vpc_services: [{ binding: 'API', service_id: id }, { binding: 'B' }, 7],
      vpc_networks: [
        { binding: 'N' },
        { binding: 'M', tunnel_id: id, network_id: id },
        { tunnel_id: id, tunnel: 1, errors: 'catch' },
        { binding: 'W', tunnel_id: 1 },
        { binding: 'C', tunnel_id: id, errors: 'catch' },
      ],
    },
  });
  assert.equal(project, undefined);
  const codes = summarize(diagnostics).join('\n');
  for (const code of ['duplicate_binding', 'missing_key', 'wrong_type', 'invalid_value', 'unknown_key']) {
    assert.match(codes, new RegExp(code));
  }
  assert.deepEqual(
    diagnostics.filter(({ code }) => code === 'network_unclear').map(({ message }) => message),
    [
      'vpc_networks[0] says neither "tunnel_id" nor "network_id"',
      'vpc_networks[1] says both "tunnel_id" and "network_id"',
    ],
  );
});

test('client certificates are bound by id; a missing id and a name that is taken are errors', async (t) => {
  const { mtlsCertificates } = await loadGood(t, {
    'wrangler.json': { ...plain, mtls_certificates: [{ binding: 'CERT', certificate_id: id, remote: true }] },
  });
  assert.deepEqual(mtlsCertificates, [{ binding: 'CERT', certificateId: id }]);
  const { diagnostics } = await load(t, {
    'wrangler.json': {
      ...plain,
      vars: { TAKEN: 'x' },
      mtls_certificates: [{ binding: 'A' }, { binding: 'TAKEN', certificate_id: id }],
    },
  });
  assert.deepEqual(
    diagnostics.map(({ code, severity }) => [code, severity]),
    [
      ['missing_key', 'error'],
      ['duplicate_binding', 'error'],
    ],
  );
});
