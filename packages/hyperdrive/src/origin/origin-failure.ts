// An error of the origin's about a query of our own.
import { parseReport } from '@sallyport/postgres-wire';
import type { ErrorReport } from '@sallyport/postgres-wire';
import { HyperdriveError } from '../errors.ts';

/** What the origin said, of an error that is whole or only its beginning. */
export function toFailure(message: Buffer): HyperdriveError {
  const isWhole = message.readUInt32BE(1) + 1 === message.length;
  const report = (isWhole ? parseReport(message) : { sqlstate: '58000', message: 'Internal error.' }) as ErrorReport;
  return new HyperdriveError('origin_refused', report.message, { report });
}
