// Answers in the shape of Cloudflare's API, version 4: one envelope for results and errors alike.
import { ControlError, type ControlErrorCode } from '../errors.ts';

export interface ResultInfo {
  count: number;
  page: number;
  per_page: number;
  total_count: number;
  total_pages: number;
}

export interface ApiProblem {
  /** Cloudflare's number where it has one for this. */
  code: number;
  message: string;
  /** Ours: the stable code and what to do. */
  error: string;
  remedy: string;
}

export interface Envelope {
  success: boolean;
  errors: ApiProblem[];
  messages: never[];
  result: unknown;
  result_info?: ResultInfo;
}

/** What the HTTP side itself refuses; what the domain refuses is a `ControlError`. */
const table = {
  unauthorized: {
    status: 401,
    code: 10000,
    message: 'Authentication error',
    remedy:
      'Send the token of this edge as "Authorization: Bearer TOKEN"; it is in control.json in the state directory.',
  },
  /** The same for an HTTP CONNECT. */
  proxy_unauthorized: {
    status: 407,
    code: 10000,
    message: 'Authentication error',
    remedy: 'Send the token of this edge as "Proxy-Authorization: Bearer TOKEN".',
  },
  unknown_path: {
    status: 404,
    code: 7003,
    message: 'Could not route to this path, perhaps your object identifier is invalid?',
    remedy: 'See the reference of the control API for the paths there are.',
  },
  unknown_account: {
    status: 404,
    code: 7003,
    message: 'There is no such account here',
    remedy: 'Use the account tag of this edge, or "default".',
  },
  method_not_allowed: {
    status: 405,
    code: 10405,
    message: 'Method not allowed for this path',
    remedy: 'The header "allow" lists the methods there are.',
  },
  invalid_request: {
    status: 400,
    code: 1001,
    message: 'The request is malformed',
    remedy: 'Send a JSON object with the fields of the reference.',
  },
  body_too_large: {
    status: 413,
    code: 10413,
    message: 'The body is too large',
    remedy: 'Send at most 1 MiB.',
  },
  headers_too_large: {
    status: 431,
    code: 10431,
    message: 'The headers are too large',
    remedy: 'Send at most 16 KiB of headers.',
  },
  request_timeout: {
    status: 408,
    code: 10408,
    message: 'The request took too long to arrive',
    remedy: 'Try again over a better connection.',
  },
  too_many_requests: {
    status: 503,
    code: 10503,
    message: 'Too many requests at the same time',
    remedy: 'Try again.',
  },
  not_supported: {
    status: 400,
    code: 10400,
    message: 'This edge does not do that',
    remedy: 'See the reference of the control API for what it does.',
  },
  // What is wrong with an origin, found by connecting to it [Hyperdrive: troubleshooting, creation errors].
  origin_unknown_host: {
    status: 400,
    code: 2008,
    message: 'Bad hostname',
    remedy: 'Check the spelling of the host, and that the edge can resolve it.',
  },
  origin_not_allowed: {
    status: 400,
    code: 2009,
    message: 'The address of the origin is not one this edge connects to',
    remedy:
      'Use the address of the database itself; link-local and metadata addresses, and the edge itself, are refused.',
  },
  origin_unreachable: {
    status: 400,
    code: 2010,
    message: 'Cannot connect to the host and port',
    remedy: 'Check address, port and firewalls, and for a private network that its tunnel is connected.',
  },
  origin_refused: {
    status: 400,
    code: 2011,
    message: 'Connection refused',
    remedy: 'Check the port, and that the database listens on that address.',
  },
  origin_without_tls: {
    status: 400,
    code: 2012,
    message: 'TLS (SSL) not supported by the database',
    remedy: 'Turn on TLS at the database, or say sslmode "disable" for a private one.',
  },
  origin_credentials: {
    status: 400,
    code: 2013,
    message: 'Invalid database credentials',
    remedy: 'Check user and password, and that pg_hba.conf lets this user in from the edge.',
  },
  origin_database: {
    status: 400,
    code: 2014,
    message: 'The specified database name does not exist',
    remedy: 'Check the name of the database, or create it.',
  },
  origin_failed: {
    status: 400,
    code: 2015,
    message: 'Failed to connect to the provided database',
    remedy: 'Look at the message: it says what the database, or TLS, objected to.',
  },
  origin_query_failed: {
    status: 400,
    code: 2016,
    message: 'Test query failed',
    remedy: 'The login went well; look at the message for what the database said then.',
  },
  internal_error: {
    status: 500,
    code: 10500,
    message: 'The edge failed',
    remedy: "Look at the edge's log.",
  },
} as const;

export type ApiErrorCode = keyof typeof table;

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;
  readonly remedy: string;

  constructor(code: ApiErrorCode, detail = '', options: { cause?: unknown; remedy?: string } = {}) {
    super(`${table[code].message}${detail && `: ${detail}`}`, options);
    this.code = code;
    this.remedy = options.remedy || table[code].remedy;
  }
}

/** Status and number of what the domain refuses; anything else of its errors is the edge's own trouble. */
const domain: Partial<Record<ControlErrorCode, { status: number; code: number }>> = {
  invalid_value: { status: 400, code: 1001 },
  invalid_document: { status: 400, code: 1001 },
  not_found: { status: 404, code: 1002 },
  already_exists: { status: 409, code: 1014 },
  in_use: { status: 409, code: 1022 },
  revision_conflict: { status: 409, code: 10409 },
  store_closed: { status: 503, code: 10503 },
};

/** Cloudflare's own numbers for what exists already. */
const existing: [RegExp, number][] = [
  [/^tunnel with name/, 1013],
  [/already leads to tunnel/, 1003],
];

/** The status and envelope for anything that was thrown. Nothing but our own texts gets out. */
export function toFailure(error: unknown): { status: number; envelope: Envelope; internal: boolean } {
  if (error instanceof ApiError) {
    const { status, code } = table[error.code];
    const problem = { code, message: error.message, error: error.code, remedy: error.remedy };
    return { status, envelope: failed(problem), internal: error.code === 'internal_error' };
  }
  const known = error instanceof ControlError ? domain[error.code] : undefined;
  if (!(error instanceof ControlError)) return toFailure(new ApiError('internal_error'));
  const { code: name, message, remedy } = error;
  const { status, code } = known ?? { status: 500, code: 10500 };
  const number = name === 'already_exists' ? (existing.find(([text]) => text.test(message))?.[1] ?? code) : code;
  return { status, envelope: failed({ code: number, message, error: name, remedy }), internal: known === undefined };
}

function failed(problem: ApiProblem): Envelope {
  return { success: false, errors: [problem], messages: [], result: null };
}

export function succeeded(result: unknown, info?: ResultInfo): Envelope {
  return { success: true, errors: [], messages: [], result, ...(info === undefined ? {} : { result_info: info }) };
}
