import type { Chunk } from "./chunk.ts";
import { keyTexts } from "./node-keys.ts";
import { headerWords, type NodeTape, nodeKind } from "./nodes.ts";
import type { RowFormat } from "./row-format.ts";

/** Where values are read that were taken apart. */
export interface NodeViews {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** A key with its quotes and colon. */
  key(number: number): string;
}

/** UTF-16 units of the texts of the value whose header is at `header`. */
export function nodeUnits({ words }: NodeViews, header: number): number {
  return words[header]!;
}

/** The JSON of a value; its texts begin at unit `textAt` of `text`. */
export function nodeText({ words, doubles, key }: NodeViews, header: number, text: string, textAt: number): string {
  const end = words[header + 2]!;
  let json = "";
  let separator = "";
  for (let at = header + headerWords; at < end; ) {
    const word = words[at++]!;
    const kind = word & 15;
    if (kind === nodeKind.objectEnd || kind === nodeKind.arrayEnd) {
      json += kind === nodeKind.objectEnd ? "}" : "]";
      separator = ",";
      continue;
    }
    json += separator;
    if (word >= 16) json += key(word >> 4);
    separator = ",";
    switch (kind) {
      case nodeKind.string: {
        const units = words[at++]!;
        json += JSON.stringify(text.slice(textAt, textAt + units));
        textAt += units;
        break;
      }
      case nodeKind.int:
        json += words[at++]!;
        break;
      case nodeKind.double:
        at = (at + 1) & ~1;
        json += doubles[at >> 1]!;
        at += 2;
        break;
      case nodeKind.object:
      case nodeKind.array:
        json += kind === nodeKind.object ? "{" : "[";
        separator = "";
        break;
      default:
        json += kind === nodeKind.null ? "null" : kind === nodeKind.true ? "true" : "false";
    }
  }
  return json;
}

/** The nodes of a chunk that is being filled. */
export function openNodes({ words, doubles, keys }: NodeTape): NodeViews {
  return { words, doubles, key: (number) => `${JSON.stringify(keys.names[number])}:` };
}

/** The nodes of a chunk that was taken from a packer for rows of this format. */
export function chunkNodes({ nodes, nodesBytes, keysAt }: Chunk, format: RowFormat): NodeViews {
  const keys = keyTexts(new Int32Array(nodes, keysAt, (nodesBytes - keysAt) >> 2), format);
  return {
    words: new Int32Array(nodes),
    doubles: new Float64Array(nodes, 0, nodes.byteLength >> 3),
    key: (number) => keys.get(number)!,
  };
}
