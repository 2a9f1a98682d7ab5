/** Globals that exist on every platform that runs JavaScript, declared for the pure rooms, which see neither Node nor the DOM. */

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean });
  decode(bytes: Uint8Array): string;
}
