import type { Socket } from "node:net";
import {
  openSocket,
  RawClient,
  type RequestTemplate,
  requestText,
  secureContextOf,
  type Target,
} from "./raw-client.js";

export interface WatchersOptions {
  target: Target;
  watchers: number;
  watchPath: string;
  /** Each of these is one watch event of type MODIFIED. `{w}` becomes the number of the writer. */
  write: RequestTemplate;
  /** Writes one at a time, the next when every watcher has seen the last. */
  singles: number;
  /** Writes as fast as they are answered, by a few writers. */
  burst: number;
}

export interface WatchersResult {
  /** Of each single write, until the last watcher had it. */
  lastWatcherMs: number[];
  /** Events that reached watchers in a second of the burst. */
  eventsPerSecond: number;
}

const MARKER = Buffer.from('"type":"MODIFIED"');
const DIALS_AT_ONCE = 50;
/** Each with an object of its own: writes of one object would wait for one another. */
export const BURST_WRITERS = 4;

/** Many watchers of one resource: how soon the last one has an event, and how many events a second get through. */
export async function run(options: WatchersOptions): Promise<WatchersResult> {
  const crowd = new Crowd();
  await crowd.join(options);
  const writer = await RawClient.connect(options.target);
  let n = 0;
  const write = async (client: RawClient, number = 0): Promise<void> => {
    const response = await client.send(requestText(ofWriter(options.write, number), n++));
    if (response.status >= 300) throw new Error(`${response.status} ${response.text}`);
  };
  const lastWatcherMs: number[] = [];
  for (let i = 0; i < options.singles + 1; i++) {
    const seen = crowd.all(n + 1);
    const startedMs = performance.now();
    await write(writer);
    await seen;
    // The first one warms up.
    if (i > 0) lastWatcherMs.push(performance.now() - startedMs);
  }
  const writers = await Promise.all(
    Array.from({ length: BURST_WRITERS }, () => RawClient.connect(options.target)),
  );
  const end = n + options.burst;
  const seen = crowd.all(end);
  const startedMs = performance.now();
  await Promise.all(
    writers.map(async (client, number) => {
      while (n < end) await write(client, number);
    }),
  );
  await seen;
  const seconds = (performance.now() - startedMs) / 1000;
  for (const client of [writer, ...writers]) client.close();
  crowd.close();
  return { lastWatcherMs, eventsPerSecond: (options.burst * options.watchers) / seconds };
}

const ofWriter = ({ path, body = "", ...rest }: RequestTemplate, number: number): RequestTemplate => ({
  ...rest,
  path: path.replaceAll("{w}", String(number)),
  body: body.replaceAll("{w}", String(number)),
});

/** Open watches, and how many events they have seen together. */
class Crowd {
  readonly #sockets: Socket[] = [];
  #events = 0;
  #waiting: { events: number; done: () => void; fail: (err: Error) => void } | undefined;
  #failure: Error | undefined;

  async join({ target, watchers, watchPath }: WatchersOptions): Promise<void> {
    const secureContext = secureContextOf(target);
    const request = requestText({ method: "GET", path: watchPath }, 0);
    for (let done = 0; done < watchers; done += DIALS_AT_ONCE) {
      const dials = Array.from({ length: Math.min(DIALS_AT_ONCE, watchers - done) }, () =>
        openSocket(target, secureContext).then((socket) => this.#watch(socket, request)),
      );
      await Promise.all(dials);
    }
  }

  /** Resolves when every watcher has seen so many events. */
  all(eventsEach: number): Promise<void> {
    return new Promise((done, fail) => {
      if (this.#failure) return fail(this.#failure);
      this.#waiting = { events: eventsEach * this.#sockets.length, done, fail };
      this.#check();
    });
  }

  close(): void {
    this.#waiting = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  #watch(socket: Socket, request: string): Promise<void> {
    return new Promise((resolve, reject) => {
      let rest: Buffer = Buffer.alloc(0);
      let open = false;
      this.#sockets.push(socket);
      socket.on("data", (chunk: Buffer) => {
        if (!open) {
          open = true;
          const status = chunk.toString("latin1", 9, 12);
          if (status === "200") resolve();
          else reject(new Error(`a watch was answered with ${chunk.toString("utf8", 0, 500)}`));
        }
        const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
        let from = 0;
        for (let at = bytes.indexOf(MARKER); at >= 0; at = bytes.indexOf(MARKER, from)) {
          this.#events += 1;
          from = at + MARKER.length;
        }
        // A marker may be cut in two.
        rest = bytes.subarray(Math.max(from, bytes.length - MARKER.length + 1));
        this.#check();
      });
      socket.on("error", (err) => this.#fail(err, reject));
      socket.on("close", () => this.#fail(new Error("a watch was ended"), reject));
      socket.write(request);
    });
  }

  #check(): void {
    if (!this.#waiting || this.#events < this.#waiting.events) return;
    this.#waiting.done();
    this.#waiting = undefined;
  }

  #fail(err: Error, reject: (err: Error) => void): void {
    this.#failure ??= err;
    this.#waiting?.fail(err);
    reject(err);
  }
}
