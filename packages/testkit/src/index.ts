// What tests are made with: certificates, misbehaving peers, real servers, a fault proxy. Never part of a product.
export { createAuthority, testAuthority } from './certificates.ts';
export type { Certificate, CertificateAuthority, CertificateKind, CertificateOptions } from './certificates.ts';

export { startPeer, startRefusing, startStartTlsPeer } from './peers/start.ts';
export type { PeerOptions, RefusedPort } from './peers/start.ts';
export type { Peer, PeerEvent, PeerEventName, PeerEvents } from './peers/peer.ts';
export type { BehaviourKind } from './peers/behaviours.ts';
export { injectedLine } from './peers/starttls.ts';
export type { StartTlsVariant } from './peers/starttls.ts';
export type { PeerTls } from './peers/tls.ts';
export { sourceBytes, sourceHash } from './peers/bytes.ts';

export { leftOpenBy, use } from './resources.ts';
export type { TestScope } from './resources.ts';
