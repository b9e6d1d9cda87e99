// Every driver, in the order of the page.
import type { Driver } from '../driver.ts';
import { basicFtp } from './basic-ftp.ts';
import { gopher } from './gopher.ts';
import { ioredis } from './ioredis.ts';
import { ircFramework } from './irc-framework.ts';
import { ldapts } from './ldapts.ts';
import { mongodb } from './mongodb.ts';
import { mqtt } from './mqtt.ts';
import { mysql2 } from './mysql2.ts';
import { nats } from './nats.ts';
import { nodemailer } from './nodemailer.ts';
import { pg } from './pg.ts';
import { postgresJs } from './postgres-js.ts';
import { redis } from './redis.ts';
import { ssh2 } from './ssh2.ts';
import { workerMailer } from './worker-mailer.ts';

export const drivers: readonly Driver[] = [
  pg,
  postgresJs,
  mysql2,
  mongodb,
  redis,
  ioredis,
  mqtt,
  nats,
  nodemailer,
  workerMailer,
  ssh2,
  basicFtp,
  ldapts,
  ircFramework,
  gopher,
];
