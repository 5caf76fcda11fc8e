import { type Infer, k, rawJson, table } from "millrace";

/** One column of each kind, behind a number to sort by. */
export const tenTypes = (name: string) =>
  table(name, {
    id: k.int(),
    flag: k.bool().optional(),
    moment: k.datetime().optional(),
    exact: k.decimal().optional(),
    bag: k.dynamic().optional(),
    key: k.guid().optional(),
    small: k.int().optional(),
    big: k.long().optional(),
    float: k.real().optional(),
    text: k.string().optional(),
    span: k.timespan().optional(),
  });

export type TenTypes = Infer<ReturnType<typeof tenTypes>>;

export const guid = "12345678-9abc-4def-8123-456789abcdef";

/** Quotes, line ends, every length of UTF-8, and what some text encoders take for line ends. */
export const awkwardText = 'a "b", c\r\nd\t\\ é漢😀\u2028\u0001 e';

export const samples: readonly TenTypes[] = [
  {
    id: 0,
    flag: true,
    moment: new Date("2024-02-29T12:34:56.789Z"),
    exact: "12345678901234567890.1234",
    bag: { a: [1, "x", null, { b: awkwardText }], "a key": -1.5e300 },
    key: guid,
    small: -(2 ** 31),
    big: 2n ** 63n - 1n,
    float: 0.1,
    text: awkwardText,
    span: "-1.02:03:04.0000005",
  },
  {
    id: 1,
    flag: false,
    moment: "0001-01-01T00:00:00.0000001Z",
    exact: -7n,
    bag: rawJson('{"price":12.50}'),
    key: guid.toUpperCase(),
    small: 2 ** 31 - 1,
    big: -9_007_199_254_740_991,
    float: -5e-324,
    text: "plain",
    span: 1_500,
  },
  { id: 2 },
];
