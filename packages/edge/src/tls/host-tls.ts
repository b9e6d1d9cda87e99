// The TLS settings of one destination, and what can be said about them: to a log, to `explain`, and to whoever meets an
// error that they are part of.
import type { SocketErrorCode, TlsTrust } from '@sallyport/sockets/internal';
import { errorTable } from '@sallyport/sockets/internal';
import { describeCertificates, firstToEnd } from './certificate-text.ts';

export interface TlsAbout {
  /** Who decided: `[[trust]] *.internal`, `VPC service api`, `no [[trust]] entry`. A Worker may read it. */
  source: string;
  /** Where that is written, `sallyport.toml:12`; for operators only. */
  place: string | undefined;
  /** What is trusted: `the system's authorities`, `CN=Acme Root`. */
  authorities: string;
  /** The client certificate that is shown when the server asks: `CN=edge`. */
  certificate: string | undefined;
  /** When the client certificate ends, in milliseconds since 1970. */
  certificateEnds: number | undefined;
  /** How to change both, in the words of who decided. */
  ways: { authority: string; certificate: string };
}

export interface HostTls extends TlsTrust {
  about: TlsAbout;
}

/** The settings for a destination. Asked for each connection; the same object for as long as they are the same. */
export type FindTls = (destination: { hostname: string; port: number }) => HostTls;

export const systemAuthorities = "the system's authorities";

export const entryWays = {
  authority: 'name the authority with ca in a [[trust]] entry for this host',
  certificate: 'name one with cert and key in a [[trust]] entry for this host',
} as const;

/** Node's own settings, where nobody has others. */
export const bareAbout: TlsAbout = {
  source: 'no [[trust]] entry',
  place: undefined,
  authorities: systemAuthorities,
  certificate: undefined,
  certificateEnds: undefined,
  ways: entryWays,
};

export const bareTls: HostTls = toHostTls({}, bareAbout);

/** What a service, a database or a binding says itself. */
export interface TlsRecord {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  verify?: TlsTrust['verify'];
}

/** The settings of a destination with what a record says itself, which goes first; the same object for the same one. */
export function createRecordLayer(
  { ca, cert, key, verify }: TlsRecord,
  { source, ways }: Pick<TlsAbout, 'source' | 'ways'>,
): (base: HostTls) => HostTls {
  const made = new WeakMap<HostTls, HostTls>();
  const layer = (base: HostTls): HostTls => {
    const { about } = base;
    // Whoever had a say in what is left.
    const sources = [
      ...(ca === undefined && cert === undefined ? [] : [source]),
      ...(ca === undefined || cert === undefined ? [about.source] : []),
    ];
    return toHostTls(
      {
        ...base,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined || key === undefined ? {} : { cert, key }),
        ...(verify === undefined ? {} : { verify }),
      },
      {
        source: sources.join(', then '),
        place: about.place,
        authorities: ca === undefined ? about.authorities : describeCertificates(ca),
        certificate: cert === undefined ? about.certificate : describeCertificates(cert),
        certificateEnds: cert === undefined ? about.certificateEnds : firstToEnd(cert).ends,
        ways,
      },
    );
  };
  return (base) => {
    const known = made.get(base) ?? layer(base);
    made.set(base, known);
    return known;
  };
}

export function toHostTls(trust: TlsTrust, about: TlsAbout): HostTls {
  return { ...trust, about, explain: (code) => toRemedy(code, about) };
}

/** What to do about a handshake that failed with these settings. */
export function toRemedy(code: SocketErrorCode, about: TlsAbout, general: string = errorTable[code].remedy): string {
  const { ways } = about;
  return `${adviceFor(code, about) ?? general} ${toUsed(about)}`
    .replace('{authority}', ways.authority)
    .replace('{certificate}', ways.certificate);
}

/** Which settings a connection was made with, as one sentence. */
export function toUsed({ source, authorities, certificate }: TlsAbout): string {
  const shown = certificate === undefined ? 'no client certificate' : `client certificate ${certificate}`;
  return `Used: ${authorities}, ${shown} (${source}).`;
}

function adviceFor(code: SocketErrorCode, { certificate, certificateEnds }: TlsAbout): string | undefined {
  switch (code) {
    case 'tls_unknown_authority':
      return "If the server's authority is a private one, {authority}; if not, the server may leave out an intermediate certificate.";
    case 'tls_self_signed':
      return 'To trust exactly this certificate, {authority}: a self-signed certificate is its own authority.';
    case 'tls_name_mismatch':
      return 'Ask for a name in the certificate: in the URL of fetch(), in the address of connect(), or there as expectedServerHostname.';
    case 'tls_expired':
      return "Renew the server's certificate, or the authority's if that is what has ended; check this machine's clock.";
    case 'tls_client_certificate': {
      if (certificate === undefined) return 'The server demands a client certificate, and none is set: {certificate}.';
      const ended = certificateEnds !== undefined && certificateEnds < Date.now();
      if (ended) return `Our client certificate has expired on ${toDay(certificateEnds)}: renew it.`;
      return 'The server refused our client certificate: check which authorities it accepts, and for which names.';
    }
    case 'tls_version':
    case 'tls_closed':
      if (certificate !== undefined) {
        return `${errorTable[code].remedy} Some servers end it so when they do not accept the client certificate.`;
      }
      return `${errorTable[code].remedy} Some servers end it so when they want a client certificate; if so, {certificate}.`;
    default:
      return undefined;
  }
}

export function toDay(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}
