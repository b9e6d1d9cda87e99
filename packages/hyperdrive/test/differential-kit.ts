// What the differential tests share: a script played by one client, and its answers without what may differ.
import * as wire from '@sallyport/postgres-wire';
import type { RawClient } from './raw-client.ts';

/** Sends the steps, with a wait for answers where `waits` has one. */
export async function play<Answer>(
  client: RawClient,
  steps: Buffer[][],
  { waits, toAnswer }: { waits: boolean[]; toAnswer: (reply: Buffer) => Answer },
): Promise<Answer[]> {
  const answers: Buffer[] = [];
  for (const [index, step] of steps.entries()) {
    client.send(...step);
    if (waits[index] === true) answers.push(...(await client.untilAnswered()));
  }
  client.send(wire.toSync(), wire.toQuery('rollback'));
  answers.push(...(await client.untilAnswered()));
  return answers.map((reply) => toAnswer(reply));
}

export type Plain = { type: string; sqlstate?: string | undefined; severityCode?: string | undefined; text?: string };

/** Names of statements differ, and with them the text of some errors: `toText` says what is left of that. */
export function toPlain(reply: Buffer, toText?: (text: string) => string): Plain {
  const message = wire.parseBackend(reply);
  if (message.type !== 'ErrorResponse' && message.type !== 'NoticeResponse') return message;
  const { sqlstate, severityCode, message: text = '' } = message.report;
  return { type: message.type, sqlstate, severityCode, ...(toText === undefined ? {} : { text: toText(text) }) };
}
