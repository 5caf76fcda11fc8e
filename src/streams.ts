import { Writable } from "node:stream";
import { WritableStream } from "node:stream/web";
import { refuseUnknownOptions } from "./option-names.ts";

/** What the adapters need of a sink. */
interface Writing<R> {
  write(record: R): boolean;
  readonly ready: Promise<void>;
  checkpoint(): Promise<unknown>;
  close(): Promise<void>;
  abort(reason?: unknown): Promise<void>;
}

/** What the end of a stream over a sink does to the sink. */
export interface StreamOptions {
  /** Ending the stream makes a checkpoint and leaves the sink open, for another stream. Default false: it closes the sink. */
  preventClose?: boolean;
  /** Breaking the stream off leaves the sink as it is. Default false: it aborts the sink. */
  preventAbort?: boolean;
}

const optionNames = ["preventClose", "preventAbort"];

/** Records that a stream may hold before its own back-pressure begins; the sink's bounds come on top. */
const highWaterMark = 256;

export function webWritable<R>(sink: Writing<R>, options: StreamOptions = {}): WritableStream<R> {
  refuseUnknownOptions("writable()", options, optionNames);
  return new WritableStream<R>(
    {
      write(record) {
        if (!sink.write(record)) return sink.ready;
      },
      close: () => finish(sink, options),
      async abort(reason) {
        if (!options.preventAbort) await sink.abort(reason);
      },
    },
    { highWaterMark },
  );
}

export function nodeWritable<R>(sink: Writing<R>, options: StreamOptions = {}): Writable {
  refuseUnknownOptions("nodeWritable()", options, optionNames);
  return new Writable({
    objectMode: true,
    highWaterMark,
    write(record: R, _encoding, done) {
      try {
        if (sink.write(record)) done();
        else sink.ready.then(() => done(), done);
      } catch (error) {
        done(error as Error);
      }
    },
    final(done) {
      finish(sink, options).then(() => done(), done);
    },
    destroy(error, done) {
      // Without an error this is the end after final(), or somebody gave up on records that were not delivered.
      if (options.preventAbort || (!error && this.writableFinished)) return done(error);
      sink.abort(error ?? new Error("The stream was destroyed before its end.")).then(
        () => done(error),
        () => done(error),
      );
    },
  });
}

async function finish(sink: Writing<unknown>, options: StreamOptions): Promise<void> {
  if (options.preventClose) await sink.checkpoint();
  else await sink.close();
}
