import { type Advance, type Cursor, type Cursors, isApart } from "./cursors.js";
import type { NodeRoute, ProgramTransaction, TableUpdate } from "./dataplane/table.js";

/** What one sync sends, and where the cursors stand once it was taken. */
export interface PlannedSync {
  transaction: ProgramTransaction;
  moves: { cursor: Cursor; to: Advance; node?: string }[];
  /** Nodes that have caught up and share the main cursor again. */
  rejoining: string[];
  full: boolean;
}

export interface NodeChanges {
  set: readonly NodeRoute[];
  remove: readonly string[];
  /** Nodes that had no table before. */
  added: readonly string[];
}

/** Only what changed. Undefined when nothing did. `offset` turns revisions of the log into those of tables. */
export function planPartialSync(
  cursors: Cursors,
  nodes: NodeChanges,
  knownNodes: number,
  offset: number,
  nowMs: number,
): PlannedSync | undefined {
  const { main } = cursors;
  const advance = cursors.advance(main, nowMs);
  const own = [...cursors.own()];
  const moves: PlannedSync["moves"] = advance ? [{ cursor: main, to: advance }] : [];
  const tables: TableUpdate[] = [];
  if (advance && knownNodes > own.length)
    tables.push({
      from: offset + main.revision,
      to: offset + advance.revision,
      except: [...own.map(([node]) => node), ...nodes.added],
      ...advance.view.routeChanges(main.view, advance.services),
    });
  const to = advance ?? { revision: main.revision, view: main.view, services: new Set<string>() };
  const newcomers = nodes.added.filter((node) => !cursors.own().has(node));
  if (newcomers.length > 0) tables.push(welcome(newcomers, to, knownNodes > newcomers.length, offset));
  const rejoining: string[] = [];
  /** Nodes that go from one revision to the same other one. */
  const alike = new Map<string, string[]>();
  for (const [node, cursor] of own) {
    if (!isApart(cursor)) {
      rejoining.push(node);
      moves.push({ cursor, to, node });
      tables.push({
        from: offset + cursor.revision,
        ...rejoin(node, cursor, to, knownNodes > own.length, offset),
      });
      continue;
    }
    const step = cursors.advance(cursor, nowMs);
    if (!step) continue;
    moves.push({ cursor, to: step, node });
    const way = `${cursor.revision} ${step.revision}`;
    const together = alike.get(way);
    if (together) together.push(node);
    else {
      const sharing = [node];
      alike.set(way, sharing);
      tables.push({
        from: offset + cursor.revision,
        to: offset + step.revision,
        nodes: sharing,
        ...changesBetween(cursor, step),
      });
    }
  }
  if (tables.length === 0 && nodes.set.length === 0 && nodes.remove.length === 0) return undefined;
  return { transaction: { nodes, tables }, moves, rejoining, full: false };
}

/** Everything, whatever the data plane holds. */
export function planFullSync(
  cursors: Cursors,
  nodes: readonly NodeRoute[],
  offset: number,
  nowMs: number,
): PlannedSync {
  const stay = (cursor: Cursor): Advance => ({
    revision: cursor.revision,
    view: cursor.view,
    services: new Set(),
  });
  const target = (cursor: Cursor): Advance => cursors.advance(cursor, nowMs) ?? stay(cursor);
  const main = target(cursors.main);
  const own = [...cursors.own()].map(([node, cursor]) => ({ node, cursor, to: target(cursor) }));
  const whole = (to: Advance) => ({
    from: 0,
    to: offset + to.revision,
    set: to.view.allRoutes(),
    remove: [],
  });
  return {
    transaction: {
      full: true,
      nodes: { set: nodes, remove: [] },
      tables: [whole(main), ...own.map(({ node, to }) => ({ ...whole(to), nodes: [node] }))],
    },
    moves: [{ cursor: cursors.main, to: main }, ...own],
    rejoining: [],
    full: true,
  };
}

/** The table of nodes that had none: that of the others, when there are others. */
const welcome = (
  nodes: readonly string[],
  to: Advance,
  othersHaveIt: boolean,
  offset: number,
): TableUpdate => ({
  from: 0,
  to: offset + to.revision,
  nodes,
  ...(othersHaveIt ? { adopt: true, set: [], remove: [] } : { set: to.view.allRoutes(), remove: [] }),
});

const rejoin = (
  node: string,
  cursor: Cursor,
  to: Advance,
  othersHaveIt: boolean,
  offset: number,
): Omit<TableUpdate, "from"> => ({
  to: offset + to.revision,
  nodes: [node],
  ...(othersHaveIt ? { adopt: true, set: [], remove: [] } : cursor.view.difference(to.view)),
});

/** A cursor that fell out of the log does not know which Services changed. */
const changesBetween = (cursor: Cursor, to: Advance) =>
  to.services.size > 0 ? to.view.routeChanges(cursor.view, to.services) : cursor.view.difference(to.view);
