/**
 * The edge: one process that runs Workers and holds their only way out.
 *
 * @module
 */
export type { GatewayEvent, OnGatewayEvent } from './gateway/events.ts';
export { type Gateway, type GatewayOptions, startGateway } from './gateway/gateway.ts';
