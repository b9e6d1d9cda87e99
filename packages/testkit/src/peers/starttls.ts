// A small line protocol that upgrades to TLS, as SMTP, IMAP and friends do, and the ways in which a server can get the
// upgrade wrong.
//
//   S: 220 ready        C: STARTTLS        S: 220 go        (TLS handshake)        then: echo
//
// Before the upgrade every other line is answered with `250 ` and the line.
import type { Socket } from 'node:net';
import type { Behaviour, Peer } from './peer.ts';
import type { PeerTls } from './tls.ts';

/**
 * `upgrade` does it right. `refuse` answers `502 no` and stays plain. `inject` puts a plaintext line behind `220 go` in
 * the same segment, as a man in the middle would [CVE-2011-0411]. `hang` never answers the handshake. `garbage` answers
 * it with plain text. `drop` ends the connection after `220 go`.
 */
export type StartTlsVariant = 'upgrade' | 'refuse' | 'inject' | 'hang' | 'garbage' | 'drop';

/** The longest line it takes before it gives up on the client. */
const longestLine = 8 * 1024;

/** What the `inject` variant puts into the plaintext, for a test to look for. */
export const injectedLine = '250 injected\r\n';

async function upgrade(socket: Socket, peer: Peer, tls: PeerTls, rest: Buffer): Promise<void> {
  if (rest.length > 0) socket.unshift(rest);
  const secured = await peer.secure(socket, tls);
  secured?.pipe(secured);
}

export function startTlsBehaviour(variant: StartTlsVariant, tls: PeerTls): Behaviour {
  function accept(socket: Socket, peer: Peer, rest: Buffer): void {
    const go = '220 go\r\n';
    if (variant === 'drop') return void socket.end(go);
    socket.write(variant === 'inject' ? go + injectedLine : go);
    if (variant === 'garbage') return void socket.write('this is not TLS\r\n');
    if (variant !== 'hang') void upgrade(socket, peer, tls, rest);
  }

  function run(socket: Socket, peer: Peer): void {
    let buffered = Buffer.alloc(0);
    function read(chunk: Buffer): void {
      buffered = Buffer.concat([buffered, chunk]);
      if (buffered.length > longestLine) return void socket.destroy();
      for (let end = buffered.indexOf('\n'); end !== -1; end = buffered.indexOf('\n')) {
        const line = buffered.subarray(0, end).toString().replace(/\r$/, '');
        buffered = buffered.subarray(end + 1);
        peer.record('line', socket, { line });
        if (line.toUpperCase() !== 'STARTTLS') socket.write(`250 ${line}\r\n`);
        else if (variant === 'refuse') socket.write('502 no\r\n');
        else {
          socket.off('data', read);
          return accept(socket, peer, buffered);
        }
      }
    }
    socket.on('data', read);
    socket.once('end', () => socket.end());
    socket.write('220 ready\r\n');
  }

  return { run };
}
