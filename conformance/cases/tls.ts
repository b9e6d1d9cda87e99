// TLS from the first byte: what is accepted, what is refused and how that is told, SNI, ALPN, client certificates.
import type { Area, Case, PeerSpec, TlsSpec } from '../case.ts';
import type { Context } from '../guest/context.ts';
import { bytes, countBytes, drain, readChars, readLine, settle, show, soon, tries } from '../guest/observe.ts';

function server(certificate: TlsSpec['certificate'], more: Partial<TlsSpec> = {}, kind: PeerSpec['kind'] = 'echo') {
  return { peer: { kind, tls: { certificate, ...more } } } satisfies Record<string, PeerSpec>;
}

function on({ connect, peers: { peer } }: Context, options: object = {}, host = 'localhost') {
  return connect(`${host}:${peer!.port}`, { secureTransport: 'on', ...options });
}

/** What `identity` says about the handshake. */
async function identity(context: Context, options: object = {}, host = 'localhost'): Promise<unknown> {
  const line = await readLine(on(context, options, host).readable.getReader());
  return line.startsWith('{') ? (JSON.parse(line) as unknown) : line;
}

/** A server that must be refused: what `opened` says. */
function refuses(name: string, peers: Record<string, PeerSpec>, host = 'localhost'): Case {
  return { name, peers, run: (context) => settle(on(context, {}, host).opened.then(() => {})) };
}

export const tls: Area = {
  id: 'tls',
  title: 'TLS',
  cases: [
    {
      name: 'a good certificate: bytes go both ways',
      peers: server('good'),
      async run(context) {
        const socket = on(context);
        await socket.writable.getWriter().write(bytes('sealed'));
        return [socket.secureTransport, await readChars(socket.readable.getReader(), 6)];
      },
    },
    {
      name: 'opened waits for the handshake',
      peers: { peer: { kind: 'silent' } },
      run: (context) => soon(on(context).opened),
    },
    {
      name: 'SNI is the hostname, no ALPN, TLS 1.3',
      peers: server('good', {}, 'identity'),
      run: (context) => identity(context),
    },
    {
      name: 'by address: no SNI',
      peers: server('good', {}, 'identity'),
      run: (context) => identity(context, {}, '127.0.0.1'),
    },
    {
      name: 'TLS 1.2 is accepted',
      peers: server('good', { maxVersion: 'TLSv1.2' }, 'identity'),
      run: (context) => identity(context),
    },
    refuses('self-signed', server('self-signed')),
    refuses('an authority nobody trusts', server('unknown-ca')),
    refuses('expired', server('expired')),
    refuses('not yet valid', server('not-yet-valid')),
    refuses('a certificate for another name', server('wrong-name')),
    refuses('by address, with a certificate for a name only', server('good', { names: ['localhost'] }), '127.0.0.1'),
    refuses('TLS 1.1', server('good', { maxVersion: 'TLSv1.1' })),
    refuses('a server that speaks plain text', { peer: { kind: 'greets', data: '220 ready\r\n' } }),
    refuses('a server that answers plain text', {
      peer: { kind: 'plaintext', data: 'HTTP/1.1 400 Bad Request\r\n\r\n' },
    }),
    refuses('a server that ends during the handshake', { peer: { kind: 'fin-first' } }),
    refuses('a server that resets during the handshake', { peer: { kind: 'reset-after-bytes', bytes: 1 } }),
    refuses('nobody listens', { peer: { kind: 'refuse' } }),
    {
      name: 'a refused certificate: closed, a queued write, a pending read',
      peers: server('self-signed'),
      async run(context) {
        const socket = on(context);
        const write = settle(socket.writable.getWriter().write(bytes('secret')));
        const read = settle(socket.readable.getReader().read());
        return { closed: await settle(socket.closed), write: await write, read: await read };
      },
    },
    {
      name: 'a refused certificate: nothing that was written reaches the server',
      peers: server('wrong-name'),
      async run(context) {
        const socket = on(context);
        socket.writable
          .getWriter()
          .write(bytes('secret'))
          .catch(() => {});
        await settle(socket.closed);
        return context.byteCount('peer');
      },
    },
    {
      name: 'the code of a refused certificate',
      peers: server('expired'),
      run: (context) =>
        on(context).opened.then(
          () => 'opened',
          (error: { code?: string }) => show(error.code),
        ),
    },
    {
      name: 'expectedServerHostname on connect()',
      peers: server('good', { names: ['db.internal'] }, 'identity'),
      run: (context) => identity(context, { expectedServerHostname: 'db.internal' }),
    },
    {
      name: 'sni apart from the verified name',
      peers: server('good', {}, 'identity'),
      run: (context) => identity(context, { sni: 'other.example' }),
    },
    {
      name: 'alpn: the server chooses',
      peers: server('good', { alpn: ['h2', 'postgresql'] }, 'identity'),
      run: (context) => identity(context, { alpn: ['postgresql'] }),
    },
    {
      name: 'alpn: in SocketInfo',
      peers: server('good', { alpn: ['postgresql'] }),
      async run(context) {
        const info = (await on(context, { alpn: ['x', 'postgresql'] }).opened) as unknown as Record<string, unknown>;
        return show(info['alpn']);
      },
    },
    {
      name: 'alpn: no protocol in common',
      peers: server('good', { alpn: ['postgresql'] }),
      run: (context) => settle(on(context, { alpn: ['mysql'] }).opened.then(() => {})),
    },
    {
      name: 'alpn: not an array',
      run: ({ connect }) => tries(() => connect('localhost:1', { alpn: 'h2' })),
    },
    {
      name: 'a server that demands a client certificate and gets none',
      peers: server('good', { demandsCertificate: true }),
      run: (context) => settle(on(context).readable.getReader().read()),
    },
    {
      name: "a client certificate from the host's configuration",
      peers: server('good', { demandsCertificate: true }, 'identity'),
      clientCertificate: true,
      run: (context) => identity(context),
    },
    {
      name: 'the server ends: close_notify is an end of stream',
      peers: { peer: { kind: 'slow', data: 'bye', tls: { certificate: 'good' } } },
      async run(context) {
        const socket = on(context);
        return [await drain(socket.readable.getReader()), await settle(socket.closed)];
      },
    },
    {
      // A Node server that ends right after the handshake sends no close_notify.
      name: 'the server ends without close_notify',
      peers: { peer: { kind: 'fin-after', data: 'bye', tls: { certificate: 'good' } } },
      async run(context) {
        const socket = on(context);
        return [await drain(socket.readable.getReader()), await settle(socket.closed)];
      },
    },
    {
      name: 'half-open inside TLS',
      peers: { peer: { kind: 'slow', data: 'bye', tls: { certificate: 'good' } } },
      async run(context) {
        const socket = on(context, { allowHalfOpen: true });
        const text = await drain(socket.readable.getReader());
        await socket.writable.getWriter().write(bytes('after'));
        return [text, await context.receives('peer', 5)];
      },
    },
    {
      name: 'writer.close() inside TLS, then the answer',
      peers: { peer: { kind: 'sink', tls: { certificate: 'good' } } },
      async run(context) {
        const socket = on(context);
        const writer = socket.writable.getWriter();
        writer.write(bytes('abc')).catch(() => {});
        await writer.close();
        return (await drain(socket.readable.getReader())).startsWith('{"bytes":3');
      },
    },
    {
      name: 'close() inside TLS: the peer sees an orderly end',
      peers: server('good'),
      async run(context) {
        const socket = on(context);
        // With this the server's session tickets have been read; closing over unread bytes would reset.
        await socket.writable.getWriter().write(bytes('x'));
        await readChars(socket.readable.getReader(), 1);
        await socket.close();
        return [await context.sees('peer', 'fin'), await settle(socket.closed)];
      },
    },
    {
      name: '1 MiB through TLS',
      peers: { peer: { kind: 'source', bytes: 1024 * 1024, tls: { certificate: 'good' } } },
      run: (context) => countBytes(on(context).readable.getReader()),
    },
  ],
};
