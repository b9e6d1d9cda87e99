// Where ours differs from the oracle on purpose: TLS. Keys are the names of cases.
import type { Differs } from '../../case.ts';

export const differences: Record<string, Differs> = {
  'self-signed': {
    why: "The documented text comes first, then what failed: nobody can mend 'cannot connect'.",
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected:
      'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the certificate is self-signed and not trusted (self-signed certificate)',
  },
  'an authority nobody trusts': {
    why: "The documented text comes first, then what failed: nobody can mend 'cannot connect'.",
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected:
      'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the certificate was issued by an authority that is not trusted (unable to verify the first certificate)',
  },
  expired: {
    why: "The documented text comes first, then what failed: nobody can mend 'cannot connect'.",
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected:
      'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the certificate has expired (certificate has expired)',
  },
  'not yet valid': {
    why: "The documented text comes first, then what failed: nobody can mend 'cannot connect'.",
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected:
      'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the certificate is not valid yet (certificate is not yet valid)',
  },
  'a certificate for another name': {
    why: "The documented text comes first, then what failed: nobody can mend 'cannot connect'.",
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected:
      "rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the certificate is not for this name (Host: localhost. is not in the cert's altnames: DNS:wrong.invalid)",
  },
  'by address, with a certificate for a name only': {
    why: "The documented text comes first, then what failed: nobody can mend 'cannot connect'.",
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected:
      "rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the certificate is not for this name (IP: 127.0.0.1 is not in the cert's list:)",
  },
  'TLS 1.1': {
    why: "The documented text comes first, then what failed: nobody can mend 'cannot connect'.",
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected:
      'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: no common TLS version or cipher (tlsv1 alert protocol version)',
  },
  'a server that speaks plain text': {
    why: "The documented text comes first, then what failed: nobody can mend 'cannot connect'.",
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected:
      'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the server did not answer with TLS (wrong version number)',
  },
  'a server that answers plain text': {
    why: "The documented text comes first, then what failed: nobody can mend 'cannot connect'.",
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected:
      'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the server did not answer with TLS (wrong version number)',
  },
  'a server that ends during the handshake': {
    why: "The documented text comes first, then what failed: nobody can mend 'cannot connect'.",
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected:
      'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the connection ended during the handshake (Client network socket disconnected before secure TLS connection was established)',
  },
  'a server that resets during the handshake': {
    why: "The documented text comes first, then what failed: nobody can mend 'cannot connect'.",
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected:
      'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the connection ended during the handshake (read ECONNRESET)',
  },
  'a refused certificate: closed, a queued write, a pending read': {
    why: 'Everything that waited fails with the reason; see above.',
    clause: 'issue 2, 2; porsager/postgres #1213',
    expected: {
      closed:
        'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the certificate is self-signed and not trusted (self-signed certificate)',
      write:
        'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the certificate is self-signed and not trusted (self-signed certificate)',
      read: 'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the certificate is self-signed and not trusted (self-signed certificate)',
    },
  },
  'the code of a refused certificate': {
    why: 'A stable code for each way in which TLS fails.',
    clause: 'issue 2, 2',
    expected: '"tls_expired"',
  },
  'expectedServerHostname on connect()': {
    why: 'An extension: startTls() has it, and a connection that begins with TLS needs it as much.',
    clause: 'issue 2, 2',
    expected: { sni: 'db.internal', alpn: false, authorized: false, client: null, protocol: 'TLSv1.3' },
  },
  'sni apart from the verified name': {
    why: 'An extension of the WinterTC draft.',
    clause: 'issue 2, 2; WinterTC sockets, sni',
    expected: { sni: 'other.example', alpn: false, authorized: false, client: null, protocol: 'TLSv1.3' },
  },
  'alpn: the server chooses': {
    why: 'An extension of the WinterTC draft.',
    clause: 'issue 2, 2; WinterTC sockets, alpn',
    expected: { sni: 'localhost', alpn: 'postgresql', authorized: false, client: null, protocol: 'TLSv1.3' },
  },
  'alpn: in SocketInfo': {
    why: 'An extension of the WinterTC draft.',
    clause: 'issue 2, 2; WinterTC sockets, SocketInfo',
    expected: '"postgresql"',
  },
  'alpn: no protocol in common': {
    why: 'An extension of the WinterTC draft. A server that speaks none of the offered protocols is refused.',
    clause: 'issue 2, 2; RFC 7301 3.2',
    expected:
      'rejected Error: proxy request failed, cannot connect to the specified address. TLS handshake failed: the server accepted none of the offered protocols (tlsv1 alert no application protocol)',
  },
  'alpn: not an array': {
    why: 'An option that would have no effect is a mistake worth hearing of.',
    clause: 'issue 2, 2',
    expected: 'threw TypeError: alpn must be an array of at most 32 protocol names, each 1 to 255 bytes long.',
  },
  'a server that demands a client certificate and gets none': {
    why: "The documented text of a lost connection, and the server's alert behind it; the runtime says 'internal error'.",
    clause: 'workerd-sockets.md 7.7',
    expected: 'rejected Error: Network connection lost. TLS: tlsv13 alert certificate required',
  },
  'the server ends without close_notify': {
    why: 'node:tls does not tell this from an orderly end, and many servers, those on Node among them, end so. A protocol that must notice truncation says its lengths.',
    clause: 'RFC 8446 6.1',
    expected: ['bye', 'resolved'],
  },
};
