// A query of the pooler's own that brings rows of text back.
import {
  Backend,
  defineInspection,
  Frontend,
  MessageReader,
  parseBackend,
  parseReport,
  toQuery,
} from '@sallyport/postgres-wire';
import { HyperdriveError } from '../errors.ts';
import type { OriginConnection } from '../origin/origin-connection.ts';
import { maxOwnResult } from './limits.ts';

const inspection = defineInspection({
  side: 'backend',
  inspect: [Backend.DataRow, Backend.ErrorResponse],
  wholeUpTo: maxOwnResult,
});

/** Rows of one simple query, on a connection that is idle and has no holder. Rejects when it fails or has too much. */
export function queryRows(connection: OriginConnection, query: string): Promise<string[][]> {
  return new Promise((resolve, reject) => {
    const rows: string[][] = [];
    let bytes = 0;
    let failure: Error | undefined;
    const reader = new MessageReader(
      {
        message(type, buffer, start, end) {
          const message = buffer.subarray(start, end);
          if (type === Backend.ErrorResponse) {
            const report = parseReport(message);
            failure ??= new HyperdriveError(
              'origin_refused',
              report.message ?? 'The database refused a query about its catalogue',
            );
          } else if (failure === undefined) {
            const row = parseBackend(message);
            if (row.type === 'DataRow') rows.push(row.values.map((value) => value?.toString() ?? ''));
          }
          return false;
        },
        large() {
          failure ??= new HyperdriveError('origin_protocol', 'The catalogue of the database is too large');
          return false;
        },
        pass() {},
      },
      inspection,
    );
    connection.link({
      fromOrigin(chunk) {
        bytes += chunk.length;
        if (bytes > maxOwnResult) {
          failure ??= new HyperdriveError('origin_protocol', 'The catalogue of the database is too large');
        } else reader.push(chunk);
        return true;
      },
      settingChanged() {},
      originSettled() {
        connection.unlink();
        if (failure === undefined) resolve(rows);
        else reject(failure);
      },
      originLost: reject,
    });
    connection.unnamed = undefined;
    connection.tracker.sent(Frontend.Query);
    connection.write(toQuery(query));
  });
}
