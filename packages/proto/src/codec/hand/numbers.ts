/** The numbers of a message's fields, from the tables: what a codec by hand calls known. */
import { MESSAGES, type MessageTable } from '../../descriptors/index.js';
import type { FieldDescriptor } from '../../descriptors/shape.js';

export function numbersOf(name: keyof MessageTable): readonly number[] {
  return Object.values<FieldDescriptor>(MESSAGES[name]).map(({ number }) => number);
}
