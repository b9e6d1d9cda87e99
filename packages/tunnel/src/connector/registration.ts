// The connector's part of registration: it answers the edge's challenge with a proof, and judges the edge's.
import type { ClientInfo } from '../edge/link-identity.ts';
import type { Message } from '../link/control-channel.ts';
import { createNonce, isProof, type ProofFacts, prove } from '../link/proof.ts';
import { protocolVersion } from '../link/protocol.ts';
import { isTunnelErrorCode, TunnelError } from '../link/tunnel-error.ts';

export interface ConnectorIdentity {
  tunnelId: string;
  secret: Uint8Array;
  connectorId: string;
  /** Which of the connector's links it is, from 0: an edge gives up the one it replaces. */
  index: number;
  client?: ClientInfo | undefined;
}

export class Registration {
  readonly #identity: ConnectorIdentity;
  #facts: ProofFacts | undefined;

  constructor(identity: ConnectorIdentity) {
    this.#identity = identity;
  }

  /** The answer to a challenge on the connection with this binding; undefined when it is none, or not the first. */
  answer(challenge: Message, binding: Uint8Array): Message | undefined {
    const { tunnelId, connectorId, secret, index, client } = this.#identity;
    const edgeNonce = challenge['nonce'];
    if (this.#facts !== undefined || typeof edgeNonce !== 'string') return undefined;
    const facts = { tunnelId, connectorId, connectorNonce: createNonce(), binding, edgeNonce };
    this.#facts = facts;
    return {
      type: 'register',
      version: protocolVersion,
      tunnel: tunnelId,
      connector: connectorId,
      index,
      nonce: facts.connectorNonce,
      proof: prove('connector', secret, facts),
      client,
    };
  }

  /** Why `accepted` is not to be believed; undefined when the edge has proved that it knows the secret. */
  doubt(accepted: Message): TunnelError | undefined {
    if (this.#facts === undefined) return new TunnelError('protocol_error', 'the edge accepted what was not asked');
    const right = isProof(accepted['proof'], prove('edge', this.#identity.secret, this.#facts));
    return right ? undefined : new TunnelError('edge_untrusted', 'it does not know the secret of this tunnel');
  }
}

/** What an edge's `refused` says. */
export function toRefusal({ code }: Message): TunnelError {
  return new TunnelError(isTunnelErrorCode(code) ? code : 'protocol_error', 'the edge refused the link');
}
