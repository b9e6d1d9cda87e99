import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as egress from '../src/index.ts';

test('the package exports exactly this', () => {
  assert.deepEqual(Object.keys(egress).sort(), [
    'EgressError',
    'compareExactness',
    'createEgress',
    'createSystemResolve',
    'defaultConnectTimeout',
    'definePolicy',
    'devPolicy',
    'dialTcp',
    'directRoutes',
    'egressErrorCodes',
    'isLoopbackHost',
    'maxAddresses',
    'maxHostnameLength',
    'maxPendingLookups',
    'parseDestination',
    'parseIp',
    'parsePattern',
    'resolveTimeout',
    'systemClock',
    'toCanonicalHost',
    'toFailure',
    'workerPolicy',
  ]);
});
