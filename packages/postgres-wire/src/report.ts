// ErrorResponse and NoticeResponse: fields by letter [pg 55.8].
import { Backend } from './message-types.table.ts';
import { MessageBody } from './message-body.ts';
import { toMessage } from './message-builder.ts';
import type { Part } from './message-builder.ts';

const letters = {
  severity: 'S',
  severityCode: 'V',
  sqlstate: 'C',
  message: 'M',
  detail: 'D',
  hint: 'H',
  position: 'P',
  internalPosition: 'p',
  internalQuery: 'q',
  where: 'W',
  schema: 's',
  table: 't',
  column: 'c',
  dataType: 'd',
  constraint: 'n',
  file: 'F',
  line: 'L',
  routine: 'R',
} as const;

export type ReportField = keyof typeof letters;

/** An error or a notice. `severity` may be translated; `severityCode` never is. */
export type Report = Partial<Record<ReportField, string>>;

const fieldByLetter = new Map(Object.entries(letters).map(([field, letter]) => [letter, field as ReportField]));

/** Fields of the message; letters that nobody defined yet are left out, as the protocol asks. */
export function parseReport(message: Buffer): Report {
  const body = new MessageBody(message);
  const report: Report = {};
  for (;;) {
    const letter = body.byte();
    if (letter === 0) break;
    const text = body.text();
    const field = fieldByLetter.get(String.fromCharCode(letter) as (typeof letters)[ReportField]);
    if (field !== undefined) report[field] = text;
  }
  body.end();
  return report;
}

/** SQLSTATE from an error, whole or only its beginning. */
export function sqlstateOf(message: Buffer): string | undefined {
  for (let at = 5; at < message.length && message[at] !== 0;) {
    const end = message.indexOf(0, at + 1);
    if (end === -1) return undefined;
    if (message[at] === 0x43) return message.toString('latin1', at + 1, end);
    at = end + 1;
  }
  return undefined;
}

function write(type: number, report: Report): Buffer {
  const parts: Part[] = [];
  for (const [field, letter] of Object.entries(letters)) {
    const text = report[field as ReportField];
    // A zero character would end the message early, and everything behind it would be read as something else.
    if (text !== undefined) parts.push(Buffer.from(letter), text.replaceAll('\0', ''));
  }
  return toMessage(type, [...parts, Buffer.of(0)]);
}

/** What an error needs; `severity` defaults to `ERROR`. */
export type ErrorReport = Report & { sqlstate: string; message: string };

export function toErrorResponse(report: ErrorReport): Buffer {
  const severity = report.severity ?? 'ERROR';
  return write(Backend.ErrorResponse, { ...report, severity, severityCode: report.severityCode ?? severity });
}

export function toNoticeResponse(report: ErrorReport): Buffer {
  const severity = report.severity ?? 'NOTICE';
  return write(Backend.NoticeResponse, { ...report, severity, severityCode: report.severityCode ?? severity });
}
