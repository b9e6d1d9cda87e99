// The connector half: the real Connector with a plain TCP dialler. Prints a line when all its links are registered.
import { argv } from 'node:process';
import { dialTcp } from '@sallyport/egress';
import { Connector } from '@sallyport/tunnel';
import { host } from '../ports.ts';
import { print, serveOrders } from '../../kit/orders.ts';

export interface ConnectorSetup {
  ca: string;
  /** The edge's port, or that of a proxy in front of it. */
  port: number;
  links: number;
}

const { ca, port, links } = JSON.parse(argv[2]!) as ConnectorSetup;
let ready = false;
new Connector({
  ca,
  links,
  tunnelId: 'bench',
  secret: Buffer.alloc(32, 7),
  edges: [{ host, port }],
  serverName: 'localhost',
  dial: async ({ hostname, port: target }, options) =>
    (await dialTcp({ address: hostname, port: target }, options)).stream,
  changed: (live) => {
    if (ready || live < links) return;
    ready = true;
    print({ links });
  },
}).start();
serveOrders({});
