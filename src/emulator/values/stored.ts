/** A value as the store holds it: see physicalType. */
export type Stored = string | number | bigint | boolean | null;
