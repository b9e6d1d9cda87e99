/**
 * Where a connection may go, and which way.
 *
 * `destination → canonical form → policy → resolve → policy again on each address → route → dial the pinned address`
 *
 * ```ts
 * const egress = createEgress({ policy: workerPolicy });
 * const decision = await egress.decide({ hostname: 'localhost', port: 5432 }); // verdict: 'deny', rule: 'deny loopback'
 * const { stream, remoteAddress } = await egress.open({ hostname: 'gopher.floodgap.com', port: 70 });
 * ```
 *
 * Everything a Worker sends leaves through one `Egress`, so policy, decisions and errors exist once. README.md has the
 * semantics of policies and the limits; `errors.ts` the codes.
 */
export { createEgress, defaultConnectTimeout, resolveTimeout } from './egress.ts';
export type { Egress, EgressConnection, EgressOptions, OpenOptions } from './egress.ts';
export { parseDestination, maxHostnameLength, toCanonicalHost } from './destination.ts';
export type { CanonicalHost, Destination, EgressTarget } from './destination.ts';
export { definePolicy, devPolicy, workerPolicy } from './policy.ts';
export type { Policy, Ruling } from './policy.ts';
export type { PolicyEntry, PortSpec } from './policy-entry.ts';
export { compareExactness, parsePattern } from './pattern.ts';
export type { DestinationPattern } from './pattern.ts';
export type { NamedSet } from './named-sets.table.ts';
export type { Decision } from './decision.ts';
export { EgressError, egressErrorCodes, toFailure } from './errors.ts';
export type { EgressErrorCode, Facts, Failure } from './errors.ts';
export { createSystemResolve, maxAddresses, maxPendingLookups } from './resolver.ts';
export type { Address, Resolve } from './resolver.ts';
export { directRoutes } from './routes.ts';
export type { DirectRoute, Route, Routes, TunnelRoute } from './routes.ts';
export { dialTcp } from './dial.ts';
export type { LendingSocket, LentOutcome, TakeLent } from './lending-socket.ts';
export type { Dial, Dialled, DialTarget, DialTunnel } from './dial.ts';
export { systemClock } from './clock.ts';
export type { Clock } from './clock.ts';
export type { OwnListener } from './own-listeners.ts';
export { isLoopbackHost } from './loopback-host.ts';
export { parseIp } from './ip.ts';
export type { Ip } from './ip.ts';
