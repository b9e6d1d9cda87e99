// The keys about what makes a Worker run besides requests: cron triggers and queues, and where development listens.
import { WorkersError } from '../errors.ts';
import type { Project, QueueConsumer } from '../project.ts';
import { parseCron } from './cron.ts';
import { memberKeys } from './keys.table.ts';
import { requireMember } from './modules.ts';
import { formatPath } from './position.ts';
import type { Report } from './report.ts';
import { memberSlot, readArray, readInteger, readString, readTable, readText, warnUnknown, type Slot } from './slot.ts';
import { describeValue, isEmpty } from './value.ts';

/** What Queues hands over at once unless told otherwise, and at most. */
const defaultBatchSize = 10;
const maxBatchSize = 100;

export const defaultDev: Project['dev'] = { ip: 'localhost', port: 8787 };

export function readCrons(slot: Slot | undefined, report: Report): string[] {
  readTable(slot, report);
  warnUnknown(slot, memberKeys.triggers, report);
  refuseMember(slot, 'events', 'triggers other than cron', report);
  const crons = readArray(memberSlot(slot, 'crons'), report, 'an array of cron expressions');
  return crons.flatMap((element) => {
    const cron = readString(element, report);
    if (cron === undefined) return [];
    try {
      return [parseCron(cron).text];
    } catch (error) {
      if (!(error instanceof WorkersError)) throw error;
      const problem = error.cause instanceof Error ? error.cause.message : error.message;
      report.error(element.path, 'invalid_cron', { cron, problem });
      return [];
    }
  });
}

export function readQueueConsumers(slot: Slot | undefined, report: Report): QueueConsumer[] {
  readTable(slot, report);
  warnUnknown(slot, memberKeys.queues, report);
  const producers = memberSlot(slot, 'producers');
  for (const { path } of readArray(producers, report)) {
    report.error(path, 'unsupported_key', { key: formatPath(path), note: 'sending to queues' });
  }
  return readArray(memberSlot(slot, 'consumers'), report).flatMap((element) => readConsumer(element, report));
}

function readConsumer(slot: Slot, report: Report): QueueConsumer[] {
  if (readTable(slot, report) === undefined) return [];
  warnUnknown(slot, memberKeys.consumer, report);
  const queue = readText(requireMember(slot, 'queue', report), report);
  const size = readInteger(memberSlot(slot, 'max_batch_size'), report, { min: 1, max: maxBatchSize });
  const type = memberSlot(slot, 'type');
  if (type !== undefined && readString(type, report) !== 'worker') {
    const key = formatPath(type.path);
    report.error(type.path, 'invalid_value', { key, found: describeValue(type.value), expected: '"worker"' });
  }
  return queue === undefined ? [] : [{ queue, maxBatchSize: size ?? defaultBatchSize }];
}

export function readDev(slot: Slot | undefined, report: Report): Project['dev'] {
  readTable(slot, report);
  warnUnknown(slot, memberKeys.dev, report);
  return {
    ip: readText(memberSlot(slot, 'ip'), report) ?? defaultDev.ip,
    port: readInteger(memberSlot(slot, 'port'), report, { min: 0, max: 65_535 }) ?? defaultDev.port,
  };
}

function refuseMember(slot: Slot | undefined, key: string, note: string, report: Report): void {
  const member = memberSlot(slot, key);
  if (member === undefined || isEmpty(member.value)) return;
  report.error(member.path, 'unsupported_key', { key: formatPath(member.path), note });
}
