// What most tests of a socket do: say something, read everything, look at the error.
import assert from 'node:assert/strict';
import type { TestScope } from '@sallyport/testkit';
import { type Socket, SocketError } from '../../src/index.ts';

export const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));

/** The socket, closed when the test ends. */
export function closing(scope: TestScope, socket: Socket): Socket {
  scope.after(() => socket.close());
  return socket;
}

/** Writes one text and gives the lock back. */
export async function say(socket: Socket, text: string): Promise<void> {
  const writer = socket.writable.getWriter();
  await writer.write(bytes(text));
  writer.releaseLock();
}

/** Reads one chunk and gives the lock back; undefined at the end of the stream. */
export async function hear(socket: Socket): Promise<string | undefined> {
  const reader = socket.readable.getReader();
  const { done, value } = await reader.read();
  reader.releaseLock();
  return done ? undefined : new TextDecoder().decode(value);
}

/** Everything until the end of the stream. */
export async function hearAll(socket: Socket): Promise<string> {
  let text = '';
  for (let heard = await hear(socket); heard !== undefined; heard = await hear(socket)) text += heard;
  return text;
}

/** Ends our half and gives the lock back. */
export async function finish(socket: Socket): Promise<void> {
  const writer = socket.writable.getWriter();
  await writer.close();
  writer.releaseLock();
}

/** The reason of a rejection; fails when there is none. */
export async function reasonOf(outcome: Promise<unknown>): Promise<unknown> {
  return outcome.then(
    () => assert.fail('it did not reject'),
    (reason: unknown) => reason,
  );
}

/** The SocketError that a promise rejects with. */
export async function failureOf(outcome: Promise<unknown>): Promise<SocketError> {
  const reason = await reasonOf(outcome);
  assert.ok(reason instanceof SocketError, `not a SocketError: ${String(reason)}`);
  return reason;
}

/** Lets everything that is already due happen. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
