// The databases of an edge, following the configurations of its control store.
import { ControlError } from '@sallyport/control';
import type { Control } from '@sallyport/control';
import type { Cleanup } from '../cleanup.ts';
import { toConfiguredDatabase } from './configured-database.ts';
import { type HyperdriveOptions, HyperdriveService } from './hyperdrive-service.ts';

export interface FollowOptions extends Omit<HyperdriveOptions, 'find'> {
  /** The store, once it is there; without one there are no configurations. */
  control: () => Control | undefined;
  /** A configuration that is there and cannot be used: a secret or a certificate that is lost. */
  failed: (error: Error) => void;
}

/** A service whose configurations are those of the store. What it takes to end it is added to `cleanup`. */
export function startHyperdrive({ control, failed, ...options }: FollowOptions, cleanup: Cleanup): HyperdriveService {
  const service = new HyperdriveService({
    ...options,
    find(id) {
      try {
        const config = control()?.hyperdrive.resolve(id);
        return config && toConfiguredDatabase(config);
      } catch (error) {
        if (!(error instanceof ControlError)) throw error;
        failed(error);
        return undefined;
      }
    },
    idOf: (name) => control()?.hyperdrive.find(name)?.id,
  });
  cleanup.add(() => service.close());
  return service;
}

/** Tells the service of each change, until `cleanup` runs. */
export function followConfigurations(service: HyperdriveService, control: Control, cleanup: Cleanup): void {
  const stop = control.onChange((change) => {
    if (change.type === 'hyperdrive-changed' || change.type === 'hyperdrive-deleted') service.refresh(change.id);
    if (change.type === 'certificate-changed') {
      for (const { id, mtls } of control.hyperdrive.list()) {
        if (mtls.ca_certificate_id === change.id || mtls.mtls_certificate_id === change.id) service.refresh(id);
      }
    }
    if (change.type !== 'service-changed') return;
    for (const { id, origin } of control.hyperdrive.list()) if (origin.service_id === change.id) service.refresh(id);
  });
  cleanup.add(async () => stop());
}
