/** The ratios as a chart of horizontal bars: one row each, with its spread and, where there is one, its goal. */
import type { SummaryRow } from './report.js';

const WIDTH = 960;
const LEFT = 330;
const RIGHT = 70;
const ROW_HEIGHT = 24;
const TOP = 46;
/** Ratios are drawn on a logarithmic scale from half to sixty-four times. */
const RATIO_MIN = 0.5;
const RATIO_MAX = 64;

function x(ratio: number): number {
  const clamped = Math.min(RATIO_MAX, Math.max(RATIO_MIN, ratio));
  return LEFT + (Math.log(clamped / RATIO_MIN) / Math.log(RATIO_MAX / RATIO_MIN)) * (WIDTH - LEFT - RIGHT);
}

export function chart(summary: readonly SummaryRow[]): string {
  const height = TOP + summary.length * ROW_HEIGHT + 16;
  const grid = [0.5, 1, 2, 4, 8, 16, 32, 64].map((ratio) => {
    const at = x(ratio).toFixed(1);
    const colour = ratio === 1 ? '#444' : '#ddd';
    return `<line x1="${at}" x2="${at}" y1="${TOP - 8}" y2="${height - 12}" stroke="${colour}"/><text x="${at}" y="${TOP - 14}" text-anchor="middle">${ratio}x</text>`;
  });
  const bars = summary.map(({ name, phase, goal, ratio, ratios }, i) => {
    const y = TOP + i * ROW_HEIGHT;
    const [from, to] = [x(Math.min(1, ratio)), x(Math.max(1, ratio))];
    const colour = ratio >= (goal ?? 1) ? '#2a7' : '#c63';
    const middle = y + ROW_HEIGHT / 2 - 2;
    const goalMark =
      goal === undefined
        ? ''
        : `<line x1="${x(goal)}" x2="${x(goal)}" y1="${y}" y2="${y + ROW_HEIGHT - 4}" stroke="#000" stroke-dasharray="3 2"/>`;
    const spread = `<line x1="${x(Math.min(...ratios))}" x2="${x(Math.max(...ratios))}" y1="${middle}" y2="${middle}" stroke="#000"/>`;
    return [
      `<text x="${LEFT - 8}" y="${middle + 4}" text-anchor="end">${name}, ${phase}</text>`,
      `<rect x="${from}" y="${y + 2}" width="${Math.max(1, to - from)}" height="${ROW_HEIGHT - 8}" fill="${colour}"/>`,
      spread,
      goalMark,
      `<text x="${WIDTH - RIGHT + 8}" y="${middle + 4}">${ratio.toFixed(1)}x</text>`,
    ].join('');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="8" y="18" font-size="14">Quorate's throughput as a multiple of etcd's (bar: median, black line: spread over the rounds, dashed: goal)</text>
${[...grid, ...bars].join('\n')}
</svg>
`;
}
