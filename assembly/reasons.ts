// Why a raw row is refused, numbered as in src/encode/raw-reasons.ts (test/encode/raw-rows.test.ts compares them).

export const TOO_LARGE: u32 = 1;
export const NOT_UTF8: u32 = 2;
export const FIELD_COUNT: u32 = 3;
export const QUOTE_IN_FIELD: u32 = 4;
export const TEXT_AFTER_QUOTE: u32 = 5;
export const QUOTE_OPEN: u32 = 6;
export const BARE_RETURN: u32 = 7;

// One for each state of json-syntax.ts, in its order.
export const OBJECT_MISSING: u32 = 8;
export const FIRST_KEY_MISSING: u32 = 9;
export const KEY_MISSING: u32 = 10;
export const COLON_MISSING: u32 = 11;
export const VALUE_MISSING: u32 = 12;
export const FIRST_ITEM_MISSING: u32 = 13;
export const MEMBER_END_MISSING: u32 = 14;
export const ITEM_END_MISSING: u32 = 15;
export const END_MISSING: u32 = 16;

export const CONTROL_IN_STRING: u32 = 17;
export const ESCAPE_UNKNOWN: u32 = 18;
export const STRING_OPEN: u32 = 19;
export const NUMBER_BROKEN: u32 = 20;
export const LITERAL_UNKNOWN: u32 = 21;
export const NESTED_TOO_DEEP: u32 = 22;
