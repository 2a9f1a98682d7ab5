/** The methods that a server offers, by path. */
import type { ServerStreamHandler, StreamHandler, UnaryHandler } from './api.js';

export type MethodEntry =
  | { readonly kind: 'unary'; readonly handler: UnaryHandler }
  | { readonly kind: 'serverStream'; readonly handler: ServerStreamHandler }
  | { readonly kind: 'stream'; readonly handler: StreamHandler };

const PATH = /^\/[^/]+(\/[^/]+)+$/;

export class MethodTable {
  private readonly methods = new Map<string, MethodEntry>();
  private readonly services = new Set<string>();

  add(path: string, entry: MethodEntry): void {
    if (!PATH.test(path)) throw new TypeError(`a method's path is /package.Service/Method, not "${path}"`);
    if (this.methods.has(path)) throw new TypeError(`${path} is registered already`);
    this.methods.set(path, entry);
    this.services.add(path.slice(1, path.lastIndexOf('/')));
  }

  find(path: string): MethodEntry | undefined {
    return this.methods.get(path);
  }

  hasService(name: string): boolean {
    return this.services.has(name);
  }
}
