// Where ours differs from the oracle on purpose: startTls(). Keys are the names of cases.
import type { Differs } from '../../case.ts';

export const differences: Record<string, Differs> = {
  'opened: remoteAddress of the new socket': {
    why: 'As for connect(): the real address.',
    clause: 'Workers documentation of TCP sockets, SocketInfo; issue 2, 2',
    expected: '"127.0.0.1:<peer>"',
  },
  'a self-signed certificate': {
    why: "A failed upgrade says what failed; the runtime says 'internal error'.",
    clause: 'issue 2, 2',
    expected: {
      opened:
        'rejected Error: TLS Handshake Failed. the certificate is self-signed and not trusted (self-signed certificate)',
      closed:
        'rejected Error: TLS Handshake Failed. the certificate is self-signed and not trusted (self-signed certificate)',
    },
  },
  'an unknown authority': {
    why: "A failed upgrade says what failed; the runtime says 'internal error'.",
    clause: 'issue 2, 2',
    expected: {
      opened:
        'rejected Error: TLS Handshake Failed. the certificate was issued by an authority that is not trusted (unable to verify the first certificate)',
      closed:
        'rejected Error: TLS Handshake Failed. the certificate was issued by an authority that is not trusted (unable to verify the first certificate)',
    },
  },
  'an expired certificate': {
    why: "A failed upgrade says what failed; the runtime says 'internal error'.",
    clause: 'issue 2, 2',
    expected: {
      opened: 'rejected Error: TLS Handshake Failed. the certificate has expired (certificate has expired)',
      closed: 'rejected Error: TLS Handshake Failed. the certificate has expired (certificate has expired)',
    },
  },
  'a certificate for another name': {
    why: "A failed upgrade says what failed; the runtime says 'internal error'.",
    clause: 'issue 2, 2',
    expected: {
      opened:
        "rejected Error: TLS Handshake Failed. the certificate is not for this name (Host: localhost. is not in the cert's altnames: DNS:wrong.invalid)",
      closed:
        "rejected Error: TLS Handshake Failed. the certificate is not for this name (Host: localhost. is not in the cert's altnames: DNS:wrong.invalid)",
    },
  },
  'a server that answers the handshake with text': {
    why: "A failed upgrade says what failed; the runtime says 'internal error'.",
    clause: 'issue 2, 2',
    expected: 'rejected Error: TLS Handshake Failed.',
  },
  'a server that ends the connection': {
    why: "A failed upgrade says what failed; the runtime says 'internal error'.",
    clause: 'issue 2, 2',
    expected: 'rejected Error: TLS Handshake Failed. the connection ended during the handshake',
  },
  'expectedServerHostname that the certificate is not for': {
    why: "A failed upgrade says what failed; the runtime says 'internal error'.",
    clause: 'issue 2, 2',
    expected: {
      opened:
        "rejected Error: TLS Handshake Failed. the certificate is not for this name (Host: other.example. is not in the cert's altnames: DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1)",
      closed:
        "rejected Error: TLS Handshake Failed. the certificate is not for this name (Host: other.example. is not in the cert's altnames: DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1)",
    },
  },
  'a failed handshake: reads and writes of the new socket': {
    why: "A failed upgrade says what failed; the runtime says 'internal error'.",
    clause: 'issue 2, 2',
    expected: {
      write:
        'rejected Error: TLS Handshake Failed. the certificate is self-signed and not trusted (self-signed certificate)',
      read: 'rejected Error: TLS Handshake Failed. the certificate is self-signed and not trusted (self-signed certificate)',
    },
  },
  'a server that never answers the handshake': {
    why: 'close() gives a pending handshake up at once. The runtime waits for it.',
    clause: 'issue 2, 2',
    expected: { opened: 'pending', close: 'resolved' },
  },
  'expectedServerHostname null': {
    why: 'null is nothing, not the name "null".',
    clause: 'workerd-sockets.md 2.5',
    expected: { opened: 'resolved', closed: 'pending' },
  },
  'plaintext injected behind the answer, unread': {
    why: 'Refused as with the runtime, and told apart from a broken handshake: someone may be injecting data.',
    clause: 'CVE-2011-0411; issue 2, 2',
    expected: 'rejected Error: TLS Handshake Failed. bytes that were received in the clear had not been read',
  },
  'the old writer is locked': {
    why: 'Fails clearly and at once, and the socket stays usable. In the runtime `opened` never settles.',
    clause: 'issue 2, 2',
    expected:
      'threw TypeError: This WritableStream is currently locked to a writer. Call writer.releaseLock() before startTls().',
  },
  'the old reader is locked': {
    why: 'Fails clearly and at once, and the socket stays usable. In the runtime `opened` never settles.',
    clause: 'issue 2, 2',
    expected:
      'threw TypeError: The ReadableStream has been locked to a reader. Call reader.releaseLock() before startTls().',
  },
  'the connection is refused': {
    why: 'Both sockets reject with the reason. In the runtime the new one never settles.',
    clause: 'workerd-sockets.md 7.4',
    expected: {
      opened: 'rejected Error: proxy request failed, cannot connect to the specified address',
      closed: 'rejected Error: proxy request failed, cannot connect to the specified address',
      old: [
        'rejected Error: proxy request failed, cannot connect to the specified address',
        'rejected Error: proxy request failed, cannot connect to the specified address',
      ],
    },
  },
};
