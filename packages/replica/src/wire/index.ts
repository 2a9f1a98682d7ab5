/** The wire room: what members say to each other, and its bytes. Pure: connections are src/adapters/tcp-network.ts. */
export { copyBytes, decodePeerMessage, type FrameParties, readConfigState } from './decoder.js';
export { encodePeerMessage, PeerEncoder, writeConfigState } from './encoder.js';
export { WireError } from './error.js';
export * from './messages.js';
export { ByteReader } from './reader.js';
export { ByteWriter } from './writer.js';
