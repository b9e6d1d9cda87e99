// A binding to a client certificate: `fetch()` to wherever the Worker's policy lets it, showing that certificate to servers
// that ask for one. Its authorities are those of the destination [Workers: mTLS].
import { type Control, ControlError } from '@sallyport/control';
import type { Egress } from '@sallyport/egress';
import { EdgeError, type EdgeErrorCode } from '../errors.ts';
import { Refusal } from '../gateway/egress-dial.ts';
import { toHttpFailure } from '../gateway/http-errors.ts';
import type { Way } from '../vpc/outlet.ts';
import { createRecordLayer, entryWays, type FindTls, type HostTls } from './host-tls.ts';
import { StoreMaterial } from './store-material.ts';
import { readIdentity } from './trust-material.ts';

export interface CertificateWayOptions {
  binding: string;
  control: () => Control | undefined;
  worker: { egress: Egress; findTrust: FindTls };
}

/** The way of a binding, and what keeps it from working now. */
export function openCertificate(
  id: string,
  { binding, control, worker }: CertificateWayOptions,
): { find: () => Way; trouble: EdgeErrorCode | undefined } {
  const { egress, findTrust } = worker;
  const events = { changed: () => {}, kept: () => {} };
  const material = new StoreMaterial({
    control,
    id,
    events,
    read(certificates) {
      const { cert, key } = readIdentity(certificates, id);
      const ways = { ...entryWays, certificate: `replace it with \`sallyport cert replace ${id}\`` };
      return createRecordLayer({ cert, key }, { source: `the certificate of env.${binding}`, ways });
    },
  });
  const layerNow = (): ((base: HostTls) => HostTls) => {
    try {
      return material.current();
    } catch (error) {
      if (!(error instanceof ControlError || error instanceof EdgeError)) throw error;
      throw new Refusal('tls_failed', error.message, error.remedy);
    }
  };
  const way: Way = {
    egress,
    findTrust: (destination) => layerNow()(findTrust(destination)),
    toFailure: toHttpFailure,
    explain: undefined,
    toTarget() {
      const remedy = 'Use its fetch(); a [[trust]] entry shows a client certificate to connect().';
      throw new Refusal('mtls_fetch_only', `env.${binding} is a client certificate, for fetch() alone`, remedy);
    },
  };
  return { find: () => way, trouble: troubleOf(material) };
}

function troubleOf(material: { current(): unknown }): EdgeErrorCode | undefined {
  try {
    material.current();
    return undefined;
  } catch (error) {
    if (error instanceof EdgeError) return error.code;
    if (error instanceof ControlError) return 'certificate_unusable';
    throw error;
  }
}
