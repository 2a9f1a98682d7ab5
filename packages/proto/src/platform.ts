/** The two globals of every JavaScript platform that this package uses; it compiles without any platform's types. */
interface Decoder {
  decode(bytes: Uint8Array): string;
}

interface Encoder {
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}

declare const TextDecoder: new (label: string, options: { fatal: boolean; ignoreBOM: boolean }) => Decoder;
declare const TextEncoder: new () => Encoder;

/** Refuses what is not UTF-8, as proto3 asks; keeps a byte order mark, which is text like any other there. */
export const UTF8_DECODER: Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Writes U+FFFD for a lone surrogate. */
export const UTF8_ENCODER: Encoder = new TextEncoder();
