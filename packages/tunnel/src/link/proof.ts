// Proof that an end knows the tunnel's secret, without sending it.
//
// An HMAC over both nonces, both ids and the keying material of this very TLS connection [RFC 5705]: a proof that was
// recorded, or is relayed by someone in the middle, fits no other connection. Each role signs its own label, so neither
// side's proof can be reflected as the other's.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

export type Role = 'connector' | 'edge';

export interface ProofFacts {
  /** `channelBinding()` of the connection. */
  binding: Uint8Array;
  edgeNonce: string;
  connectorNonce: string;
  tunnelId: string;
  connectorId: string;
}

export function createNonce(): string {
  return randomBytes(32).toString('base64url');
}

export function channelBinding(socket: TLSSocket): Uint8Array {
  return socket.exportKeyingMaterial(32, 'EXPORTER-sallyport-tunnel', Buffer.alloc(0));
}

export function prove(role: Role, secret: Uint8Array, facts: ProofFacts): string {
  const { binding, edgeNonce, connectorNonce, tunnelId, connectorId } = facts;
  const text = JSON.stringify(['sallyport-tunnel/1', role, edgeNonce, connectorNonce, tunnelId, connectorId]);
  return createHmac('sha256', secret).update(binding).update(text).digest('base64url');
}

/** Compares in constant time; anything that is not a proof is a wrong one. */
export function isProof(claimed: unknown, expected: string): boolean {
  if (typeof claimed !== 'string' || claimed.length !== expected.length) return false;
  const bytes = Buffer.from(claimed);
  return bytes.length === expected.length && timingSafeEqual(bytes, Buffer.from(expected));
}
