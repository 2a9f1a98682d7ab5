/** quorate: the server and command line as a library. */
export type { Kv } from '@quorate/replica';
