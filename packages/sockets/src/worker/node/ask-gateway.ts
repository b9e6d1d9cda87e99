// One question of `node:dns` to the gateway, on a connection of its own.
import { connect } from 'cloudflare:sockets';
import { SocketError } from '../../socket-error.ts';
import { FrameParser } from '../../wire/frame-parser.ts';
import { encodeControl, frameType, socketAuthority } from '../../wire/frames.ts';
import { fromFailed, type NameQuestion } from '../../wire/messages.ts';

/** The records, as the gateway has them. @throws SocketError, or the runtime's own error outside a handler */
export async function askGateway(question: NameQuestion): Promise<unknown[]> {
  const native = connect(socketAuthority, { allowHalfOpen: true });
  const reader = native.readable.getReader();
  const writer = native.writable.getWriter();
  const answers: unknown[] = [];
  const parser = new FrameParser({
    data: () => {},
    control: (type, value) => {
      answers.push(type === frameType.resolved ? value : fromFailed(value));
    },
  });
  try {
    await writer.write(encodeControl(frameType.resolve, question));
    while (answers.length === 0) {
      const { done, value } = await reader.read();
      if (done) break;
      parser.push(value);
    }
  } catch (cause) {
    throw new SocketError('gateway_lost', { cause });
  } finally {
    native.close().catch(() => {});
  }
  const [answer] = answers;
  if (Array.isArray(answer)) return answer;
  throw answer ?? new SocketError('gateway_lost');
}
