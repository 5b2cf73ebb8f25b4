import { readBody } from "../../machinery/api/http.js";
import type { KubeList, KubeObject } from "../../machinery/api/meta-v1.js";
import { isStatus, toStatusError } from "../../machinery/api/status.js";
import type { CliCommand, CliContext } from "../command.js";
import { parseFlags } from "../flags.js";
import { openSession, type Session } from "../objects/connection-flags.js";
import {
  type GetFlags,
  getFlags,
  kindName,
  pathOf,
  TABLE_ACCEPT,
  tableOptions,
} from "../objects/get-request.js";
import type { DiscoveredResource } from "../objects/resource-mapper.js";
import { parseTargets, type Target } from "../objects/targets.js";
import { watchObjects } from "../objects/watch-table.js";
import { objectPrinter, type PrintedName } from "../printers/object-printer.js";
import { errorLine } from "../printers/error-line.js";
import { printTable, type Table } from "../printers/table.js";
import { UserError } from "../supervisor/cluster.js";

/** `kubesim get TYPE [NAME…]`: kubectl's, on the server's tables. */
export const getCommand: CliCommand = {
  async run(args, context) {
    const parsed = parseFlags(args, getFlags);
    if (parsed.positionals.length === 0) {
      throw new UserError("You must specify the type of resource to get.", 2);
    }
    const session = await openSession(parsed.flags, context);
    const targets = parseTargets(parsed.positionals, session.mapper);
    if (parsed.flags.watch || parsed.flags["watch-only"]) {
      return watchObjects(session, targets, parsed.flags, context);
    }
    return printOnce(session, targets, parsed.flags, context);
  },
};

async function printOnce(
  session: Session,
  targets: readonly Target[],
  options: GetFlags,
  context: CliContext,
): Promise<number> {
  const printer = objectPrinter(options.output, { noHeaders: options["no-headers"] });
  if (printer) {
    const { objects, single, failed } = await fetchObjects(session, targets, options, context);
    const root = single ? objects[0]?.object : toList(objects.map(({ object }) => object));
    if (root !== undefined) context.stdout.write(printer.print(root, objects));
    return failed ? 1 : 0;
  }
  return printTables(session, targets, options, context);
}

/** One table for each resource; names get a `pod/` prefix when there are several. */
async function printTables(
  session: Session,
  targets: readonly Target[],
  options: GetFlags,
  context: CliContext,
): Promise<number> {
  const resources = [...new Set(targets.map(({ resource }) => resource))];
  const namesKind = resources.length > 1;
  let printed = 0;
  let failed = false;
  for (const resource of resources) {
    const mine = targets.filter((target) => target.resource === resource);
    const tables: Table[] = [];
    for (const target of mine) {
      const answer = await fetchTable(session, target, options);
      if (answer === undefined) continue;
      if (isStatus(answer)) {
        failed = true;
        context.stderr.write(`${errorLine(toStatusError(answer))}\n`);
      } else tables.push(answer);
    }
    const [first] = tables;
    const table = first && { ...first, rows: tables.flatMap(({ rows }) => rows) };
    if (!table || table.rows.length === 0) continue;
    if (printed++ > 0) context.stdout.write("\n");
    context.stdout.write(printTable(table, tableOptions(resource, options, namesKind)));
  }
  if (printed === 0 && !failed && !options["ignore-not-found"])
    context.stderr.write(`${nothingFound(session, resources, options)}\n`);
  return failed ? 1 : 0;
}

function nothingFound(session: Session, resources: readonly DiscoveredResource[], options: GetFlags): string {
  const everywhere = options["all-namespaces"] || resources.every(({ descriptor }) => !descriptor.namespaced);
  return everywhere ? "No resources found" : `No resources found in ${session.namespace} namespace.`;
}

async function fetchTable(
  session: Session,
  target: Target,
  options: GetFlags,
): Promise<Table | ReturnType<typeof asStatus> | undefined> {
  let table: Table | undefined;
  for (let more: string | undefined = ""; more !== undefined; ) {
    const response = await session.client.request({
      method: "GET",
      path: pathOf(session, target, options, { limit: "500", ...(more ? { continue: more } : {}) }),
      headers: { accept: TABLE_ACCEPT },
    });
    const body: unknown = JSON.parse(Buffer.from(await readBody(response.body)).toString("utf8"));
    if (response.status !== 200) {
      const status = asStatus(body);
      return options["ignore-not-found"] && status?.reason === "NotFound" ? undefined : status;
    }
    const page = body as Table;
    table = table ? { ...table, rows: [...table.rows, ...page.rows] } : page;
    more = page.metadata?.continue || undefined;
  }
  return table;
}

const asStatus = (body: unknown) => (isStatus(body) ? body : undefined);

interface Fetched {
  objects: PrintedName[];
  /** One named object: printed bare, not in a List. */
  single: boolean;
  failed: boolean;
}

async function fetchObjects(
  session: Session,
  targets: readonly Target[],
  options: GetFlags,
  context: CliContext,
): Promise<Fetched> {
  const objects: PrintedName[] = [];
  let failed = false;
  for (const target of targets) {
    const response = await session.client.request({ method: "GET", path: pathOf(session, target, options) });
    const body: unknown = JSON.parse(Buffer.from(await readBody(response.body)).toString("utf8"));
    if (response.status !== 200 && isStatus(body)) {
      if (options["ignore-not-found"] && body.reason === "NotFound") continue;
      failed = true;
      context.stderr.write(`${errorLine(toStatusError(body))}\n`);
      continue;
    }
    const found = target.name ? [body as KubeObject] : (body as KubeList<KubeObject>).items;
    const { apiVersion, kind } = target.resource.descriptor;
    for (const object of found) {
      objects.push({
        object: { ...object, apiVersion, kind },
        name: `${kindName(target.resource)}/${object.metadata.name}`,
      });
    }
  }
  return { objects, single: targets.length === 1 && targets[0]?.name !== undefined, failed };
}

const toList = (items: readonly KubeObject[]): unknown => ({
  apiVersion: "v1",
  items,
  kind: "List",
  metadata: { resourceVersion: "" },
});
