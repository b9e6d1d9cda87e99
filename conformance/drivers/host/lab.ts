// The real servers of a run, each variant started when first asked for, all with certificates for `localhost` only:
// whoever checks the name must refuse `wrong.localhost`, which is the same server.
import {
  type Certificate,
  createAuthority,
  type RunningServer,
  type ServerName,
  type ServerTls,
  startGophernicus,
  startMariadb,
  startMosquitto,
  startNats,
  startNgircd,
  startOpenldap,
  startOpenssh,
  startPostgres,
  startRedis,
  startRefusing,
  startSmtp,
  startVsftpd,
} from '@sallyport/testkit';
import {
  hasClientCertificate,
  largeLength,
  type Mode,
  type ServerKind,
  type Target,
  type TlsStart,
} from '../driver.ts';

interface Started extends Pick<RunningServer, 'port' | 'stop'> {
  user?: string;
  password?: string;
  database?: string;
  privateKey?: string;
}

interface Kind {
  name: string;
  /** What has to be installed. */
  needs?: ServerName;
  /** How TLS starts where the mode does not say. */
  usual: 'implicit' | 'upgrade';
  /** One server speaks plainly and upgrades. */
  offers?: true;
  start(tls: ServerTls, begin: TlsStart): Promise<Started>;
}

async function startNobody(): Promise<Started> {
  const { port, close } = await startRefusing();
  return { port, stop: close };
}

export const kinds: Record<ServerKind, Kind> = {
  postgres: {
    name: 'PostgreSQL',
    needs: 'postgres',
    usual: 'upgrade',
    offers: true,
    start: (tls) => startPostgres({ tls }),
  },
  mariadb: { name: 'MariaDB', needs: 'mariadb', usual: 'upgrade', offers: true, start: (tls) => startMariadb({ tls }) },
  redis: {
    name: 'Redis',
    needs: 'redis',
    usual: 'implicit',
    start: (tls, begin) => startRedis(begin === 'none' ? {} : { tls }),
  },
  mosquitto: {
    name: 'Mosquitto',
    needs: 'mosquitto',
    usual: 'implicit',
    start: (tls, begin) => startMosquitto(begin === 'none' ? {} : { tls }),
  },
  nats: {
    name: 'nats-server',
    needs: 'nats',
    usual: 'upgrade',
    start: (tls, begin) => startNats(begin === 'none' ? {} : { tls }),
  },
  openssh: { name: 'OpenSSH', needs: 'openssh', usual: 'upgrade', start: () => startOpenssh() },
  smtp: {
    name: 'smtp-server',
    usual: 'upgrade',
    start: (tls, begin) => startSmtp(begin === 'none' ? {} : { tls, implicit: begin === 'implicit' }),
  },
  vsftpd: {
    name: 'vsftpd',
    needs: 'vsftpd',
    usual: 'upgrade',
    offers: true,
    start: (tls, begin) => startVsftpd({ tls, implicit: begin === 'implicit' }),
  },
  openldap: {
    name: 'OpenLDAP',
    needs: 'openldap',
    usual: 'upgrade',
    offers: true,
    start: (tls, begin) => startOpenldap({ tls, implicit: begin === 'implicit' }),
  },
  ngircd: {
    name: 'ngIRCd',
    needs: 'ngircd',
    usual: 'implicit',
    start: (tls, begin) => startNgircd(begin === 'none' ? {} : { tls }),
  },
  gophernicus: {
    name: 'Gophernicus',
    needs: 'gophernicus',
    usual: 'implicit',
    start: () => startGophernicus({ 'hello.txt': 'é\n', 'large.txt': `${'x'.repeat(largeLength)}\n` }),
  },
  // Where no server can be had: a port that refuses.
  nobody: { name: 'none', usual: 'implicit', start: startNobody },
};

function toStart(kind: ServerKind, mode: Mode): TlsStart {
  if (mode === 'plain') return 'none';
  if (mode === 'tls') return 'implicit';
  return mode === 'starttls' ? 'upgrade' : kinds[kind].usual;
}

export class Lab implements AsyncDisposable {
  readonly ca: string;
  readonly client: Certificate;
  readonly #certificate: Certificate;
  readonly #servers = new Map<string, Promise<Started>>();
  #targets = 0;

  private constructor(ca: string, certificate: Certificate, client: Certificate) {
    this.ca = ca;
    this.#certificate = certificate;
    this.client = client;
  }

  static async create(): Promise<Lab> {
    const { ca, issue } = await createAuthority();
    return new Lab(ca, await issue('good', { names: ['localhost'] }), await issue('client'));
  }

  /** What an exercise in this mode is told; `wrongName` is the same server by a name its certificate lacks. */
  async target(kind: ServerKind, mode: Mode, { wrongName = false } = {}): Promise<Target> {
    const start = toStart(kind, mode);
    const server = await this.#server(kind, start, hasClientCertificate(mode));
    const { port, user = '', password = '', database = '', privateKey = '' } = server;
    const host = wrongName ? 'wrong.localhost' : 'localhost';
    const id = `t${(this.#targets += 1)}`;
    const tls = {
      ...((mode === 'ca' || mode === 'driver-certificate') && { ca: this.ca }),
      ...(mode === 'driver-certificate' && this.client),
    };
    return { id, mode, start, host, port, user, password, database, privateKey, tls };
  }

  #server(kind: ServerKind, start: TlsStart, isMutual: boolean): Promise<Started> {
    const { offers, start: startServer } = kinds[kind];
    const begin = offers === true && start === 'none' ? 'upgrade' : start;
    const key = `${kind} ${begin} ${isMutual}`;
    const tls = { certificate: this.#certificate, ...(isMutual && { clientCa: this.ca }) };
    const started = this.#servers.get(key) ?? startServer(tls, begin);
    this.#servers.set(key, started);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const servers = await Promise.allSettled(this.#servers.values());
    await Promise.all(servers.map((server) => server.status === 'fulfilled' && server.value.stop()));
  }
}
