/** The profile's arithmetic on a small profile: which room a sample counts for, and what the charts say. */
import assert from 'node:assert/strict';
import type { Profiler } from 'node:inspector';
import { test } from 'node:test';
import { type CallTree, callTree, roomShares } from '../profile/call-tree.js';
import { flameChart, textChart } from '../profile/flame-chart.js';

/** "name url samples" a line, a function below its caller and indented; "-" for what is native. */
function profile(text: string): Profiler.Profile {
  const nodes: Profiler.ProfileNode[] = [];
  const path: number[] = [];
  for (const [i, line] of text.trim().split('\n').entries()) {
    const depth = (line.length - line.trimStart().length) / 2;
    const [, functionName = '', url = '', hitCount = '0'] = /^ *(.+) (\S+) (\d+)$/.exec(line) ?? [];
    const callFrame = { functionName, scriptId: '0', url: url === '-' ? '' : url, lineNumber: i, columnNumber: 0 };
    nodes.push({ id: i + 1, callFrame, hitCount: Number(hitCount), children: [] });
    path[depth] = i;
    if (depth > 0) nodes[path[depth - 1] as number]?.children?.push(i + 1);
  }
  return { nodes, startTime: 0, endTime: 0 };
}

const TREE: CallTree = callTree(
  profile(`
(root) - 0
  (idle) - 50
  (program) - 4
  (garbage collector) - 6
  onStreamRead node:internal/stream_base_commons 2
    frame file:///x/packages/grpc/dist/src/http2/receiver.js 3
      put file:///x/packages/replica/dist/src/store/writer.js 20
        slice node:buffer 1
          latin1Slice - 4
    writeGeneric node:internal/stream_base_commons 0
      writeBuffer - 50
  #run file:///x/packages/replica/dist/src/adapters/file-disk.js 7
  tick file:///x/packages/replica/dist/src/member.js 3
`),
);

test('what is idle is counted apart', () => {
  assert.equal(TREE.idle, 50);
  assert.equal(TREE.root.total, 100);
});

test('samples count for the room of their file, native ones for their caller, socket calls for themselves', () => {
  const shares = [...roomShares(TREE)].filter(([, share]) => share > 0);
  assert.deepEqual(Object.fromEntries(shares), {
    grpc: 0.03,
    replica: 0.03,
    store: 0.2,
    wal: 0.07,
    'socket writes': 0.5,
    'streams, net': 0.02,
    node: 0.05,
    collection: 0.06,
    'kernel, libuv': 0.04,
  });
});

test('the text chart indents a call below its caller, largest first, and leaves the small ones out', () => {
  const lines = textChart(TREE.root, 10, 0.05).split('\n');
  assert.deepEqual(lines, [
    '100.0 %    10.00 µs  (all but idle)',
    ' 80.0 %     8.00 µs   onStreamRead  node:internal/stream_base_commons:5',
    ' 50.0 %     5.00 µs    writeGeneric  node:internal/stream_base_commons:10',
    ' 50.0 %     5.00 µs     writeBuffer',
    ' 28.0 %     2.80 µs    frame  grpc/http2/receiver.js:6',
    ' 25.0 %     2.50 µs     put  replica/store/writer.js:7',
    '  5.0 %     0.50 µs      slice  node:buffer:8',
    '  7.0 %     0.70 µs   #run  replica/adapters/file-disk.js:12',
    '  6.0 %     0.60 µs   (garbage collector)',
    '',
  ]);
});

test('the drawn chart has a bar for each function, with its figures, and needs nothing else', () => {
  const svg = flameChart(TREE.root, 10, 'puts & reads');
  assert.match(svg, /puts &amp; reads: 10\.0 µs/);
  assert.match(svg, /<title>put replica\/store\/writer\.js:7\nstore; +25\.0 % +2\.50 µs, itself 20\.0 %<\/title>/);
  assert.doesNotMatch(svg, /href|url\(/);
});
