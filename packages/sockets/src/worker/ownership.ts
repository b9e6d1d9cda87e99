// Which request a socket belongs to. The runtime refuses native I/O on behalf of another one, but our streams are
// JavaScript: without this check another request could take bytes that were read already, or wait for ever.
//
// There is no API to ask which request runs now. A native object knows: reading the state of a WebSocket that was never
// used throws the documented error in any other request. One is made per invocation (4 µs), the check takes 0.1 µs.
import { currentSlots } from '../invocation.ts';

export interface Ownership {
  /** The runtime's own error when another request runs now. */
  refusal(): unknown;
}

interface Probe {
  readonly readyState: number;
}

declare const WebSocketPair: new () => [Probe, Probe];

const perInvocation = new WeakMap<object, Ownership>();

function createProbe(): Ownership {
  const [probe] = Object.values(new WebSocketPair()) as [Probe];
  return {
    refusal() {
      try {
        void probe.readyState;
        return undefined;
      } catch (error) {
        return error;
      }
    },
  };
}

/** For a connection that is opened now. */
export function createOwnership(): Ownership {
  const invocation = currentSlots();
  if (invocation === undefined) return createProbe();
  const known = perInvocation.get(invocation) ?? createProbe();
  perInvocation.set(invocation, known);
  return known;
}
