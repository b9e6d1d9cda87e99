// What an entry of `[[trust]]` names, in files or in the control store, as something that can be asked for it.
import { type Control, resolveTls } from '@sallyport/control';
import type { TrustEntry } from '../config/trust.ts';
import { type Authorities, type Identity, watchAuthorities, watchIdentity } from './pem-files.ts';
import { StoreMaterial } from './store-material.ts';
import type { MaterialEvents } from './watched-material.ts';

/** What gives the same object until it changes. */
export interface Material<Value> {
  current(): Value;
}

export interface OpenMaterial {
  authorities: Material<Authorities> | undefined;
  identity: Material<Identity> | undefined;
}

export interface MaterialOptions {
  /** The store, once it is there. */
  control: () => Control | undefined;
  events: MaterialEvents;
}

export function openMaterial({ ca, identity }: TrustEntry, options: MaterialOptions): OpenMaterial {
  return { authorities: ca && openAuthorities(ca, options), identity: identity && openIdentity(identity, options) };
}

function openAuthorities(ca: NonNullable<TrustEntry['ca']>, { control, events }: MaterialOptions) {
  if ('file' in ca) return watchAuthorities(ca.file, events);
  return new StoreMaterial({ control, id: ca.id, read: readAuthorities, events });
}

function openIdentity(identity: NonNullable<TrustEntry['identity']>, { control, events }: MaterialOptions) {
  if ('file' in identity) return watchIdentity(identity.file, identity.key, events);
  return new StoreMaterial({ control, id: identity.id, read: readIdentity, events });
}

function readAuthorities(certificates: Control['certificates'], id: string): Authorities {
  return { ca: resolveTls({ ca_certificate_id: id }, certificates).ca! };
}

/** Of a client certificate that was uploaded. @throws ControlError for an authority */
export function readIdentity(certificates: Control['certificates'], id: string): Identity {
  const { certificate, key } = resolveTls({ mtls_certificate_id: id }, certificates);
  return { cert: certificate!, key: key! };
}
