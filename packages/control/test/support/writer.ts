// A process that writes until it is killed. `race` increments one counter, `stream` rewrites a large document.
import { absent, ControlError, startSqliteStore } from '../../src/index.ts';

const [, , file = '', mode = '', rounds = '0'] = process.argv;
const store = startSqliteStore({ file });

async function increment(): Promise<void> {
  const found = await store.get('counter');
  try {
    await store.put('counter', Number(found?.value ?? 0) + 1, { revision: found?.revision ?? absent });
  } catch (error) {
    if (!(error instanceof ControlError) || error.code !== 'revision_conflict') throw error;
    await increment();
  }
}

if (mode === 'race') {
  for (let round = 0; round < Number(rounds); round += 1) await increment();
  await store.close();
} else {
  let revision = (await store.get('stream'))?.revision ?? absent;
  for (let round = 1; ; round += 1) {
    ({ revision } = await store.put('stream', { round, body: String(round).repeat(20_000) }, { revision }));
    process.stdout.write(`${revision}\n`);
  }
}
