// MQTT.js, given a stream in both places: in a Worker it takes itself to be in a browser and would speak WebSocket.
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import mqttJs from 'mqtt';
import { type Driver, failureOf, isSecure, largeLength } from '../driver.ts';

export const mqtt: Driver = {
  package: 'mqtt',
  protocol: 'MQTT',
  server: 'mosquitto',
  note: 'It takes a Worker for a browser, where its `connect()` speaks WebSocket only: `new MqttClient(() => connect(port, host), …)`, with `connect` of `node:net` or `node:tls`, speaks TCP. Aliases of `mqtt` to `mqtt/index` and of `readable-stream` to `node:stream`, because what bundlers for Workers take instead keeps one queue of ticks for all requests, and stops when two run at once.',
  worker: { plain: 'works', tls: 'works', ca: 'works', 'host-certificate': 'works', 'driver-certificate': 'works' },
  node: { plain: 'works', tls: 'works', 'host-certificate': 'works' },
  async exercise({ id, mode, host, port, tls }, open) {
    const secure = isSecure(mode);
    const dial = (): Duplex => {
      if (open) return open({ host, port, secure });
      return secure ? connectTls({ host, port, servername: host, ...tls }) : connect(port, host);
    };
    const client = new mqttJs.MqttClient(dial as never, {
      protocolVersion: 5,
      reconnectPeriod: 0,
      connectTimeout: 10_000,
    });
    await new Promise<void>((resolve, reject) => {
      client
        .once('connect', () => resolve())
        .once('error', reject)
        .once('close', () => reject(new Error('closed')));
    });
    const received: string[] = [];
    const both = new Promise<void>((resolve) => {
      client.on('message', (_, payload) => {
        received.push(payload.length > 10 ? String(payload.length) : payload.toString());
        if (received.length === 2) resolve();
      });
    });
    await client.subscribeAsync(`${id}/#`, { qos: 1 });
    await client.publishAsync(`${id}/small`, 'é', { qos: 1 });
    await client.publishAsync(`${id}/large`, 'x'.repeat(largeLength), { qos: 1 });
    await both;
    const { message } = await failureOf(() => client.publishAsync('$SYS/none', '', { qos: 1 }));
    await client.endAsync();
    return { received, refusal: String(message) };
  },
  expected: () => ({ received: ['é', String(largeLength)], refusal: 'Publish error: Not authorized' }),
};
