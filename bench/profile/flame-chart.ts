/**
 * A tree of calls as a flame chart: each function a bar below its caller's, as wide as the processor time in it and in what it calls.
 * Once as an SVG that needs nothing else (a bar tells its figures under the pointer), once as indented text.
 */
import { ANONYMOUS, type Call, ROOMS, type Room } from './call-tree.js';

const WIDTH = 1400;
const TOP = 52;
const ROW_HEIGHT = 17;
const FONT_WIDTH = 6.4;
/** Narrower bars are left out: nobody sees them, and there are thousands. */
const BAR_MIN = 0.6;
const LEGEND_COLUMN = 92;

/** Rooms that follow each other get hues that are far apart. */
function colour(room: Room): string {
  return `hsl(${(ROOMS.indexOf(room) * 137) % 360} 62% 74%)`;
}

/** A function without a name is known by its place. */
function labelOf({ name, place }: Call): string {
  return name === ANONYMOUS ? place.slice(place.lastIndexOf('/') + 1) : name;
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** `micros`: processor time of the root, for one call. */
export function flameChart(root: Call, micros: number, title: string): string {
  const bars: string[] = [];
  let depthMax = 0;
  const draw = (call: Call, x: number, depth: number): void => {
    const width = (call.total / root.total) * WIDTH;
    if (width < BAR_MIN) return;
    depthMax = Math.max(depthMax, depth);
    const y = TOP + depth * ROW_HEIGHT;
    const label = escaped(labelOf(call).slice(0, Math.max(0, Math.floor((width - 4) / FONT_WIDTH))));
    const about = `${call.name} ${call.place}\n${call.room}; ${figures(call, root, micros)}, itself ${percent(call.self / root.total)}`;
    bars.push(
      `<g><title>${escaped(about)}</title><rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(BAR_MIN, width - 0.4).toFixed(1)}" height="${ROW_HEIGHT - 1}" fill="${colour(call.room)}"/>` +
        `${label.length > 1 ? `<text x="${(x + 2).toFixed(1)}" y="${y + 12}">${label}</text>` : ''}</g>`,
    );
    let at = x;
    for (const one of call.calls) {
      draw(one, at, depth + 1);
      at += (one.total / root.total) * WIDTH;
    }
  };
  draw(root, 0, 0);
  const height = TOP + (depthMax + 1) * ROW_HEIGHT + 6;
  const legend = ROOMS.map((room, i) => {
    const x = 4 + i * LEGEND_COLUMN;
    return `<rect x="${x}" y="28" width="10" height="10" fill="${colour(room)}"/><text x="${x + 13}" y="37">${room}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
<text x="4" y="16" font-size="14">${escaped(title)}: ${micros.toFixed(1)} µs of the main thread for one call</text>
${[...legend, ...bars].join('\n')}
</svg>
`;
}

/** The calls that take at least `shareMin` of the root's time, each indented below its caller. */
export function textChart(root: Call, micros: number, shareMin = 0.02): string {
  const lines: string[] = [];
  const write = (call: Call, depth: number): void => {
    if (call.total / root.total < shareMin) return;
    lines.push(`${figures(call, root, micros)}  ${' '.repeat(depth)}${call.name}  ${call.place}`.trimEnd());
    for (const one of call.calls) write(one, depth + 1);
  };
  write(root, 0);
  return `${lines.join('\n')}\n`;
}

function figures(call: Call, root: Call, micros: number): string {
  const share = call.total / root.total;
  return `${percent(share).padStart(7)} ${(share * micros).toFixed(2).padStart(8)} µs`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
