// The files named by `originRequest.caPool`, read when a configuration is put to use, so that a wrong name is told then.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { TunnelConfig } from '../ingress/config.ts';
import { TunnelError } from '../link/tunnel-error.ts';

/** File names to PEM texts. @throws TunnelError `bad_ca_pool` */
export function readPools({ ingress }: TunnelConfig): Map<string, string> {
  const files = new Set(ingress.map(({ originRequest }) => originRequest.caPool).filter((file) => file !== ''));
  return new Map([...files].map((file) => [file, readPool(file)]));
}

function readPool(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    void new X509Certificate(text);
    return text;
  } catch (cause) {
    throw new TunnelError('bad_ca_pool', `${file}: ${(cause as Error).message}`, { cause });
  }
}
