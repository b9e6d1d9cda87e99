// A client's read as it goes to a shared connection: its named statement under our name, prepared first where the
// connection does not hold it.
import { Frontend, placeOfStatementName, replaceStatementName, toClose } from '@sallyport/postgres-wire';
import type { OriginConnection } from '../origin/origin-connection.ts';
import type { OriginPool } from '../origin/origin-pool.ts';
import { toNamedParse } from '../statements/client-statements.ts';
import type { SharedRequest } from './shared-request.ts';

export interface EncodeOptions {
  connection: OriginConnection;
  pool: OriginPool;
  /** The messages are added here. */
  parts: Buffer[];
}

export function encodeRequest(request: SharedRequest, { connection, pool, parts }: EncodeOptions): void {
  const { bytes, statement: name } = request.exchange;
  connection.unit += 1;
  if (bytes[0] !== Frontend.Bind) {
    parts.push(bytes);
    return;
  }
  const statement = request.client!.statementOf(name!)!;
  let held = connection.held.find(statement, connection.unit);
  if (held === undefined) {
    const surplus = connection.held.takeSurplus(pool.maxPrepared);
    for (const old of surplus) parts.push(toClose('statement', old.name.toString('latin1')));
    held = connection.held.add(statement, connection.unit);
    parts.push(toNamedParse(held.name, statement.body));
    request.held = held;
    request.drops = surplus.length + 1;
  }
  const end = bytes.readUInt32BE(1) + 1;
  const place = placeOfStatementName(bytes, 0, end)!;
  parts.push(replaceStatementName(bytes, 0, end, { place, name: held.name }), bytes.subarray(end));
}
