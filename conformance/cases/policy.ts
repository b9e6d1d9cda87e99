// Where a Worker may not connect. The oracle enforces none of it, and a program of one's own on Node answers to nobody.
import type { Area, Case } from '../case.ts';
import { settle, show } from '../guest/observe.ts';

const ours = ['worker'] as const;

const cannotConnect = 'rejected Error: proxy request failed, cannot connect to the specified address';

/** Without an oracle: what it would reach depends on the machine. */
function denied(address: string): Case {
  return {
    name: `${address} is denied`,
    subjects: ours,
    differs: {
      why: 'Cloud metadata, link-local and reserved addresses are closed to Workers whatever the network around them is.',
      clause: 'DESIGN.md, Egress',
      expected: [cannotConnect, '"destination_denied"'],
    },
    async run({ connect }) {
      const socket = connect(address);
      const code = await socket.opened.then(
        () => 'opened',
        (error: { code?: string }) => show(error.code),
      );
      return [await settle(socket.opened), code];
    },
  };
}

export const policy: Area = {
  id: 'policy',
  title: 'Policy',
  cases: [
    {
      name: 'port 25',
      subjects: ['oracle', 'worker'],
      run: ({ connect }) => settle(connect('127.0.0.1:25').opened),
    },
    {
      name: 'port 25 in an object',
      subjects: ['oracle', 'worker'],
      run: ({ connect }) => settle(connect({ hostname: '[::1]', port: 25 }).closed),
    },
    {
      name: "a listener of the edge's own is a loop",
      subjects: ['oracle', 'worker'],
      peers: { loop: { kind: 'own-listener' } },
      run: ({ connect, peers: { loop } }) => settle(connect(loop!.address).opened.then(() => {})),
    },
    {
      name: "a listener of the edge's own, spelled 0x7f.1",
      subjects: ['oracle', 'worker'],
      peers: { loop: { kind: 'own-listener' } },
      run: ({ connect, peers: { loop } }) => settle(connect(`0x7f.1:${loop!.port}`).opened.then(() => {})),
    },
    denied('169.254.169.254:8080'),
    denied('2852039166:8080'),
    denied('[::ffff:169.254.169.254]:8080'),
    denied('[fe80::1]:8080'),
    denied('100.64.0.1:8080'),
    denied('224.0.0.1:8080'),
    denied('255.255.255.255:8080'),
    {
      name: 'loopback and private networks are open in development',
      subjects: ['oracle', 'worker'],
      peers: { peer: { kind: 'echo' } },
      run: ({ connect, peers: { peer } }) => settle(connect(peer!.address).opened.then(() => {})),
    },
  ],
};
