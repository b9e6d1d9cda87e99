// A certificate of the control store that is named by its id: whoever asks gets what is uploaded now.
import { type Control, ControlError } from '@sallyport/control';
import { EdgeError } from '../errors.ts';
import type { MaterialEvents } from './watched-material.ts';

export interface StoreMaterialOptions<Value> {
  /** The store, once it is there. */
  control: () => Control | undefined;
  id: string;
  read: (certificates: Control['certificates'], id: string) => Value;
  events: MaterialEvents;
}

export class StoreMaterial<Value> {
  readonly #options: StoreMaterialOptions<Value>;
  #value: Value | undefined;
  #seen: string | undefined;

  constructor(options: StoreMaterialOptions<Value>) {
    this.#options = options;
  }

  /** The same object until the certificate is replaced. @throws EdgeError `certificate_unknown`, ControlError */
  current(): Value {
    const { control, id, read, events } = this.#options;
    const certificates = control()?.certificates;
    const found = certificates?.get(id);
    const seen = found === undefined ? 'none' : `${found.uploaded_on} ${found.certificates}`;
    if (this.#value !== undefined && seen === this.#seen) return this.#value;
    const first = this.#value === undefined;
    this.#seen = seen;
    try {
      if (certificates === undefined || found === undefined) throw new EdgeError('certificate_unknown', id);
      this.#value = read(certificates, id);
      if (!first) events.changed([`certificate ${id}`]);
      return this.#value;
    } catch (error) {
      if (!(error instanceof ControlError || error instanceof EdgeError) || this.#value === undefined) throw error;
      events.kept(error);
      return this.#value;
    }
  }
}
