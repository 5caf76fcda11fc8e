import { crc32, createInflateRaw, type InflateRaw } from "node:zlib";
import { MillraceError } from "../errors.ts";

/** Of unpacked bytes that one read of the unpacker gives. */
const largestOutput = 256 * 1024;
const smallestOutput = 16 * 1024;

/** Flags of a member's header (RFC 1952, 2.3.1). */
const hasHeaderSum = 2;
const hasExtra = 4;
const hasName = 8;
const hasComment = 16;
const reservedFlags = 0xe0;

/**
 * Unpacks gzip: members one after another, also with zeros between them or behind them, as tape archives and block devices
 * pad them. Node's own unpacker stops at such zeros and says nothing of the members behind.
 *
 * @throws MillraceError BAD_SOURCE naming the file and the byte: damaged, cut off, or followed by bytes that are no gzip.
 */
export async function* gunzip(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const input = packedInput(chunks, name);
  let outputBytes = largestOutput;
  try {
    for (let isFirst = true; ; isFirst = false) {
      if (!isFirst) await skipZeros(input);
      if (!(await input.chunk())) return;
      await readHeader(input, isFirst);
      const start = input.at;
      let sum = 0;
      let length = 0;
      for await (const bytes of inflated(input, outputBytes)) {
        sum = crc32(bytes, sum);
        length += bytes.length;
        yield bytes;
      }
      // Members of a few bytes come in thousands: a large buffer for each would cost more than the unpacking.
      outputBytes = Math.min(largestOutput, Math.max(smallestOutput, length));
      await checkTrailer(input, start, sum, length);
    }
  } finally {
    await input.close();
  }
}

/** The packed bytes that are still to be looked at. */
interface PackedInput {
  readonly name: string;
  /** Offset in the file. */
  readonly at: number;
  /** What is left of the chunk, or the next one; undefined at the end. */
  chunk(): Promise<Uint8Array | undefined>;
  skip(bytes: number): void;
  close(): Promise<unknown>;
}

function packedInput(chunks: AsyncIterable<Uint8Array>, name: string): PackedInput {
  const reading = chunks[Symbol.asyncIterator]();
  let left: Uint8Array | undefined;
  let at = 0;
  return {
    name,
    get at() {
      return at;
    },
    async chunk() {
      while (!left || left.length === 0) {
        const { value, done } = await reading.next();
        if (done) return undefined;
        left = value;
      }
      return left;
    },
    skip(bytes) {
      left = left?.subarray(bytes);
      at += bytes;
    },
    close: async () => reading.return?.(),
  };
}

async function skipZeros(input: PackedInput): Promise<void> {
  for (let chunk = await input.chunk(); chunk; chunk = await input.chunk()) {
    const end = chunk.findIndex((byte) => byte !== 0);
    input.skip(end < 0 ? chunk.length : end);
    if (end >= 0) return;
  }
}

async function byteOf(input: PackedInput): Promise<number> {
  const chunk = await input.chunk();
  if (!chunk) throw cutOff(input);
  const byte = chunk[0]!;
  input.skip(1);
  return byte;
}

async function readHeader(input: PackedInput, isFirst: boolean): Promise<void> {
  const start = input.at;
  let sum = 0;
  const next = async () => {
    const byte = await byteOf(input);
    sum = crc32(Uint8Array.of(byte), sum);
    return byte;
  };
  const id = [await next()];
  if (id[0] === 0x1f && (await input.chunk())) id.push(await next());
  if (id[0] !== 0x1f || id[1] !== 0x8b)
    throw isFirst
      ? damaged(input, start)
      : bad(input, `gzip data ends at byte ${start}, and bytes that are no gzip follow`);
  const method = await next();
  const flags = await next();
  if (method !== 8 || (flags & reservedFlags) !== 0) throw damaged(input, start);
  for (let i = 0; i < 6; i++) await next(); // time, extra flags, system
  if (flags & hasExtra) {
    const length = (await next()) + (await next()) * 256;
    for (let i = 0; i < length; i++) await next();
  }
  if (flags & hasName) while ((await next()) !== 0);
  if (flags & hasComment) while ((await next()) !== 0);
  if (!(flags & hasHeaderSum)) return;
  const expected = sum & 0xffff;
  if ((await byteOf(input)) + (await byteOf(input)) * 256 !== expected) throw damaged(input, start);
}

async function checkTrailer(input: PackedInput, start: number, sum: number, length: number): Promise<void> {
  const trailer = Buffer.alloc(8);
  for (let i = 0; i < trailer.length; i++) trailer[i] = await byteOf(input);
  // The length is counted in 32 bits, whatever it is.
  if (trailer.readUInt32LE(0) !== sum || trailer.readUInt32LE(4) !== length % 2 ** 32) throw damaged(input, start);
}

/** The unpacked bytes of one member. Each chunk is given to the unpacker when it has taken the one before. */
async function* inflated(input: PackedInput, chunkSize: number): AsyncGenerator<Uint8Array> {
  const start = input.at;
  const inflate = createInflateRaw({ chunkSize });
  const events = eventsOf(inflate);
  /** Of the bytes that the unpacker has taken, those that `input` was told of. */
  let told = 0;
  const tell = () => {
    input.skip(inflate.bytesWritten - told);
    told = inflate.bytesWritten;
  };
  try {
    for (;;) {
      for (let bytes = inflate.read(); bytes; bytes = inflate.read()) yield bytes;
      if (events.error) throw faultOf(input, start, events.error);
      if (events.isEnded) return tell();
      if (events.isHungry) {
        tell();
        const chunk = await input.chunk();
        events.isHungry = false;
        if (chunk) inflate.write(chunk, events.onTaken);
        else inflate.end();
      } else await events.next();
    }
  } finally {
    inflate.destroy();
  }
}

interface Events {
  /** The unpacker has taken all that it was given. */
  isHungry: boolean;
  readonly isEnded: boolean;
  readonly error: Error | undefined;
  readonly onTaken: () => void;
  /** Resolves behind the next event, at once if one has come since the last call. */
  next(): Promise<void>;
}

function eventsOf(inflate: InflateRaw): Events {
  let isEnded = false;
  let error: Error | undefined;
  let hasCome = false;
  let wake = () => {};
  const come = () => {
    hasCome = true;
    wake();
  };
  const events: Events = {
    isHungry: true,
    get isEnded() {
      return isEnded;
    },
    get error() {
      return error;
    },
    onTaken() {
      events.isHungry = true;
      come();
    },
    async next() {
      if (!hasCome) await new Promise<void>((resolve) => (wake = resolve));
      hasCome = false;
    },
  };
  inflate.on("readable", come);
  inflate.on("end", () => {
    isEnded = true;
    come();
  });
  inflate.on("error", (reason) => {
    error = reason;
    come();
  });
  return events;
}

function faultOf(input: PackedInput, start: number, error: Error): MillraceError {
  const { code } = error as { code?: unknown };
  return code === "Z_BUF_ERROR" ? cutOff(input, error) : damaged(input, start, error);
}

function cutOff(input: PackedInput, cause?: unknown): MillraceError {
  return bad(input, "gzip data is cut off", cause);
}

function damaged(input: PackedInput, start: number, cause?: unknown): MillraceError {
  return bad(input, `gzip data is damaged, in the member that begins at byte ${start}`, cause);
}

function bad({ name }: PackedInput, what: string, cause?: unknown): MillraceError {
  return new MillraceError("BAD_SOURCE", `Cannot read ${name}: its ${what}.`, { cause, context: { file: name } });
}
