// The tunnel bench: one link between a real edge half and a real connector against raw TCP, the same two hops in node:tls,
// and OpenSSH forwarding. The targets are those of the issue the tunnel was built for.
import { execFileSync } from 'node:child_process';
import { describeMachine, toMachineLine } from './kit/machine.ts';
import { findOnPath } from './kit/on-path.ts';
import { Patience, watchNeighbours } from './kit/neighbours.ts';
import type { BenchOptions } from './kit/options.ts';
import { writeResults } from './kit/results.ts';
import { Scope } from './kit/scope.ts';
import { type Row, toResult, toTextTable } from './kit/table.ts';
import type { Context } from './tunnel/context.ts';
import { measureFailures } from './tunnel/failures.ts';
import { fullPlan, quickPlan } from './tunnel/plan.ts';
import type { Ports } from './tunnel/ports.ts';
import { buildPrograms, startProgram } from './tunnel/programs.ts';
import { measureSpeed } from './tunnel/speed.ts';
import { measureStreams } from './tunnel/streams.ts';
import { measureWan } from './tunnel/wan.ts';

/** Other tunnels one may have. None of them is part of this bench; what is on the path is named, so nobody has to guess. */
const otherTunnels = ['cloudflared', 'chisel', 'frpc', 'rathole', 'bore', 'wstunnel'];

/** Milliseconds that one run may spend in all on waiting for neighbours and on measuring again. */
const patience = 60_000;

const method = `
## How it was taken

* Everything on loopback, every part a process of its own: origin (\`node:net\`), edge half (\`TunnelListener\`,
  \`TunnelRegistry\`), connector half (\`Connector\`, dialling plain TCP), load (\`node:net\`). The edge half listens as
  \`ssh -L\` does, so all ways are the same to the load: a TCP connection here is a TCP connection to the origin there.
* Ways take turns in an order that changes from round to round; the first round is thrown away. *figure* is the ratio of
  the medians, *of pairs* the median of the rounds' own ratios. Throughput: higher is better; time: lower is better.
* A round during which other processes had more than 0.3 cores is taken again, until a minute of the run was spent so.
* \`raw\` is one hop of \`node:net\`. \`tls\` is the tunnel's two hops in \`node:tls\`, one TLS 1.3 connection for each
  connection, joined by the same code as the tunnel's ends. \`tls_warm\` is that with the handshakes done beforehand,
  outside the time taken: it sends the first byte at once and waits for no answer. \`rtt_vs_tls_relay\` compares with
  \`tls_warm\`, \`rtt_vs_tls_handshake\` with \`tls\`.
* \`ssh\` is \`ssh -L\` to an sshd of our own with what the two negotiate, \`ssh_gcm\` the same with
  \`aes128-gcm@openssh.com\`.
* Round trips: one at a time, from connect() to the byte that came back, after a warm-up of all ways. Streams per second: the edge half opens them
  itself; each is dialled by the connector to the echo server, answered, ended by both ends and closed.
* Idle memory: the kernel's resident set after, minus before, by the number of streams; no forced collection. Each stream
  has been used for one byte each way, and each half also holds its TCP socket: to the load, or to the origin.
* Slow reader: takes one chunk every 50 ms of a download without end, on the link of the others.
* Kills are \`kill -9\`. The edge's restart includes the start of the new process.
* Distance: the test kit's proxy between connector and edge, 25 ms and 1 Gbit/s each way. The share is taken at the
  receiver, from the first byte to the last; *proxy alone* is TCP through the same proxy without a tunnel.
`;

/** The rows with a target first, as the issue orders them. */
function toOrdered(rows: readonly Row[]): Row[] {
  return [...rows.filter(({ target }) => target !== undefined), ...rows.filter(({ target }) => target === undefined)];
}

function describeOthers(): string {
  const found = otherTunnels.map((name) => `${name}: ${findOnPath(name) ?? 'not installed'}`);
  return `Other tunnels, none of which is measured here: ${found.join(', ')}.`;
}

export async function benchTunnel(options: BenchOptions): Promise<void> {
  const { runs, quick, only, write, build } = options;
  if (build) execFileSync('npm', ['run', 'build', '--silent'], { stdio: 'inherit' });
  const machine = describeMachine();
  const others = describeOthers();
  const neighbours = watchNeighbours();
  console.log(`${toMachineLine(machine)}\n${others}`);
  await buildPrograms();
  await using scope = new Scope();
  const origin = scope.use(await startProgram<Ports>('origin'));
  const load = scope.use(await startProgram('load'));
  const context: Context = {
    plan: quick ? quickPlan : fullPlan,
    runs,
    targets: origin.hello,
    load: load.program,
    patience: new Patience(patience),
    wants: (name) => only.length === 0 || only.some((word) => name.includes(word)),
    raw: {},
  };
  const rows = toOrdered([
    ...(await measureSpeed(context)),
    ...(await measureStreams(context)),
    ...(await measureFailures(context)),
    ...(await measureWan(context)),
  ]);
  const busy = `Over the whole run other processes had ${neighbours().toFixed(1)} of the ${machine.cores} cores.`;
  console.log(`\n${toTextTable(rows)}\n\n${busy}\n`);
  if (write) {
    const command = `npm run bench -- tunnel${quick ? ' --quick' : ''} --runs ${runs}`;
    const text = `${method}\n${others}\n\n${busy}\n`;
    await writeResults({ name: 'tunnel', command, machine, runs, rows, raw: context.raw, method: text });
  }
  console.log(`RESULT ${JSON.stringify(toResult(rows))}`);
}
