/** Which endpoint is asked. One is in use until it fails; then the next is tried. Calls that wait for an endpoint share the search. */
import type { Settings, TlsOptions } from '../options.js';
import { Connection } from './connection.js';

export class Endpoints {
  readonly #settings: Settings;
  readonly #tls: TlsOptions;
  readonly #connections: Connection[];
  /** Those that only single calls have asked for, by name. */
  readonly #others = new Map<string, Connection>();
  #current = 0;
  #search: Promise<Connection> | undefined;

  constructor(origins: readonly string[], settings: Settings, tls: TlsOptions) {
    this.#settings = settings;
    this.#tls = tls;
    this.#connections = origins.map((origin) => new Connection(origin, settings, tls));
  }

  get origins(): readonly string[] {
    return this.#connections.map(({ origin }) => origin);
  }

  /** An open connection to anyone. Rejects when nobody could be reached, after having tried everybody once. */
  any(): Promise<Connection> {
    const current = this.#connections[this.#current] as Connection;
    if (current.isOpen) return Promise.resolve(current);
    this.#search ??= this.#searchAll().finally(() => {
      this.#search = undefined;
    });
    return this.#search;
  }

  async one(origin: string): Promise<Connection> {
    const known = this.#connections.find((connection) => connection.origin === origin);
    const connection = known ?? this.#others.get(origin) ?? new Connection(origin, this.#settings, this.#tls);
    if (known === undefined) this.#others.set(origin, connection);
    await connection.open();
    return connection;
  }

  /** That one failed: the next is asked from now on. */
  avoid(connection: Connection): void {
    if (this.#connections[this.#current] !== connection) return;
    this.#current = (this.#current + 1) % this.#connections.length;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#connections, ...this.#others.values()].map((connection) => connection.close()));
  }

  async #searchAll(): Promise<Connection> {
    const reasons: string[] = [];
    for (let step = 0; step < this.#connections.length; step += 1) {
      const index = (this.#current + step) % this.#connections.length;
      const connection = this.#connections[index] as Connection;
      try {
        await connection.open();
        this.#current = index;
        return connection;
      } catch (error) {
        reasons.push(`${connection.origin}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw new Error(`no endpoint can be reached: ${reasons.join('; ')}`);
  }
}
