// How long certificates still hold, as Prometheus metrics.
import type { UsedCertificate } from '../tls/tls-settings.ts';
import { type Family, toFamily } from './exposition.ts';

const day = 86_400_000;

export function toTlsFamilies(certificates: readonly UsedCertificate[], now: number): Family[] {
  return [
    toFamily('sallyport_tls_certificate_days_left', 'gauge', {
      help: 'Days until a certificate that connections use ends; negative when it has',
      samples: certificates.map(({ source, kind, name, ends }) => [
        { source, kind, name },
        Math.round(((ends - now) / day) * 100) / 100,
      ]),
    }),
  ];
}
