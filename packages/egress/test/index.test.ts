import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as egress from '../src/index.ts';

test('the package exports exactly this', () => {
  assert.deepEqual(Object.keys(egress).sort(), [
    'EgressError',
    'createEgress',
    'createSystemResolve',
    'defaultConnectTimeout',
    'definePolicy',
    'devPolicy',
    'dialTcp',
    'directRoutes',
    'egressErrorCodes',
    'maxAddresses',
    'maxHostnameLength',
    'maxPendingLookups',
    'parseDestination',
    'parseIp',
    'resolveTimeout',
    'systemClock',
    'toCanonicalHost',
    'toFailure',
    'workerPolicy',
  ]);
});
