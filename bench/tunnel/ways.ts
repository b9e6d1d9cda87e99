// The ways to the origin that are compared. Each offers the origin's three ports at the near end, on loopback.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '../kit/free-port.ts';
import { Scope } from '../kit/scope.ts';
import { startOpenssh, testAuthority } from '../../packages/testkit/src/index.ts';
import { host, portNames, type Ports } from './ports.ts';
import { type Program, type Started, startProgram } from './programs.ts';
import type { ConnectorSetup } from './programs/connector.ts';
import type { EdgePorts, EdgeSetup } from './programs/edge.ts';
import type { ProxySetup } from './programs/proxy.ts';
import type { RelaySetup } from './programs/relay.ts';

export type WayName = 'tunnel' | 'raw' | 'tls' | 'tls_warm' | 'ssh' | 'ssh_gcm';

export interface Way extends AsyncDisposable {
  readonly name: WayName;
  readonly entries: Ports;
  /** Called before each run, outside the time that is taken. */
  prepare?(count: number): Promise<unknown>;
}

/** A way that is one process. */
export interface Relay extends Way {
  readonly program: Program;
}

export interface Tunnel extends Way {
  readonly edge: Program;
  readonly connector: Program;
}

export async function startEdge(targets: Ports, at?: EdgePorts): Promise<Started<EdgePorts>> {
  const certificate = await (await testAuthority()).issue('good');
  const setup: EdgeSetup = { ...certificate, targets, ...(at === undefined ? {} : { at }) };
  return startProgram<EdgePorts>('edge', setup);
}

export async function startConnector(port: number, links: number): Promise<Started<object>> {
  const setup: ConnectorSetup = { ca: (await testAuthority()).ca, port, links };
  return startProgram('connector', setup);
}

/** Edge and connector with one link; with a distance, the fault proxy is between them. */
export async function startTunnel(targets: Ports, distance?: Omit<ProxySetup, 'port'>): Promise<Tunnel> {
  const scope = new Scope();
  const edge = scope.use(await startEdge(targets));
  let port = edge.hello.tunnel;
  if (distance !== undefined) port = (await startProxy(scope, { port, ...distance })).port;
  const connector = scope.use(await startConnector(port, 1));
  return {
    name: 'tunnel',
    entries: edge.hello.entries,
    edge: edge.program,
    connector: connector.program,
    [Symbol.asyncDispose]: () => scope.close(),
  };
}

export async function startProxy(scope: Scope, setup: ProxySetup): Promise<{ port: number }> {
  return scope.use(await startProgram<{ port: number }>('proxy', setup)).hello;
}

export async function startRaw(targets: Ports): Promise<Relay> {
  const setup: RelaySetup = { role: 'raw', targets };
  const relay = await startProgram<Ports>('relay', setup);
  const { program, hello: entries } = relay;
  return { name: 'raw', program, entries, [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose]() };
}

/** The same two hops in node:tls, a connection for each; `warm` has as many ready as the run will want. */
export async function startTls(targets: Ports, warm: boolean): Promise<Way> {
  const authority = await testAuthority();
  const scope = new Scope();
  const far: RelaySetup = { role: 'tls-connector', targets, ...(await authority.issue('good')) };
  const connector = scope.use(await startProgram<Ports>('relay', far));
  const near: RelaySetup = { role: 'tls-edge', targets: connector.hello, ca: authority.ca };
  const edge = scope.use(await startProgram<Ports>('relay', near));
  return {
    name: warm ? 'tls_warm' : 'tls',
    entries: edge.hello,
    ...(warm ? { prepare: (count: number) => edge.program.ask('fill', { name: 'echo', count }) } : {}),
    [Symbol.asyncDispose]: () => scope.close(),
  };
}

/** `ssh -L` to an sshd of our own; one with what it negotiates itself, one with AES-GCM, which this processor likes. */
export async function startSsh(targets: Ports, cipher?: string): Promise<Way> {
  const scope = new Scope();
  const server = scope.use(await startOpenssh());
  const entries: Partial<Ports> = {};
  for (const name of portNames) entries[name] = await findFreePort();
  const forwards = portNames.flatMap((name) => ['-L', `${host}:${entries[name]}:${host}:${targets[name]}`]);
  const settings = {
    IdentityFile: server.privateKeyFile,
    IdentitiesOnly: 'yes',
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: join(server.privateKeyFile, '../known_hosts'),
    ExitOnForwardFailure: 'yes',
    BatchMode: 'yes',
    LogLevel: 'ERROR',
    ...(cipher === undefined ? {} : { Ciphers: cipher }),
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const flags = ['-F', 'none', '-N', ...options, ...forwards, '-p', String(server.port), `${server.user}@${host}`];
  const client = spawn('ssh', flags, { stdio: ['ignore', 'inherit', 'inherit'] });
  scope.defer(async () => {
    client.kill();
    if (client.exitCode === null && client.signalCode === null) await once(client, 'exit');
  });
  await untilListening(entries.echo!, client);
  const name = cipher === undefined ? 'ssh' : 'ssh_gcm';
  return { name, entries: entries as Ports, [Symbol.asyncDispose]: () => scope.close() };
}

async function untilListening(port: number, client: { readonly exitCode: number | null }): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    if (client.exitCode !== null) throw new Error(`ssh ended with ${client.exitCode}`);
    const socket = connect({ host, port });
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await sleep(20);
  }
  throw new Error('ssh does not listen');
}
