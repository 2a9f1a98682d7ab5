/** quorate: the server and command line as a library. */

// The command line.
export type { CliIo } from './cli/io.js';
export { runCli } from './cli/program.js';
export type { ConfigEntry, ConfigResult, ConfigSources } from './config/parse.js';
// For those who run a server inside their own process.
export { parseConfig } from './config/parse.js';
export type { Config, LogFormat, LogLevel, Setting, SettingKey } from './config/settings.js';
export { flagName, settings } from './config/settings.js';
// For those who put the HTTP interface on something else than a socket, such as a benchmark.
export type { HttpApiOptions } from './http/api.js';
export { HttpApi } from './http/api.js';
export type { HttpServerOptions } from './http/server.js';
export { HttpServer } from './http/server.js';
export type { HttpRequest, HttpResponse } from './http/types.js';
export type { Log, LogOptions } from './log.js';
export { createLog } from './log.js';
export { Metrics } from './metrics.js';
export type { OpenMember, OpenMemberOptions, OpenStandalone, RunningServer, ServerModules } from './serve.js';
export { startServer } from './serve.js';
export { QUORATE_VERSION } from './version.js';
