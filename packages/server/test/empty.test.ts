import { test } from 'node:test';

test('empty', () => {});
