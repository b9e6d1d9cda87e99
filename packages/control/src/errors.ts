// The error registry of this package: one row per code.

const registry = {
  revision_conflict: {
    message: (detail: string): string => `The document was changed by someone else: ${detail}`,
    remedy: 'Read the document again and repeat the change on what it says now.',
  },
  revision_compacted: {
    message: (detail: string): string => `The history asked for is no longer kept: ${detail}`,
    remedy: 'List the documents again and watch from the revision of the store.',
  },
  invalid_document: {
    message: (detail: string): string => `This cannot be stored: ${detail}`,
    remedy: 'Use keys of letters, digits, ".", "_", "-" and "/", and values of plain JSON of at most 1 MiB.',
  },
  store_closed: {
    message: (detail: string): string => `The control store is closed: ${detail}`,
    remedy: 'Nothing needs to be done during shutdown; otherwise open the store again.',
  },
  store_failed: {
    message: (detail: string): string => `The control store failed: ${detail}`,
    remedy: 'Look at the cause; check that the state directory is writable and its disk is not full.',
  },
  key_file_invalid: {
    message: (detail: string): string => `The key file cannot be used: ${detail}`,
    remedy: 'Restore the key file from its backup. Without it, what it encrypted cannot be read.',
  },
  secret_unreadable: {
    message: (detail: string): string => `A secret cannot be decrypted: ${detail}`,
    remedy: 'Restore the key file it was encrypted with, or replace the secret.',
  },
  invalid_value: {
    message: (detail: string): string => `This cannot be accepted: ${detail}`,
    remedy: 'Correct the value that is named and try again.',
  },
  not_found: {
    message: (detail: string): string => `There is no ${detail}`,
    remedy: 'List what there is; names are case-sensitive.',
  },
  already_exists: {
    message: (detail: string): string => detail,
    remedy: 'Choose another one, or change or delete the one that exists.',
  },
  in_use: {
    message: (detail: string): string => detail,
    remedy: 'Take away what uses it first.',
  },
} as const;

/** Of what has routes: its delete command has a --force. */
export const hasRoutesRemedy = 'Delete its routes first, or give --force, which deletes them too.';

export type ControlErrorCode = keyof typeof registry;

/** Everything this package throws or rejects with. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly code: ControlErrorCode;
  readonly remedy: string;

  constructor(code: ControlErrorCode, detail: string, options?: { cause?: unknown; remedy?: string }) {
    super(registry[code].message(detail), options);
    this.code = code;
    this.remedy = options?.remedy ?? registry[code].remedy;
  }
}
