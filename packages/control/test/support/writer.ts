// A process that writes beside others. `race` increments one counter, `open` opens the stores it is told to,
// `stream` rewrites a large document until it is killed.
import { createInterface } from 'node:readline';
import { absent, ControlError, type ControlStore, startSqliteStore } from '../../src/index.ts';

const [, , file = '', mode = '', rounds = '0'] = process.argv;

async function increment(store: ControlStore): Promise<void> {
  const found = await store.get('counter');
  try {
    await store.put('counter', Number(found?.value ?? 0) + 1, { revision: found?.revision ?? absent });
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== 'revision_conflict') throw error;
    await increment(store);
  }
}

if (mode === 'race') {
  const store = startSqliteStore({ file });
  for (let round = 0; round < Number(rounds); round += 1) await increment(store);
  await store.close();
} else if (mode === 'open') {
  for await (const name of createInterface({ input: process.stdin })) {
    const store = startSqliteStore({ file: `${file}.${name}` });
    await increment(store);
    await store.close();
    process.stdout.write('done\n');
  }
} else {
  const store = startSqliteStore({ file });
  let revision = (await store.get('stream'))?.revision ?? absent;
  for (let round = 1; ; round += 1) {
    ({ revision } = await store.put('stream', { round, body: String(round).repeat(20_000) }, { revision }));
    process.stdout.write(`${revision}\n`);
  }
}
