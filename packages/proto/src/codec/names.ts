/** An enumeration's names and numbers, both ways. */
import { ENUMS, type EnumTable } from '../descriptors/index.js';

export class EnumNames<Name extends string> {
  readonly #names: (Name | undefined)[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(values: Readonly<Record<Name, number>>) {
    for (const [name, number] of Object.entries<number>(values)) {
      this.#names[number] = name as Name;
      this.#numbers.set(name, number);
    }
  }

  /** The name of a number from the wire, or the number when it has none. */
  name(number: number): Name | number {
    return this.#names[number] ?? number;
  }

  /** The number to write. Throws RangeError for a name that the enumeration does not have. */
  number(value: Name | number): number {
    if (typeof value === 'number') return value;
    const number = this.#numbers.get(value);
    if (number === undefined) throw new RangeError(`${value} is none of ${this.list()}`);
    return number;
  }

  find(name: string): Name | undefined {
    return this.#numbers.has(name) ? (name as Name) : undefined;
  }

  list(): string {
    return [...this.#numbers.keys()].join(', ');
  }
}

type NamesIn<Table> = Extract<keyof Table, string>;

/** The names of the enumeration with this full name. */
export function namesOf<Name extends keyof EnumTable>(name: Name): EnumNames<NamesIn<EnumTable[Name]>> {
  return new EnumNames<NamesIn<EnumTable[Name]>>(ENUMS[name] as Readonly<Record<NamesIn<EnumTable[Name]>, number>>);
}
