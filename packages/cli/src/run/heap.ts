// How V8 sizes the heap of a process that passes bytes on.
//
// Those bytes lie outside of V8's heap, and its limit counts them all the same. The heap itself is small here, and so is
// the limit that V8 makes of it: one long body reaches it every 30 MiB, and each time everything alive is marked again.
// With more room the frequent, cheap collections free the buffers, and nothing is marked (docs/decisions/0009).
import { setFlagsFromString } from 'node:v8';

/** The limit as a multiple of what is alive; V8's own choice is between 1.1 and 4. */
const growth = 8;
/** From this major version of Node on, memory outside of the heap has a limit of its own, whatever the heap's is. */
const ownLimitSince = 24;

/** For commands that run until they are stopped; before they begin. */
export function makeRoomForBuffers(): void {
  setFlagsFromString(`--heap-growing-percent=${(growth - 1) * 100}`);
  if (Number.parseInt(process.versions.node, 10) >= ownLimitSince) {
    setFlagsFromString('--external-memory-accounted-in-global-limit');
  }
}
