/**
 * Logs: one line an event, structured, by pino. JSON for machines; a short text for people. Lines are written at once and in order,
 * so that the last words of a process are not lost: there are few of them (no line per request).
 */
import { writeSync } from 'node:fs';
import { destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type { LogFormat, LogLevel } from './config/settings.js';

export type Log = Logger;

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** On every line, such as the member's name. */
  readonly bindings?: Readonly<Record<string, unknown>>;
  /** Takes whole lines; default: standard error. */
  readonly write?: (line: string) => void;
}

const STANDARD_ERROR = 2;

export function createLog(options: LogOptions): Log {
  const settings = {
    level: options.level,
    base: options.bindings ?? {},
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (options.format === 'text') {
    const write = options.write ?? writeToStandardError;
    return pino(settings, { write: (line: string) => write(textLine(line)) });
  }
  const { write } = options;
  return write === undefined
    ? pino(settings, destination({ fd: STANDARD_ERROR, sync: true }))
    : pino(settings, { write });
}

/** A pipe that nobody reads must not stop the server: then the line is dropped. */
function writeToStandardError(line: string): void {
  try {
    writeSync(STANDARD_ERROR, line);
  } catch {
    // Nowhere is left to say it.
  }
}

/** `07:12:45.123 INFO  listening address=localhost:8888`. Fields follow the message in their order; an error's stack comes below. */
export function textLine(line: string): string {
  const { time, level, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  const words = Object.entries(fields).map(([name, value]) => `${name}=${textValue(value)}`);
  const head = [clock, String(level).toUpperCase().padEnd(5), typeof msg === 'string' ? msg : '', ...words].join(' ');
  return `${head.trimEnd()}\n${errorLines(err)}`;
}

function textValue(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}

function errorLines(err: unknown): string {
  if (typeof err !== 'object' || err === null) return '';
  const { stack, message } = err as { readonly stack?: unknown; readonly message?: unknown };
  const text = typeof stack === 'string' ? stack : String(message);
  return `${text
    .split('\n')
    .map((line) => `    ${line.trim()}`)
    .join('\n')}\n`;
}
