// What a binding to a private service or network is when its configuration says `"errors": "throw"`: the same, but what
// the edge answers in place of a service that it cannot reach becomes an error with the documented code.

interface Service {
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  connect(...address: unknown[]): unknown;
}

/** Says that a response is the edge's own, with the precise code. */
const mark = 'sallyport-error';

/** The runtime calls it once for each binding. */
// oxlint-disable-next-line import/no-default-export -- the runtime looks for it under this name
export default function defineThrowing({ service }: { service: Service }): Service {
  return {
    async fetch(input, init) {
      const response = await service.fetch(input, init);
      if (response.status !== 500 || !response.headers.has(mark)) return response;
      const message = await response.text();
      const code = message.replace(/^ProxyError: /, '');
      throw Object.assign(new Error(message), { code, reason: response.headers.get(mark) });
    },
    connect: (...address) => service.connect(...address),
  };
}
