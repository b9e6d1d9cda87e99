// The systemd unit in docs/ is one that systemd understands, and its command is one that exists.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parseCommand } from '../../src/command.ts';
import { run } from '../../src/commands/tunnel/run.ts';

const unit = await readFile(new URL('../../../../docs/systemd/sallyport-connector.service', import.meta.url), 'utf8');
const verifies = await promisify(execFile)('systemd-analyze', ['--version']).then(
  () => true,
  () => false,
);

test(
  'systemd-analyze verify has nothing to say',
  { skip: verifies ? false : 'systemd-analyze is not installed' },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, 'sallyport-connector.service');
    await writeFile(file, unit.replace('/usr/local/bin/sallyport', process.execPath));
    const { stdout, stderr } = await promisify(execFile)('systemd-analyze', ['verify', file]);
    // Complaints about other units of the machine are not ours.
    assert.deepEqual(
      `${stdout}${stderr}`.split('\n').filter((line) => line.includes('sallyport-connector')),
      [],
    );
  },
);

test('the command of the unit can be parsed, and what must be there is there', () => {
  const [, command = ''] = /^ExecStart=\S+ (.*)$/m.exec(unit) ?? [];
  const words = command.split(' ');
  assert.deepEqual(words.slice(0, 2), ['tunnel', 'run']);
  assert.deepEqual({ ...parseCommand(run, words.slice(2)).values }, { 'token-file': '%d/token' });
  for (const line of ['LoadCredential=token:', 'Restart=always', 'DynamicUser=yes', 'NoNewPrivileges=yes']) {
    assert.ok(unit.includes(line), line);
  }
});
