// The test kit's fault proxy in a process of its own: distance and a narrow line. Prints its port as one JSON line.
import { argv } from 'node:process';
import { startFaultProxy } from '../../../packages/testkit/src/fault-proxy.ts';
import { host } from '../ports.ts';
import { print, serveOrders } from '../../kit/orders.ts';

export interface ProxySetup {
  port: number;
  /** One way, in milliseconds. */
  delay: number;
  bytesPerSecond: number;
}

const { port, ...faults } = JSON.parse(argv[2]!) as ProxySetup;
const proxy = await startFaultProxy({ host, port }, faults);
serveOrders({});
print({ port: proxy.port });
