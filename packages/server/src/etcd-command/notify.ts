/**
 * Tells systemd that the member serves, as etcd does for units of `Type=notify`. The message goes to a datagram socket, which Node has
 * none of: systemd's own `systemd-notify` sends it. systemd takes it from another process than the service's main one only with
 * `NotifyAccess=all` in the unit (or from root), which the manual says.
 */
import { execFile } from 'node:child_process';

const TIMEOUT_MS = 5_000;

/** Without effect where no service manager asks for it. `failed` is told why it could not be said. */
export function notifyReady(env: Readonly<Record<string, string | undefined>>, failed: (reason: string) => void): void {
  if ((env['NOTIFY_SOCKET'] ?? '') === '') return;
  execFile('systemd-notify', ['--ready', `--pid=${process.pid}`], { env: { ...env }, timeout: TIMEOUT_MS }, (error) => {
    if (error !== null) failed(error.message);
  });
}
