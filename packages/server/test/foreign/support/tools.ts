/** Programs that tests drive when they are installed (tools/install-test-tools.sh). */
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';

export async function isToolThere(name: string): Promise<boolean> {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    try {
      await access(path.join(folder, name), constants.X_OK);
      return true;
    } catch {
      // Not in this folder.
    }
  }
  return false;
}

/** Whether the program is there. Without it the test is skipped and says so; where CI is set, it fails. */
export async function optionalTool(t: TestContext, name: string): Promise<boolean> {
  if (await isToolThere(name)) return true;
  const message = `${name} is not installed: run tools/install-test-tools.sh`;
  if ((process.env['CI'] ?? '') !== '') throw new Error(message);
  t.skip(message);
  return false;
}
