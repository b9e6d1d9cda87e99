// What a Worker does with a private network: a driver, a protocol by hand, a StartTLS upgrade, and what is forbidden.
import { blocked } from './blocked.ts';
import { direct } from './direct.ts';
import { raw } from './raw.ts';
import { rows } from './rows.ts';
import { seventh } from './seventh.ts';
import { startTls } from './start-tls.ts';

/** What a Hyperdrive binding gives a driver [Hyperdrive: binding]. */
export interface Hyperdrive {
  connectionString: string;
}

export interface Env {
  /** The database once more, pooled and cached. */
  DB: Hyperdrive;
  /** Connection strings of the database: by its name, and by its address. */
  DATABASE: string;
  DATABASE_BY_ADDRESS: string;
  /** `host:port` of a server that speaks a line protocol with STARTTLS. */
  MAIL: string;
  /** `host:port` of a server that echoes. */
  ECHO: string;
  /** `host:port` pairs that lead past the tunnel, if anything does. */
  DIRECT: string[];
}

const routes: Record<string, (env: Env) => Promise<unknown>> = {
  '/': (env) => rows(env.DATABASE),
  '/pooled': (env) => rows(env.DB.connectionString),
  '/by-address': (env) => rows(env.DATABASE_BY_ADDRESS),
  '/direct': direct,
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
