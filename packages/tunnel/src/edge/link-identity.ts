// What a link is known by, what it runs on, and what it is asked for.
import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '@sallyport/egress';
import type { ControlChannel } from '../link/control-channel.ts';
import type { StreamKind } from '../link/protocol.ts';

export interface LinkTarget {
  readonly hostname: string;
  readonly port: number;
  /** `http`: HTTP/1.1 for the public host name `hostname`. Default `tcp`. */
  readonly kind?: StreamKind;
  /** DNS servers the connector asks for the name, instead of its own. */
  readonly resolvers?: readonly string[] | undefined;
}

export interface EdgeLinkOptions {
  clock?: Clock | undefined;
  pingInterval?: number | undefined;
  pingDeadline?: number | undefined;
  openTimeout?: number | undefined;
  registrationTimeout?: number | undefined;
}

export interface LinkIdentity {
  readonly tunnelId: string;
  readonly connectorId: string;
  /** Which of its connector's links it is, from 0. */
  readonly index: number;
  readonly client: ClientInfo;
  /** Where the connector dialled from. */
  readonly remoteAddress: string;
}

/** What a connector says about itself. */
export interface ClientInfo {
  readonly version: string;
  readonly arch: string;
}

/** The connection a link runs on. */
export interface LinkConnection {
  readonly session: ClientHttp2Session;
  readonly control: ControlChannel;
  readonly socket: Socket;
}
