// `/orders/…` is passed on to the private service, everything else is answered here.
interface Env {
  ORDERS: { fetch(request: Request | string, init?: RequestInit): Promise<Response> };
}

/** What the service is called by whoever serves several hosts there; where the request goes is the binding's business. */
const host = 'orders.internal';

const handlers = {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    if (!url.pathname.startsWith('/orders')) return new Response('not here\n', { status: 404 });
    const response = await env.ORDERS.fetch(`http://${host}${url.pathname}${url.search}`, {
      method: request.method,
      headers: { accept: request.headers.get('accept') ?? '*/*' },
      ...(request.body === null ? {} : { body: request.body }),
    });
    // The service's own failures are passed on; that it cannot be reached is ours to say.
    if (response.headers.has('sallyport-error')) return new Response('try again later\n', { status: 503 });
    return response;
  },
};

export { handlers as default };
