// What can go wrong between a client and an edge: one row per code. What the edge itself answers keeps the edge's code,
// text and remedy.

const registry = {
  no_edge: {
    message: (detail: string): string => `No edge found: ${detail}`,
    remedy: `Start one with "sallyport dev" or "sallyport edge", or say where it is: --state DIR, or --api-url URL with --api-token-file FILE.`,
  },
  no_named_edge: {
    message: (detail: string): string => `No edge found: ${detail}`,
    remedy:
      'Start it, or correct --edge: its state directory, or the http:// or https:// URL of its control API with --edge-token-file FILE.',
  },
  edge_unreachable: {
    message: (detail: string): string => `The edge does not answer: ${detail}`,
    remedy: 'Check that it runs; if it was killed, start it again.',
  },
  invalid_settings: {
    message: (detail: string): string => `The edge cannot be asked: ${detail}`,
    remedy: 'Correct the file, option or environment variable that is named.',
  },
  unexpected_answer: {
    message: (detail: string): string => `What answered is no control API: ${detail}`,
    remedy: 'Check the URL: it must be the control API of a Sallyport edge, as its control.json says.',
  },
} as const;

export type ClientErrorCode = keyof typeof registry;

export class ClientError extends Error {
  override readonly name = 'ClientError';
  /** Ours, or what the edge's answer says, such as `already_exists`. */
  readonly code: string;
  readonly remedy: string;
  /** Of the edge's answer. */
  readonly status: number | undefined;

  private constructor(
    { code, message, remedy, status }: { code: string; message: string; remedy: string; status?: number },
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.remedy = remedy;
    this.status = status;
  }

  static of(code: ClientErrorCode, detail: string, options?: { cause?: unknown }): ClientError {
    const { message, remedy } = registry[code];
    return new ClientError({ code, message: message(detail), remedy }, options);
  }

  /** Of an answer that says what is wrong. */
  static answered(facts: { code: string; message: string; remedy: string; status: number }): ClientError {
    return new ClientError(facts);
  }
}
