// Answers the questions of running cases: what did a peer see, and what does a part of the case see in another request.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PeerSet } from './peers.ts';

export interface LiveRun {
  peers: PeerSet;
  /** Runs a kept part in another request to the same subject. */
  elsewhere(part: string): Promise<unknown>;
}

export class Control implements AsyncDisposable {
  readonly #runs = new Map<string, LiveRun>();
  readonly #server: Server;
  #count = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        (value) => response.end(JSON.stringify(value)),
        (error: Error) => {
          response.statusCode = 500;
          response.end(JSON.stringify({ crashed: error.message }));
        },
      );
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  static async start(): Promise<Control> {
    const control = new Control();
    await new Promise<void>((resolve) => control.#server.listen(0, '127.0.0.1', resolve));
    return control;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Registers a run and returns its id. */
  add(run: LiveRun): string {
    this.#count += 1;
    const id = String(this.#count);
    this.#runs.set(id, run);
    return id;
  }

  remove(id: string): void {
    this.#runs.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer({ url = '/' }: IncomingMessage): Promise<unknown> {
    const { pathname, searchParams: query } = new URL(url, this.origin);
    const run = this.#runs.get(query.get('run') ?? '');
    if (run === undefined) throw new Error('this run is over');
    if (pathname === '/elsewhere') return run.elsewhere(query.get('part') ?? '');
    const peer = run.peers.get(query.get('peer') ?? '');
    if (pathname === '/wait') return peer.wait(query.get('event') ?? '', Number(query.get('within')));
    if (pathname === '/look') return { received: peer.received, bytes: peer.bytes, events: peer.events };
    throw new Error(`no such question: ${pathname}`);
  }
}
