// Addresses for names that only a tunnel's connector can resolve. Drivers that look a host up before they connect need
// one; a connection to it leads to the name, which is judged and resolved as if it had been asked for.
import type { Egress, EgressTarget } from '@sallyport/egress';
import type { FindTrust } from '@sallyport/sockets/internal';

/** Names of one Worker that may have a stand-in; one more is refused, because an address must not change its meaning. */
export const maxStandIns = 16_384;

/** 240.2.0.0/16 belongs to nobody [RFC 1112 4]; the runtime uses 240.0 and 240.1. */
const prefix = '240.2.';

export class StandIns {
  readonly #byName = new Map<string, string>();
  readonly #byAddress = new Map<string, string>();

  /** Undefined when there are too many. */
  addressOf(name: string): string | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const index = this.#byName.size + 1;
    if (index > maxStandIns) return undefined;
    const address = `${prefix}${index >> 8}.${index & 255}`;
    this.#byName.set(name, address);
    this.#byAddress.set(address, name);
    return address;
  }

  /** The name, for a stand-in; anything else as it is. */
  resolve(hostname: string): string {
    return this.#byAddress.get(hostname) ?? hostname;
  }

  /** The same egress, which also knows these. */
  wrap(egress: Egress): Egress {
    const toTarget = ({ hostname, port }: EgressTarget): EgressTarget => ({ hostname: this.resolve(hostname), port });
    return {
      decide: (target, options) => egress.decide(toTarget(target), options),
      open: (target, options) => egress.open(toTarget(target), options),
    };
  }

  /** The same trust, for the names that these stand for. */
  wrapTrust(findTrust: FindTrust): FindTrust {
    return ({ hostname, port }) => findTrust({ hostname: this.resolve(hostname), port });
  }
}
