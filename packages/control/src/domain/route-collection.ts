// Routes of one kind. The key of a route holds what must be unique about it, so the store itself refuses a second one,
// whichever process writes it.
import { randomUUID } from 'node:crypto';
import { ControlError } from '../errors.ts';
import type { DocumentKey } from '../store.ts';
import { networkKey, type RouteRecord, tunnelKey, type TunnelRecord } from './records.ts';
import { checkComment } from './values.ts';
import type { Writer } from './writer.ts';

export interface RouteKind<Route extends RouteRecord> {
  prefix: string;
  keyOf: (route: Route) => DocumentKey;
  /** As in `There is no IP route …`. */
  noun: string;
  /** `10.0.0.0/8 in virtual network x`. */
  describe: (route: Route) => string;
}

/** What may be changed of every route. */
export interface RoutePatch {
  tunnel_id?: string | undefined;
  comment?: string | undefined;
}

export class RouteCollection<Route extends RouteRecord> {
  readonly #writer: Writer;
  readonly #kind: RouteKind<Route>;
  readonly #date: () => Date;

  constructor(writer: Writer, kind: RouteKind<Route>, { date }: { date: () => Date }) {
    this.#writer = writer;
    this.#kind = kind;
    this.#date = date;
  }

  /** In order of what they are about. */
  list(): Route[] {
    const routes = [...this.#writer.replica.values(this.#kind.prefix)] as unknown as Route[];
    return routes.sort((one, other) => (this.#kind.keyOf(one) < this.#kind.keyOf(other) ? -1 : 1));
  }

  get(id: string): Route | undefined {
    for (const route of this.#writer.replica.values(this.#kind.prefix)) {
      if ((route as unknown as Route).id === id) return route as unknown as Route;
    }
    return undefined;
  }

  /**
   * Adds a route with an id of its own. With `overwrite` an existing one is pointed elsewhere instead of refused.
   * Rejects with `already_exists`, `not_found`, `invalid_value`.
   */
  async add(
    fields: Omit<Route, 'id' | 'created_at' | 'comment'> & { comment?: string | undefined },
    { overwrite = false }: { overwrite?: boolean } = {},
  ): Promise<Route> {
    const created_at = this.#date().toISOString();
    const route = {
      ...fields,
      id: randomUUID(),
      comment: checkComment(fields.comment),
      created_at,
    } as unknown as Route;
    await this.#checkParents(route);
    return this.#write(route, (found) => {
      if (found === undefined || found.id === route.id) return route;
      if (overwrite) return { ...route, id: found.id, created_at: found.created_at };
      // What is left over from a tunnel that is gone is in nobody's way.
      if (this.isLeftOver(found)) return route;
      throw this.#taken(found);
    });
  }

  /** Changes a route in place, or moves it when `fields` change its key. */
  async update(id: string, fields: Partial<Omit<Route, 'id' | 'created_at'>>): Promise<Route> {
    const before = this.#get(id);
    const comment = fields.comment === undefined ? {} : { comment: checkComment(fields.comment) };
    const patch = { ...fields, ...comment } as Partial<Route>;
    const route = { ...before, ...patch };
    const moves = this.#kind.keyOf(before) !== this.#kind.keyOf(route);
    await this.#checkParents(route);
    const written = await this.#write(route, (found) => {
      if (found?.id === id) return { ...found, ...patch };
      if (!moves) throw this.#missing(id);
      if (found === undefined || this.isLeftOver(found)) return route;
      throw this.#taken(found);
    });
    if (moves) await this.#remove(before);
    return written;
  }

  async delete(id: string): Promise<Route> {
    const route = this.#get(id);
    await this.#remove(route);
    return route;
  }

  count(leads: (route: Route) => boolean): number {
    return this.list().filter(leads).length;
  }

  /** Deletes what `leads` picks. */
  async deleteAll(leads: (route: Route) => boolean): Promise<void> {
    for (const route of this.list()) if (leads(route)) await this.#remove(route);
  }

  /** Looks at the tunnel and network again after writing, as their deletion looks at routes after theirs. */
  async #write(route: Route, decide: (found: Route | undefined) => Route): Promise<Route> {
    const written = (await this.#writer.change<Route>(this.#kind.keyOf(route), decide))!;
    try {
      await this.#checkParents(written);
    } catch (error) {
      await this.#remove(written);
      throw error;
    }
    return written;
  }

  async #checkParents(route: Route): Promise<void> {
    const tunnel = await this.#writer.read<TunnelRecord>(tunnelKey(keyPart(route.tunnel_id)));
    if (tunnel === undefined || tunnel.deleted_at !== null) {
      throw new ControlError('not_found', `tunnel ${route.tunnel_id}`);
    }
    const { virtual_network_id } = route as { virtual_network_id?: string };
    if (virtual_network_id === undefined) return;
    const network = await this.#writer.read(networkKey(keyPart(virtual_network_id)));
    if (network === undefined) throw new ControlError('not_found', `virtual network ${virtual_network_id}`);
  }

  /** Whether a route leads to a tunnel that is gone, and so nowhere. */
  isLeftOver({ tunnel_id }: Route): boolean {
    const tunnel = this.#writer.replica.get(tunnelKey(tunnel_id)) as TunnelRecord | undefined;
    return tunnel === undefined || tunnel.deleted_at !== null;
  }

  async #remove({ id, ...route }: Route): Promise<void> {
    const key = this.#kind.keyOf({ id, ...route } as unknown as Route);
    await this.#writer.change<Route>(key, (found) => (found?.id === id ? null : undefined));
  }

  #get(id: string): Route {
    const route = this.get(id);
    if (route === undefined) throw this.#missing(id);
    return route;
  }

  #missing(id: string): ControlError {
    return new ControlError('not_found', `${this.#kind.noun} ${id}`);
  }

  #taken(route: Route): ControlError {
    return new ControlError('already_exists', `${this.#kind.noun} already exists: ${this.#kind.describe(route)}`);
  }
}

/** An id from outside as part of a key: one that could be no id becomes one that nothing has. */
function keyPart(id: string): string {
  return /^[\w-]{1,64}$/.test(id) ? id : 'none';
}
