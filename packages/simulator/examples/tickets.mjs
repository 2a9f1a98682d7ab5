import { simulate } from '@quorate/simulator';

const bytes = (text) => new TextEncoder().encode(text);
const text = (bytes) => new TextDecoder().decode(bytes);

/** Gives each request the next ticket, and a request that is repeated the ticket that it has. */
class Tickets {
  last = 0;
  given = new Map();
  apply(command) {
    const request = text(command);
    if (!this.given.has(request)) this.given.set(request, ++this.last);
    return bytes(`${this.given.get(request)}`);
  }
  snapshot = () => bytes(JSON.stringify([this.last, ...this.given]));
  restore(snapshot) {
    const [last, ...given] = JSON.parse(text(snapshot));
    Object.assign(this, { last, given: new Map(given) });
  }
}
function workload({ number, calls }) {
  const last = calls.at(-1); // a client that does not know whether it was heard asks again
  return last?.outcome === 'unknown' ? last.command : bytes(`request ${number}.${calls.length}`);
}
function check(calls, { last }) {
  const requests = new Set(calls.map(({ command }) => text(command)));
  if (last > requests.size) throw new Error(`${last} tickets for ${requests.size} requests`);
}
const { runs, operations, crashes, failed } = simulate({ runs: 100, machine: () => new Tickets(), workload, check });
process.stdout.write(`${failed?.report ?? `${runs} runs, ${operations.ok} calls, ${crashes} crashes: all right`}\n`);
