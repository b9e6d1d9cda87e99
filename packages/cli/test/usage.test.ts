// How the command is called: help, version, and what is said about calls that make no sense.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { temporaryFolder } from '../../edge/test/support/dev-bench.ts';
import { type Command, findCommand } from '../src/command.ts';
import { commands } from '../src/commands.ts';
import { commandHelp, programHelp } from '../src/help.ts';
import { usesColor } from '../src/output/color.ts';
import { cliPage, toCliPage } from '../../../tools/generate-cli-docs.ts';
import { type Outcome, run } from './support/run.ts';

test('the help lists every command, and each command explains its options', async () => {
  const program = await run(['--help']);
  assert.deepEqual([program.code, program.stderr], [0, '']);
  for (const { name, summary, options } of commands) {
    assert.ok(program.stdout.includes(summary), name);
    const words = name.split(' ');
    const calls = [
      [...words, '--help'],
      [...words, '-h'],
      ['help', ...words],
    ];
    const [{ code, stdout, stderr }, ...others] = (await Promise.all(calls.map((call) => run(call)))) as [
      Outcome,
      Outcome,
      Outcome,
    ];
    assert.deepEqual([code, stderr], [0, '']);
    for (const [option, { help }] of Object.entries(options)) {
      assert.ok(stdout.includes(`--${option}`) && stdout.includes(help), `${name} --${option}`);
    }
    for (const other of others) assert.deepEqual([other.code, other.stdout], [0, stdout]);
  }
  assert.deepEqual(await run(['help']), program);
});

const named = (name: string): Command => ({ ...commands[0]!, name, summary: `does ${name}` });

test('a command of several words is found, and a group of commands explains its members', () => {
  const table = ['dev', 'explain', 'explain connect', 'route ip add', 'route ip delete'].map(named);
  const find = (...words: string[]): unknown[] => {
    const { command, group, rest } = findCommand(table, words);
    return [command?.name, group, rest];
  };
  assert.deepEqual(find('route', 'ip', 'add', '10.0.0.0/8', '-h'), [
    'route ip add',
    ['route', 'ip', 'add'],
    ['10.0.0.0/8', '-h'],
  ]);
  assert.deepEqual(find('route', 'ip'), [undefined, ['route', 'ip'], []]);
  assert.deepEqual(find('route', 'ap'), [undefined, ['route'], ['ap']]);
  assert.deepEqual(find('explain', 'connect', 'a:1'), ['explain connect', ['explain', 'connect'], ['a:1']]);
  assert.deepEqual(find('explain', 'a:1'), ['explain', ['explain'], ['a:1']]);
  assert.deepEqual(find(), [undefined, [], []]);
  const help = programHelp(table, ['route', 'ip']);
  assert.match(help, /does route ip add/);
  assert.doesNotMatch(help, /does dev/);
});

test('without a command there is the help, and exit code 64', async () => {
  const { code, stdout } = await run([]);
  assert.deepEqual([code, /Usage/.test(stdout)], [64, true]);
});

test('--version prints the version of the package', async () => {
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  for (const option of ['--version', '-v']) {
    const { code, stdout } = await run([option]);
    assert.deepEqual([code, stdout], [0, `${manifest.version}\n`]);
  }
});

test('a call that cannot be understood says why on standard error and exits with 64', async (t) => {
  const folder = await temporaryFolder(t);
  const notPem = join(folder, 'not.pem');
  await writeFile(notPem, '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n');
  const cases: [string[], RegExp][] = [
    [['frobnicate'], /Unknown command: frobnicate/],
    [['help', 'frobnicate'], /Unknown command: frobnicate/],
    [['dev', '--frobnicate'], /Unknown option '--frobnicate'/],
    [['dev', 'folder'], /Unexpected argument: folder/],
    [['dev', '--port'], /--port/],
    [['dev', '--port', 'http'], /--port takes a port number, not http/],
    [['dev', '--port', '65536'], /--port takes a port number, not 65536/],
    [['dev', '--port=-1'], /--port takes a port number, not -1/],
    [['dev', '--inspector-port', '1e3'], /--inspector-port takes a port number, not 1e3/],
    [['dev', '--var', 'novalue'], /--var takes NAME:VALUE, not novalue/],
    [['dev', '--strict=yes'], /--strict/],
    [['dev', '--ca', join(folder, 'absent.pem')], /--ca: ENOENT.*absent\.pem/],
    [['dev', '--ca', notPem], /--ca: no PEM certificate in .*not\.pem/],
    [['explain'], /Missing argument: HOST:PORT/],
    [['explain', 'example.com'], /Not a destination: example\.com\. Write HOST:PORT\./],
    [['explain', 'example.com:'], /Not a destination/],
    [['explain', 'example.com:1e3'], /Not a destination/],
    [['explain', 'a:1', 'b:2'], /Unexpected argument: b:2/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await run(args, { cwd: folder });
    assert.deepEqual([code, stdout], [64, ''], args.join(' '));
    assert.match(stderr, message, args.join(' '));
    assert.ok(!stderr.includes('    at '), 'no stack');
  }
});

const examplesOf = (examples: Command['examples']): string =>
  stripVTControlCharacters(commandHelp({ ...commands[0]!, examples })).split('Examples\n')[1]!;

test('an example has its explanation beside it, or below it when it is long', () => {
  const short = 'sallyport dev --strict';
  const long = `sallyport dev --config ${'x'.repeat(60)}`;
  assert.equal(
    examplesOf([
      ['sallyport dev', 'one'],
      [short, 'two'],
      [long, 'three'],
    ]),
    `  sallyport dev           one\n  ${short}  two\n  ${long}\n      three\n`,
  );
  assert.equal(examplesOf([[long, 'only']]), `  ${long}\n      only\n`);
  for (const { name, examples } of commands) {
    for (const line of examplesOf(examples).split('\n')) {
      const beside = /^ {2}\S.*? {2,}(?=\S)/.exec(line)?.[0].length ?? 0;
      assert.ok(beside <= 68, `${name}: ${line}`);
    }
  }
});

test('what is nearly a command or an option is suggested, at every level', async () => {
  const cases: [call: string, said: string][] = [
    ['tunel lst', 'Unknown command: tunel. Did you mean `tunnel list`?'],
    ['tunnel lsit', 'Unknown command: tunnel lsit. Did you mean `tunnel list`?'],
    ['tunnel rm office', 'Unknown command: tunnel rm. Did you mean `tunnel delete`?'],
    ['tunnel rout ip add 10.0.0.0/8', 'Unknown command: tunnel rout. Did you mean `tunnel route ip add`?'],
    ['tunnel route ips add', 'Unknown command: tunnel route ips. Did you mean `tunnel route ip add`?'],
    ['vpc services create x --type http', 'Unknown command: vpc services. Did you mean `vpc service create`?'],
    ['service list', 'Unknown command: service. Did you mean `vpc service list`?'],
    ['hyperdriv', 'Unknown command: hyperdriv. Did you mean `hyperdrive`?'],
    ['help hyperdrive lst', 'Unknown command: hyperdrive lst. Did you mean `hyperdrive list`?'],
    ['frobnicate', 'Unknown command: frobnicate'],
    ['explain conect api db:5432', 'Unexpected argument: api. Did you mean `explain connect`?'],
    ['explain conect', 'Not a destination: conect. Write HOST:PORT. Did you mean `explain connect`?'],
    ['--hlep', "Unknown option '--hlep'. Did you mean `--help`?"],
    ['--config x dev', "Unknown option '--config'. Options come behind the command, as in `sallyport dev --port 8787`"],
    ['dev --prot 1', "Unknown option '--prot'. Did you mean `--port`?"],
    ['dev --inspector=1', "Unknown option '--inspector'. Did you mean `--inspector-port`?"],
    ['vpc service create x --hostnam y', "Unknown option '--hostnam'. Did you mean `--hostname`?"],
    ['dev --frobnicate', "Unknown option '--frobnicate'"],
  ];
  for (const [call, said] of cases) {
    const { code, stderr } = await run(call.split(' '));
    assert.deepEqual([code, stderr.split('\n')[0]], [64, said], call);
  }
  const { stderr } = await run(['tunnel', 'xyz']);
  assert.match(stderr, /^Unknown command: tunnel xyz\nRun sallyport tunnel --help /);
});

test('colours are for terminals whose user wants them', () => {
  assert.equal(usesColor({ isTTY: true }, {}), true);
  assert.equal(usesColor({ isTTY: true }, { NO_COLOR: '' }), true);
  assert.equal(usesColor({ isTTY: true }, { NO_COLOR: '1' }), false);
  assert.equal(usesColor({ isTTY: true }, { TERM: 'dumb' }), false);
  assert.equal(usesColor({}, {}), false);
});

test(`${cliPage} is current: npm run docs`, async () => {
  assert.equal(await readFile(new URL(`../../../${cliPage}`, import.meta.url), 'utf8'), toCliPage(commands));
});
