// The runtime's own module, as far as the Worker transport uses it. Only this package's worker files see it; everybody
// else's import of this name is bound to our socket at bundling.
declare module 'cloudflare:sockets' {
  export interface NativeSocket {
    readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
    readonly writable: WritableStream<Uint8Array>;
    readonly opened: Promise<unknown>;
    close(): Promise<void>;
  }
  export function connect(address: string, options?: { allowHalfOpen?: boolean }): NativeSocket;
}
