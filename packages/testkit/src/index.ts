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

export { installCommand, isInstalled, leftOut, needs, serverNames } from './servers/available.ts';
export type { ServerName } from './servers/available.ts';
export type { RunningServer, ServerTls } from './servers/server.ts';
export { startCrashablePostgres, startPostgres } from './servers/postgres.ts';
export type { CrashablePostgres, PostgresOptions, PostgresServer } from './servers/postgres.ts';
export { startMariadb } from './servers/mariadb.ts';
export type { MariadbOptions, MariadbServer } from './servers/mariadb.ts';
export { startRedis } from './servers/redis.ts';
export type { RedisOptions, RedisServer } from './servers/redis.ts';
export { startOpenssh } from './servers/openssh.ts';
export type { OpensshOptions, OpensshServer } from './servers/openssh.ts';
export { startMosquitto } from './servers/mosquitto.ts';
export type { MosquittoOptions } from './servers/mosquitto.ts';

export { startGophernicus } from './servers/gophernicus.ts';
export { startNats } from './servers/nats.ts';
export type { NatsOptions, NatsServer } from './servers/nats.ts';
export { startNgircd } from './servers/ngircd.ts';
export type { NgircdOptions, NgircdServer } from './servers/ngircd.ts';
export { startOpenldap } from './servers/openldap.ts';
export type { OpenldapOptions, OpenldapServer } from './servers/openldap.ts';
export { startSmtp } from './servers/smtp.ts';
export type { SmtpOptions, SmtpReceipt, SmtpServer } from './servers/smtp.ts';
export { startVsftpd } from './servers/vsftpd.ts';
export type { VsftpdOptions, VsftpdServer } from './servers/vsftpd.ts';

export { nodeBinary } from './node-versions.ts';

export { startFaultProxy } from './fault-proxy.ts';
export type { Direction, FaultProxy, ProxyTarget } from './fault-proxy.ts';
export type { Faults } from './fault-pipe.ts';
export { startDnsServer } from './dns-server.ts';
export type { DnsAnswer, DnsQuestion, DnsServer, DnsType } from './dns-server.ts';
