// Announces a tunnel's routes to one connector: while one list is on its way only the latest waits.
import { type AnnouncedRoutes, toRoutesMessage } from '../link/announced-routes.ts';
import type { ControlChannel, Message } from '../link/control-channel.ts';
import { TunnelError } from '../link/tunnel-error.ts';

export class Announcer {
  readonly #control: ControlChannel;
  #next: Message | undefined;
  #sending = false;

  constructor(control: ControlChannel) {
    this.#control = control;
  }

  /** Returns why the list cannot be sent (`too_many_routes`); the one before it holds then. */
  announce(routes: AnnouncedRoutes): TunnelError | undefined {
    const message = toRoutesMessage(routes);
    if (message instanceof TunnelError) return message;
    this.#next = message;
    this.#send();
    return undefined;
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
