// Announces a tunnel's routes to one connector: while one list is on its way only the latest waits.
import { type AnnouncedRoutes, toRoutesMessage } from '../link/announced-routes.ts';
import type { ControlChannel, Message } from '../link/control-channel.ts';

export class Announcer {
  readonly #control: ControlChannel;
  #next: Message | undefined;
  #sending = false;

  constructor(control: ControlChannel) {
    this.#control = control;
  }

  /** @throws TunnelError `too_many_routes`; here, because what is thrown behind a write reaches nobody */
  announce(routes: AnnouncedRoutes): void {
    this.#next = toRoutesMessage(routes);
    this.#send();
  }

  #send(): void {
    const message = this.#next;
    if (this.#sending || message === undefined) return;
    this.#next = undefined;
    this.#sending = this.#control.send(message, () => {
      this.#sending = false;
      this.#send();
    });
  }
}
