// Runs inside workerd, behind the Cache API: a cache that holds nothing, which a program has to expect of any cache at any
// time, as of Cloudflare's on workers.dev. Without it `caches` throws.
//
// workerd asks in HTTP: GET for match(), answered by what is stored and `cf-cache-status: HIT`; PUT for put(), with the
// response as body; PURGE for delete(), answered 404 when there was nothing [workerd api/cache.c++].

const handlers = {
  async fetch(request: Request): Promise<Response> {
    switch (request.method) {
      case 'PUT':
        await request.body?.pipeTo(new WritableStream());
        return new Response(null, { status: 204 });
      case 'PURGE':
        return new Response(null, { status: 404 });
      default:
        return new Response(null, { status: 504, headers: { 'cf-cache-status': 'MISS' } });
    }
  },
};

// oxlint-disable-next-line import/no-default-export -- workerd looks for it
export { handlers as default };
