// basic-ftp: files up and down by passive data connections.
import { Readable, Writable } from 'node:stream';
import { Client } from 'basic-ftp';
import { type Driver, failureOf, largeLength, type TlsStart } from '../driver.ts';

const secure: Record<TlsStart, boolean | 'implicit'> = { none: false, implicit: 'implicit', upgrade: true };

export const basicFtp: Driver = {
  package: 'basic-ftp',
  protocol: 'FTP',
  server: 'vsftpd',
  worker: {
    plain: 'works',
    tls: 'works',
    starttls: 'works',
    ca: 'works',
    'host-certificate': 'works',
    'driver-certificate': 'works',
  },
  node: { why: 'It makes its own sockets, for each data connection too; no stream can be given to it.' },
  async exercise({ id, start, host, port, user, password, tls }) {
    const client = new Client(20_000);
    try {
      await client.access({ host, port, user, password, secure: secure[start], secureOptions: { ...tls, host } });
      await client.uploadFrom(Readable.from([Buffer.from('é')]), id);
      await client.appendFrom(Readable.from([Buffer.alloc(largeLength, 'x')]), id);
      const size = await client.size(id);
      let read = 0;
      const counting = new Writable({
        write(piece: Buffer, _, done) {
          read += piece.length;
          done();
        },
      });
      await client.downloadTo(counting, id);
      const names = (await client.list()).map(({ name }) => name).filter((name) => name === id);
      const { code } = await failureOf(() => client.size(`${id}-none`));
      await client.remove(id);
      return { size, read, listed: names.length, code: code as number };
    } finally {
      client.close();
    }
  },
  expected: () => ({ size: largeLength + 2, read: largeLength + 2, listed: 1, code: 550 }),
};
