// Runs inside workerd, between workerd and the user's exports: every entry into user code becomes one invocation, so
// that sockets know which request they belong to, and what a handler throws is reported with its stack (workerd prints
// the message alone).
//
// Classes are not subclassed or proxied, because both are visible to user code (`new.target`, `this.constructor`,
// private members). Methods are replaced on the class's own prototypes; the exported constructor is a function that
// shares the class's prototype and constructs exactly the user's class.

type Func = (this: unknown, ...args: unknown[]) => unknown;
type Class = abstract new (...args: unknown[]) => object;

/** Runs `fn` as one invocation and returns its result untouched; inside an invocation it just calls `fn`. */
export type WithInvocation = <T>(fn: () => T) => T;

interface Wrapper {
  wrapDefault(value: unknown): unknown;
  wrapExport(value: unknown, name: string): unknown;
}

/** Starts the line on which a thrown error travels to the supervisor; see `runtime/log-lines.ts`. */
export const exceptionMarker = '\u001esallyport:exception';

/** Calls by the runtime, as opposed to RPC methods whose caller gets the error. */
const events = new Set([
  'fetch',
  'connect',
  'scheduled',
  'queue',
  'email',
  'tail',
  'trace',
  'tailStream',
  'test',
  'alarm',
  'webSocketMessage',
  'webSocketClose',
  'webSocketError',
]);

const deepestCause = 5;

const isFunction = (value: unknown): value is Func => typeof value === 'function';
const isNative = (value: object): boolean => Function.prototype.toString.call(value).includes('[native code]');

/** True for an object with at least one handler; other exported objects are data. */
const isHandlers = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && [...events].some((key) => isFunction(Reflect.get(value, key)));

/** Objects that are no errors are thrown too; `[object Object]` would say nothing about them. */
function toText(value: unknown): string {
  const text = String(value);
  if (text !== '[object Object]') return text;
  try {
    return (JSON.stringify(value) as string | undefined) ?? text;
  } catch {
    return text;
  }
}

function describe(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { name: 'Thrown', message: toText(error) };
  const { code, remedy, retryable } = error as Error & Record<'code' | 'remedy' | 'retryable', unknown>;
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    ...(typeof code === 'string' && { code }),
    ...(typeof remedy === 'string' && { remedy }),
    ...(retryable === true && { retryable }),
    ...(error.cause !== undefined && depth < deepestCause && { cause: describe(error.cause, depth + 1) }),
  };
}

/** True when the runtime would treat the export as an entrypoint or Durable Object class. */
function extendsRuntimeClass(value: object): boolean {
  let parent: unknown = Object.getPrototypeOf(value);
  while (typeof parent === 'function' && parent !== Function.prototype) {
    if (isNative(parent)) return true;
    parent = Object.getPrototypeOf(parent);
  }
  return false;
}

/** Copies name and length, so that the stand-in looks like the original. */
function inGuiseOf<T extends object>(standIn: T, original: object): T {
  for (const key of ['name', 'length']) {
    const descriptor = Object.getOwnPropertyDescriptor(original, key);
    if (descriptor) Object.defineProperty(standIn, key, descriptor);
  }
  return standIn;
}

export function createWrapper(withInvocation: WithInvocation, durableObjects: readonly string[]): Wrapper {
  // User code may replace console.error later.
  const { error: print } = console;
  const reported = new WeakSet<object>();
  const patched = new WeakSet<object>();

  function report(event: string, error: unknown): void {
    if (typeof error === 'object' && error !== null) {
      if (reported.has(error)) return;
      reported.add(error);
    }
    try {
      print(exceptionMarker, JSON.stringify({ event, error: describe(error) }));
    } catch {
      // An error whose own getters throw is still thrown on to the runtime, which reports it.
    }
  }

  // User listeners run after this one and may take the rejection for handled.
  (globalThis as unknown as EventTarget).addEventListener('unhandledrejection', (event) => {
    queueMicrotask(() => {
      if (!event.defaultPrevented) report('unhandledrejection', (event as Event & { reason: unknown }).reason);
    });
  });

  /** workerd says nothing about a promise of `waitUntil()` that rejects. */
  function patchContext(context: unknown): void {
    if (typeof context !== 'object' || context === null) return;
    const prototype = Object.getPrototypeOf(context) as object | null;
    if (prototype === null || patched.has(prototype)) return;
    patched.add(prototype);
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'waitUntil');
    const waitUntil: unknown = descriptor?.value;
    if (!isFunction(waitUntil) || !isNative(waitUntil)) return;
    const { wrapped } = {
      wrapped(this: unknown, ...args: unknown[]): unknown {
        const [promise] = args;
        const result = Reflect.apply(waitUntil, this, args);
        if (promise instanceof Promise) promise.catch((error: unknown) => report('waitUntil', error));
        return result;
      },
    };
    Object.defineProperty(prototype, 'waitUntil', { ...descriptor, value: inGuiseOf(wrapped, waitUntil) });
  }

  function call(event: string | undefined, run: () => unknown): unknown {
    if (event === undefined) return withInvocation(run);
    const failed = (error: unknown): never => {
      report(event, error);
      throw error;
    };
    try {
      const result = withInvocation(run);
      return result instanceof Promise ? result.catch(failed) : result;
    } catch (error) {
      return failed(error);
    }
  }

  function wrapMethod(method: Func, key: PropertyKey, subject?: object): Func {
    const event = typeof key === 'string' && events.has(key) ? key : undefined;
    // Shorthand, because methods cannot be constructed either.
    const { wrapped } = {
      wrapped(this: unknown, ...args: unknown[]): unknown {
        const target = subject ?? this;
        if (event !== undefined) patchContext(args[2]);
        return call(event, () => Reflect.apply(method, target, args));
      },
    };
    return inGuiseOf(wrapped, method);
  }

  function patchMember(owner: object, key: PropertyKey): void {
    const descriptor = Object.getOwnPropertyDescriptor(owner, key);
    if (!descriptor?.configurable) return;
    if (isFunction(descriptor.value)) {
      Object.defineProperty(owner, key, { ...descriptor, value: wrapMethod(descriptor.value, key) });
    } else if (descriptor.get) {
      Object.defineProperty(owner, key, { ...descriptor, get: wrapMethod(descriptor.get, Symbol('getter')) });
    }
  }

  function patchPrototypes(first: object): void {
    let prototype: object | null = first;
    while (prototype && prototype !== Object.prototype && !patched.has(prototype)) {
      const owner: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
      if (isFunction(owner) && isNative(owner)) return;
      patched.add(prototype);
      for (const key of Reflect.ownKeys(prototype)) if (key !== 'constructor') patchMember(prototype, key);
      prototype = Object.getPrototypeOf(prototype) as object | null;
    }
  }

  function wrapClass(original: Class): unknown {
    patchPrototypes(original.prototype as object);
    function Entry(...args: unknown[]): object {
      const target = new.target === Entry ? original : new.target;
      patchContext(args[0]);
      return call('constructor', () => {
        const instance = Reflect.construct(original, args, target) as object;
        // Handlers written as class fields: `fetch = async () => …`.
        for (const key of events) if (Object.hasOwn(instance, key)) patchMember(instance, key);
        return instance;
      }) as object;
    }
    Entry.prototype = original.prototype as object;
    Object.setPrototypeOf(Entry, original);
    return inGuiseOf(Entry, original);
  }

  // The proxy's target is an empty object, so frozen handlers may be replaced too.
  function wrapHandlers(handlers: object): object {
    const wrappers = new WeakMap<Func, Func>();
    const read = (key: PropertyKey): unknown => {
      const value: unknown = Reflect.get(handlers, key, handlers);
      if (!isFunction(value) || key === 'constructor') return value;
      const known = wrappers.get(value) ?? wrapMethod(value, key, handlers);
      wrappers.set(value, known);
      return known;
    };
    return new Proxy(Object.create(Object.getPrototypeOf(handlers) as object | null) as object, {
      get: (_, key) => read(key),
      has: (_, key) => Reflect.has(handlers, key),
      ownKeys: () => Reflect.ownKeys(handlers),
      getOwnPropertyDescriptor: (_, key) =>
        Object.hasOwn(handlers, key)
          ? { value: read(key), enumerable: true, configurable: true, writable: true }
          : undefined,
    });
  }

  return {
    wrapDefault(value) {
      if (typeof value === 'function') return wrapClass(value as unknown as Class);
      return typeof value === 'object' && value !== null ? wrapHandlers(value) : value;
    },
    wrapExport(value, name) {
      if (typeof value === 'function') {
        const isEntrypoint = durableObjects.includes(name) || extendsRuntimeClass(value);
        return isEntrypoint ? wrapClass(value as unknown as Class) : value;
      }
      return isHandlers(value) ? wrapHandlers(value) : value;
    },
  };
}
