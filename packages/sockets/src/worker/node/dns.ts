/**
 * `node:dns` in a Worker that the edge runs: see `dns-promises.ts`.
 *
 * @module
 */
import * as native from 'node:dns';
import type { FoundAddress, LookupOptions } from './dns-questions.ts';
import { checkName } from './dns-questions.ts';
import * as asked from './dns-promises.ts';
import { invalidArgument } from './node-errors.ts';

export * from 'node:dns';

/** The same object as the default export of `node:dns/promises`. */
export const promises: object = asked.default;

type Done = (error: Error | null, ...results: unknown[]) => void;

function toCallback(args: readonly unknown[]): Done {
  const callback = args.at(-1);
  if (typeof callback === 'function') return callback as Done;
  throw invalidArgument('The "callback" argument must be of type function.', 'ERR_INVALID_ARG_TYPE');
}

/** What a callback throws is not the question's failure. */
function settle(answer: Promise<unknown>, done: (error: Error | null, result?: unknown) => void): void {
  answer.then(
    (result) => queueMicrotask(() => done(null, result)),
    (error: Error) => queueMicrotask(() => done(error)),
  );
}

export function lookup(hostname: string, ...args: unknown[]): void {
  checkName(hostname);
  const done = toCallback(args);
  const given = args.length > 1 ? args[0] : undefined;
  const options: LookupOptions = typeof given === 'number' ? { family: given } : ((given ?? {}) as LookupOptions);
  settle(asked.lookup(hostname, options), (error, result) => {
    if (error !== null) done(error);
    else if (options.all === true) done(null, result);
    else done(null, (result as FoundAddress).address, (result as FoundAddress).family);
  });
}

type Ask = (...args: unknown[]) => void;

const ask =
  (question: (...args: never[]) => Promise<unknown>): Ask =>
  (...args) => {
    const done = toCallback(args);
    settle(question(...(args.slice(0, -1) as never[])), done);
  };

export const lookupService: Ask = ask(asked.lookupService);
export const resolve: Ask = ask(asked.resolve);
export const resolve4: Ask = ask(asked.resolve4);
export const resolve6: Ask = ask(asked.resolve6);
export const resolveAny: Ask = ask(asked.resolveAny);
export const resolveCaa: Ask = ask(asked.resolveCaa);
export const resolveCname: Ask = ask(asked.resolveCname);
export const resolveMx: Ask = ask(asked.resolveMx);
export const resolveNaptr: Ask = ask(asked.resolveNaptr);
export const resolveNs: Ask = ask(asked.resolveNs);
export const resolvePtr: Ask = ask(asked.resolvePtr);
export const resolveSoa: Ask = ask(asked.resolveSoa);
export const resolveSrv: Ask = ask(asked.resolveSrv);
export const resolveTxt: Ask = ask(asked.resolveTxt);
export const reverse: Ask = ask(asked.reverse);
export const getServers: () => string[] = asked.getServers;
export const setServers: () => never = asked.setServers;

const questions = {
  getServers,
  setServers,
  resolve,
  resolve4,
  resolve6,
  resolveAny,
  resolveCaa,
  resolveCname,
  resolveMx,
  resolveNaptr,
  resolveNs,
  resolvePtr,
  resolveSoa,
  resolveSrv,
  resolveTxt,
  reverse,
};

/** All questions go the same way, so a resolver has nothing of its own. */
export class Resolver {
  cancel(): void {}
  setLocalAddress(): void {}
}
Object.assign(Resolver.prototype, questions);

// A socket that is given this as `lookup` asks the gateway for the name itself, which is one question less.
Object.assign(lookup, { isOurs: true });

const { default: own } = native as unknown as { default: object };

const dns: object = { ...own, ...questions, lookup, lookupService, promises, Resolver };
export default dns;
