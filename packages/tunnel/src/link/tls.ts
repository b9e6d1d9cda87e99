// What both ends ask of TLS.
import type { SecureContextOptions } from 'node:tls';

/**
 * TLS 1.3 with AES-128-GCM first: it is what every TLS 1.3 end has to have [RFC 8446 9.1], and OpenSSL would take the
 * 256-bit one, whose four further rounds cost a tenth of all the work there is on a bulk transfer.
 */
export const tlsOptions: Readonly<Pick<SecureContextOptions, 'minVersion' | 'ciphers'>> = {
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
};
