// ldapts: a bind, an entry written and found, an entry that is there already.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Client } from 'ldapts';
import { type Driver, failureOf, largeLength } from '../driver.ts';

const ownTls = {
  why: "The driver's own TLS runs over our stream, in this process: what it trusts is its argument of `startTLS()`.",
};

export const ldapts: Driver = {
  package: 'ldapts',
  protocol: 'LDAP',
  server: 'openldap',
  worker: {
    plain: 'works',
    tls: 'works',
    starttls: 'works',
    ca: 'works',
    'host-certificate': 'works',
    'driver-certificate': 'works',
  },
  node: {
    plain: 'works',
    tls: 'works',
    starttls: ownTls,
    ca: 'works',
    'host-certificate': ownTls,
    'driver-certificate': 'works',
  },
  async exercise({ id, start, host, port, user, password, database, tls }, open) {
    const client = new Client({
      url: `${start === 'implicit' ? 'ldaps' : 'ldap'}://${host}:${port}`,
      timeout: 10_000,
      ...(start === 'implicit' && { tlsOptions: tls }),
      ...(open && { createConnection: () => open({ host, port }) as unknown as Socket }),
      // Asked for upgrades as well, which it makes itself when it is not given this.
      ...(open &&
        start === 'implicit' && {
          createSecureConnection: () => {
            const stream = open({ host, port, secure: true });
            stream.once('connect', () => stream.emit('secureConnect'));
            return stream as unknown as TLSSocket;
          },
        }),
    });
    try {
      if (start === 'upgrade') await client.startTLS({ ...tls, host });
      await client.bind(user, password);
      const base = `dc=${id},${database}`;
      await client.add(database, { objectClass: ['dcObject', 'organization'], dc: 'test', o: 'é' }).catch(() => {});
      await client.add(base, { objectClass: ['dcObject', 'organization'], dc: id, o: 'x'.repeat(largeLength) });
      const { searchEntries } = await client.search(base, { scope: 'base' });
      const { name } = await failureOf(() =>
        client.add(base, { objectClass: ['dcObject', 'organization'], dc: id, o: 'again' }),
      );
      await client.del(base);
      return { large: String(searchEntries[0]!['o']).length, dn: searchEntries[0]!.dn === base, error: name as string };
    } finally {
      await client.unbind();
    }
  },
  expected: () => ({ large: largeLength, dn: true, error: 'AlreadyExistsError' }),
};
