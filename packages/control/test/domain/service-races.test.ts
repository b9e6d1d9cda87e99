// Who changes a service while somebody else does: PUT and DELETE in both orders, of two processes on one store.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Control } from '../../src/index.ts';
import { createBench, interrupted, openControl } from '../support/bench.ts';

/** What becomes of a service, each as one whole: a name with its port. */
const changing: Record<string, (control: Control, id: string, who: string) => Promise<unknown>> = {
  replace: (control, id, who) => control.services.replace(id, toService('api', who)),
  rename: (control, id, who) => control.services.replace(id, toService(who, who)),
  delete: (control, id) => control.services.delete(id),
};
const ports: Record<string, number> = { api: 80, first: 1001, second: 1002 };

function toService(name: string, who: string) {
  return { name, type: 'http', http_port: ports[who], host: { ipv4: '10.0.0.7' } };
}

const wins = (outcome: Promise<unknown>): Promise<boolean | string> =>
  outcome.then(
    () => true,
    (error: { code: string }) => error.code,
  );

for (const [first, change] of Object.entries(changing)) {
  for (const [second, other] of Object.entries(changing)) {
    test(`a service is changed whole or not at all: ${second} before each write of ${first}`, async (t) => {
      for (let at = 1; at <= 4; at += 1) {
        const { control, store, folder } = await createBench(t);
        const { service_id: id } = await control.services.create(toService('api', 'api'));
        let otherWon: boolean | string | undefined;
        const slow = await openControl(t, folder, {
          store: interrupted(store, at, async () => {
            otherWon = await wins(other(control, id, 'second'));
          }),
        });
        const firstWon = await wins(change(slow.control, id, 'first'));
        const about = `before write ${at}: ${String(firstWon)}, ${String(otherWon)}`;
        const left = control.services.get(id);
        // Whoever acts on what the other has changed meanwhile is refused.
        if (at === 1)
          assert.deepEqual([firstWon, otherWon], [second === 'delete' ? 'not_found' : 'revision_conflict', true]);
        const ends = [
          [firstWon, first, 'first'],
          [otherWon, second, 'second'],
        ] as const;
        const won = ends.filter(([outcome]) => outcome === true);
        assert.ok(won.length > 0, about);
        if (left === undefined)
          assert.ok(
            won.some(([, what]) => what === 'delete'),
            about,
          );
        else {
          const possible = won.map(([, what, who]) => [what === 'rename' ? who : 'api', ports[who]]);
          assert.ok(
            possible.some((each) => each.join() === [left.name, left.http_port].join()),
            `${about} ${JSON.stringify(left)}`,
          );
        }
        // Nothing of it stays in the way.
        if (left !== undefined) await control.services.delete(id);
        for (const name of Object.keys(ports)) await control.services.create(toService(name, name));
      }
    });
  }
}
