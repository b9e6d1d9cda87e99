// Tries an origin once, as it is done before a configuration is accepted: dial, TLS, login, an empty query.
import { WireError } from '@sallyport/postgres-wire';
import { HyperdriveError } from './errors.ts';
import type { HyperdriveErrorCode } from './errors.ts';
import { systemClock, within } from './clock.ts';
import type { Clock } from './clock.ts';
import { poolDefaults } from './limits.ts';
import { OriginDialer } from './origin/origin-dialer.ts';
import type { Origin } from './origin/origin.ts';

export interface ProbeOptions {
  clock?: Clock;
  /** Milliseconds until the login is over, and again until the query is answered. */
  connectTimeout?: number;
}

export interface ProbeResult {
  /** `server_version` as the origin reports it. */
  version: string | undefined;
}

/** Goes all the way and touches nothing. [Hyperdrive: the test query] */
const testQuery = ';';

/** Rejects with a `HyperdriveError`. */
export async function probeOrigin(
  origin: Origin,
  { clock = systemClock, connectTimeout = poolDefaults.connectTimeout }: ProbeOptions = {},
): Promise<ProbeResult> {
  const dialer = new OriginDialer(origin, { clock, connectTimeout, cancelTimeout: connectTimeout });
  const connection = await dialer.connect();
  try {
    await within(connectTimeout, connection.run(testQuery), clock);
    return { version: connection.parameters.get('server_version') };
  } catch (error) {
    const { message, report } = error as Partial<HyperdriveError>;
    throw new HyperdriveError('test_query_failed', `The test query failed: ${message}`, {
      cause: error,
      ...(report === undefined ? {} : { report }),
    });
  } finally {
    connection.close();
  }
}

/** What may be wrong with an origin, in the kinds that Hyperdrive has numbers for (2008 to 2016, in this order). */
export type OriginProblem =
  | 'origin_unknown_host'
  | 'origin_not_allowed'
  | 'origin_unreachable'
  | 'origin_refused'
  | 'origin_without_tls'
  | 'origin_credentials'
  | 'origin_database'
  | 'origin_failed'
  | 'origin_query_failed';

const byCode: Partial<Record<HyperdriveErrorCode, OriginProblem>> = {
  tls_unsupported: 'origin_without_tls',
  test_query_failed: 'origin_query_failed',
};

/** By SQLSTATE of what the origin said. */
const byState: Readonly<Record<string, OriginProblem>> = {
  '28P01': 'origin_credentials',
  '28000': 'origin_credentials',
  '3D000': 'origin_database',
};

/** By the code of what dialling failed with: egress's, or the system's. */
const byDialCode: Readonly<Record<string, OriginProblem>> = {
  dns_error: 'origin_unknown_host',
  dns_timeout: 'origin_unknown_host',
  invalid_destination: 'origin_unknown_host',
  ENOTFOUND: 'origin_unknown_host',
  EAI_AGAIN: 'origin_unknown_host',
  destination_denied: 'origin_not_allowed',
  tcp_loop: 'origin_not_allowed',
  port_25: 'origin_not_allowed',
  connection_refused: 'origin_refused',
  ECONNREFUSED: 'origin_refused',
};

/** Which kind of trouble an error of `probeOrigin` is. */
export function toOriginProblem(error: unknown): OriginProblem {
  if (!(error instanceof HyperdriveError)) return 'origin_failed';
  const known = byCode[error.code];
  if (known !== undefined) return known;
  if (error.code === 'origin_refused') return byState[error.report.sqlstate] ?? 'origin_failed';
  if (error.code !== 'connect_failed') return 'origin_failed';
  // It was reached and spoke, but not as the protocol says.
  if (error.cause instanceof WireError) return 'origin_failed';
  const { code } = (error.cause ?? {}) as { code?: unknown };
  return byDialCode[String(code)] ?? 'origin_unreachable';
}
