// VPC services: what may be in one, and who is told of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControlChange, ServiceSettings } from '../../src/index.ts';
import { code, createBench } from '../support/bench.ts';
import { authority as testAuthority, issue } from '../support/certificates.ts';

test('a service is kept in canonical form and found by id and by name', async (t) => {
  const { control } = await createBench(t, { date: () => new Date('2026-01-02T03:04:05Z') });
  const { id: tunnel_id } = await control.tunnels.create({ name: 'office' });
  const service = await control.services.create({
    name: 'api',
    type: 'http',
    https_port: 8443,
    host: {
      hostname: 'API.Internal.',
      resolver_network: { tunnel_id: tunnel_id.toUpperCase(), resolver_ips: ['10.0.0.2', 'FD00::2'] },
    },
  });
  assert.deepEqual(service, {
    service_id: service.service_id,
    name: 'api',
    type: 'http',
    https_port: 8443,
    host: { hostname: 'api.internal', resolver_network: { tunnel_id, resolver_ips: ['10.0.0.2', 'fd00::2'] } },
    created_at: '2026-01-02T03:04:05.000Z',
    updated_at: '2026-01-02T03:04:05.000Z',
  });
  assert.deepEqual(control.services.find('api'), service);
  assert.deepEqual(control.services.resolve(service.service_id), { ...service, tls: {} });
  assert.equal(control.services.resolve(tunnel_id), undefined);
  await assert.rejects(control.services.create({ ...service, name: 'api' }), code('already_exists', 'api'));
  const replaced = await control.services.replace(service.service_id, {
    name: 'db',
    type: 'tcp',
    tcp_port: 5432,
    app_protocol: 'postgresql',
    host: { ipv4: '10.0.0.7', ipv6: 'fd00:0::7' },
  });
  assert.deepEqual(
    [replaced.name, replaced.https_port, replaced.host],
    ['db', undefined, { ipv4: '10.0.0.7', ipv6: 'fd00::7' }],
  );
  assert.equal(control.services.find('api'), undefined);
  await control.services.delete(service.service_id);
  await assert.rejects(control.services.delete(service.service_id), code('not_found', service.service_id));
  assert.deepEqual(control.services.list(), []);
});

test('what makes no sense is refused, and says why', async (t) => {
  const { control } = await createBench(t);
  const { id: tunnel_id } = await control.tunnels.create({ name: 'gone' });
  await control.tunnels.delete(tunnel_id);
  const host = { ipv4: '10.0.0.7' };
  const wrong: readonly [ServiceSettings, string][] = [
    [{ type: 'udp', host }, 'udp'],
    [{ type: 'http' }, 'either'],
    [{ type: 'http', host: { ...host, hostname: 'a.b' } }, 'either'],
    [{ type: 'http', host, tcp_port: 1 }, 'tcp_port'],
    [{ type: 'http', host, http_port: 0 }, 'from 1 to 65535'],
    [{ type: 'tcp', host }, 'needs a tcp_port'],
    [{ type: 'tcp', host, tcp_port: 1, https_port: 1 }, 'https_port'],
    [{ type: 'tcp', host, tcp_port: 1, app_protocol: 'redis' }, 'redis'],
    [{ type: 'http', host: { ipv4: '127.1' } }, 'not an IP address'],
    [{ type: 'http', host: { ipv4: 'fd00::1' } }, 'fd00::1'],
    [{ type: 'http', host: { ipv6: '10.0.0.1' } }, '10.0.0.1'],
    [{ type: 'http', host: { hostname: '10.0.0.1' } }, 'ipv4'],
    [{ type: 'http', host: { hostname: 'http://a/' } }, 'hostname'],
    [{ type: 'http', host: { hostname: 'a', network: { tunnel_id } } }, 'resolver_network'],
    [{ type: 'http', host: { ...host, resolver_network: { tunnel_id } } }, 'network'],
    [{ type: 'http', host: { ...host, network: { tunnel_id: 'office' } } }, 'not the ID of a tunnel'],
    [{ type: 'http', host: { hostname: 'a', resolver_network: { tunnel_id, resolver_ips: ['a'] } } }, 'resolver_ips'],
    [{ type: 'http', host, tls_settings: { cert_verification_mode: 'none' } }, 'verify_full'],
  ];
  for (const [settings, says] of wrong) {
    await assert.rejects(control.services.create({ name: 'x', ...settings }), code('invalid_value', says));
  }
  const lost = { type: 'http', host: { ...host, network: { tunnel_id } } };
  await assert.rejects(control.services.create({ name: 'x', ...lost }), code('not_found', tunnel_id));
  assert.deepEqual(control.services.list(), []);
});

test('its certificates are resolved, cannot be deleted while it is there, and cannot stand for one another', async (t) => {
  const { control } = await createBench(t);
  const { ca } = await testAuthority();
  const { cert, key } = await issue('client');
  const { certificates, services } = control;
  const authority = await certificates.upload({ ca: true, certificates: ca });
  const own = await certificates.upload({ ca: false, certificates: cert, private_key: key });
  const base = { name: 'api', type: 'http', host: { ipv4: '10.0.0.7' } };
  const swapped = { ca_certificate_id: own.id };
  await assert.rejects(
    services.create({ ...base, tls_settings: swapped }),
    code('invalid_value', 'authority is wanted'),
  );
  const tls_settings = { ca_certificate_id: authority.id, mtls_certificate_id: own.id };
  const { service_id } = await services.create({ ...base, tls_settings });
  const { tls } = services.resolve(service_id)!;
  assert.deepEqual(tls, { ca, certificate: cert, key });
  await assert.rejects(certificates.delete(own.id), code('in_use', 'api'));
});

test('its connector is told of its host, which leads no Worker there by itself', async (t) => {
  const { control } = await createBench(t);
  const { id: tunnel_id } = await control.tunnels.create({ name: 'office' });
  const changes: ControlChange[] = [];
  control.onChange((change) => changes.push(change));
  const { service_id: id } = await control.services.create({
    name: 'api',
    type: 'http',
    host: { hostname: 'api.internal', resolver_network: { tunnel_id } },
  });
  await control.services.create({ name: 'two', type: 'http', host: { ipv4: '10.0.0.7', network: { tunnel_id } } });
  assert.deepEqual(control.table.announced(tunnel_id), { cidrs: ['10.0.0.7/32'], hostnames: ['api.internal'] });
  assert.equal(control.table.forName(undefined, 'api.internal'), undefined);
  assert.equal(control.table.forAddress(undefined, '10.0.0.7'), undefined);
  assert.deepEqual(
    changes.filter((change) => 'id' in change && change.id === id),
    [{ type: 'service-changed', id }],
  );
  await control.services.delete(id);
  assert.deepEqual(control.table.announced(tunnel_id), { cidrs: ['10.0.0.7/32'], hostnames: [] });
  assert.deepEqual(changes.slice(-2), [
    { type: 'routes-changed', tunnelIds: new Set([tunnel_id]) },
    { type: 'service-deleted', id },
  ]);
});
