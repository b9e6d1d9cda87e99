// A subject: something that can run the cases.
import type { SubjectKind } from '../case.ts';
import type { RunRequest } from '../guest/context.ts';

export interface Subject extends AsyncDisposable {
  /** `workerd`, `worker`, `node20`, … */
  name: string;
  kind: SubjectKind;
  run(request: RunRequest): Promise<unknown>;
  /** Runs a kept part in a request of its own. */
  part(id: string, request: { clientCertificate: boolean }): Promise<unknown>;
}
