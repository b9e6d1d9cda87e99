// What a Worker does with a private network: a driver, a protocol by hand, a StartTLS upgrade, and what is forbidden.
import { blocked } from './blocked.ts';
import { raw } from './raw.ts';
import { rows } from './rows.ts';
import { seventh } from './seventh.ts';
import { startTls } from './start-tls.ts';

export interface Env {
  /** Connection string of the database. */
  DATABASE: string;
  /** `host:port` of a server that speaks a line protocol with STARTTLS. */
  MAIL: string;
  /** `host:port` of a server that echoes. */
  ECHO: string;
}

const routes: Record<string, (env: Env) => Promise<unknown>> = {
  '/': rows,
  '/raw': raw,
  '/starttls': startTls,
  '/blocked': blocked,
  '/seventh': seventh,
};

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const route = routes[new URL(request.url).pathname];
    if (route === undefined) return Response.json({ routes: Object.keys(routes) }, { status: 404 });
    return Response.json(await route(env));
  },
};
