// What a conformance case is: Worker code that looks at a socket and returns what it saw.
//
// The same `run` is executed on plain workerd (the oracle), and on our Socket in a Worker and on every Node version. What
// it returns is compared. Where we differ on purpose the case says so, with the reason and the exact observation that
// all of ours must make; anything else that differs is a failure.
import type { BehaviourKind, CertificateKind, StartTlsVariant } from '@sallyport/testkit';
import type { Context } from './guest/context.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** `oracle`: plain workerd. `worker`: our Socket on workerd through the gateway. `node`: our Socket on Node. */
export type SubjectKind = 'oracle' | 'worker' | 'node';

export interface TlsSpec {
  certificate: CertificateKind;
  /** Names in the certificate. Default: localhost, 127.0.0.1, ::1. */
  names?: readonly string[];
  alpn?: readonly string[];
  /** The server demands a certificate from the client. */
  demandsCertificate?: true;
  maxVersion?: 'TLSv1.1' | 'TLSv1.2';
}

/** One server that a case talks to; it exists for that run only, on a port of its own. */
export interface PeerSpec {
  /**
   * A behaviour of the test kit; `refuse` is a closed port, `starttls` a line protocol, `black-hole` answers no SYN,
   * `own-listener` is a listener of the edge itself.
   */
  kind: BehaviourKind | 'refuse' | 'starttls' | 'black-hole' | 'own-listener';
  /** Default `127.0.0.1`. */
  host?: string;
  tls?: TlsSpec;
  data?: string;
  bytes?: number;
  interval?: number;
  /** How a `starttls` peer answers. Default `upgrade`. */
  variant?: StartTlsVariant;
}

/** A difference from the oracle that is on purpose. */
export interface Differs {
  /** Why ours is right, or better. */
  why: string;
  /** The text obeyed: the issue, the documentation, a standard, or a section of the notes on the reference runtime. */
  clause: string;
  /** What ours must observe, exactly. */
  expected: Json;
  /** Ours elsewhere must observe what the oracle does. Default: all of ours differ. */
  only?: 'worker' | 'node';
  /** Where one kind of ours must observe something else. */
  except?: { subject: 'worker' | 'node'; why: string; expected: Json };
}

export interface Case {
  /** Says the behaviour; unique in its area. */
  name: string;
  peers?: Record<string, PeerSpec>;
  /** Where it can be run. Default: everywhere. */
  subjects?: readonly SubjectKind[];
  /** Runs while nothing else does: it watches something that belongs to the whole process. */
  alone?: true;
  /** The host presents a client certificate to this case's peers. */
  clientCertificate?: true;
  differs?: Differs;
  run(context: Context): unknown;
}

export interface Area {
  /** Kebab-case, as in the file's name. */
  id: string;
  title: string;
  cases: readonly Case[];
}
