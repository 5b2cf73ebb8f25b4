import { decodeLines } from "./json-lines.js";
import { isStatus, toStatusError } from "../../machinery/api/status.js";
import { readBody } from "../../machinery/api/http.js";
import type { CliContext } from "../command.js";
import { type GetFlags, pathOf, TABLE_ACCEPT, tableOptions } from "./get-request.js";
import { objectPrinter } from "../printers/object-printer.js";
import { type Table, tableRows } from "../printers/table.js";
import { UserError } from "../supervisor/cluster.js";
import type { Session } from "./connection-flags.js";
import type { Target } from "./targets.js";

interface TableEvent {
  type: string;
  object: Table;
}

/** `get -w`: the rows there are, then one for each change, until the server or the user ends it. */
export async function watchObjects(
  session: Session,
  targets: readonly Target[],
  options: GetFlags,
  context: CliContext,
): Promise<number> {
  const [target, ...others] = targets;
  if (!target || others.length > 0) {
    throw new UserError("you may only specify a single resource type when watching");
  }
  const printer = objectPrinter(options.output);
  const named = target.name ? { ...options, "field-selector": `metadata.name=${target.name}` } : options;
  const path = pathOf(session, { resource: target.resource }, named, { watch: "true" });
  const response = await session.client.request(
    { method: "GET", path, headers: printer ? {} : { accept: TABLE_ACCEPT } },
    context.signal,
  );
  if (response.status !== 200 || response.body instanceof Uint8Array) {
    const body: unknown = JSON.parse(Buffer.from(await readBody(response.body)).toString("utf8"));
    throw isStatus(body) ? toStatusError(body) : new UserError(`the server answered ${response.status}`);
  }
  const writer = new RowWriter(context, tableOptions(target.resource, options, false));
  try {
    for await (const event of decodeLines(response.body)) {
      if (printer) {
        const { object } = event as { object: never };
        context.stdout.write(printer.print(object, [{ object, name: "" }]));
      } else writer.write((event as TableEvent).object);
    }
  } catch (err) {
    if (!context.signal.aborted) throw err;
  }
  return 0;
}

/** Later rows are as wide as the widest so far, as kubectl's are. */
class RowWriter {
  readonly #context: CliContext;
  readonly #options: ReturnType<typeof tableOptions>;
  readonly #widths: number[] = [];
  #columns: Table["columnDefinitions"] = [];
  #headerWritten = false;

  constructor(context: CliContext, options: ReturnType<typeof tableOptions>) {
    this.#context = context;
    this.#options = options;
    this.#headerWritten = options.noHeaders;
  }

  write(table: Table): void {
    // Only the first event of a stream carries the columns.
    if (table.columnDefinitions?.length > 0) this.#columns = table.columnDefinitions;
    const rows = tableRows(
      { ...table, columnDefinitions: this.#columns },
      { ...this.#options, noHeaders: this.#headerWritten },
    );
    this.#headerWritten = true;
    for (const row of rows) this.#context.stdout.write(this.#pad(row));
  }

  #pad(row: readonly string[]): string {
    const cells = row.map((cell, i) => {
      this.#widths[i] = Math.max(this.#widths[i] ?? 0, cell.length);
      return i === row.length - 1 ? cell : cell.padEnd((this.#widths[i] ?? 0) + 3);
    });
    return `${cells.join("").trimEnd()}\n`;
  }
}
