import { padColumns } from "./columns.js";

/** meta/v1 Table, as servers answer `as=Table`. */
export interface Table {
  kind: "Table";
  metadata: { resourceVersion?: string; continue?: string };
  columnDefinitions: { name: string; type: string; format?: string; priority?: number }[];
  rows: { cells: unknown[]; object?: { kind?: string; metadata?: RowMetadata } }[];
}
interface RowMetadata {
  name?: string;
  namespace?: string;
  labels?: Record<string, string>;
}

export interface TableOptions {
  wide: boolean;
  withNamespace: boolean;
  noHeaders: boolean;
  showLabels: boolean;
  /** `-L app,tier`: a column for each label. */
  labelColumns: readonly string[];
  /** `pod/web`: prefix of names when several kinds are shown. */
  namePrefix?: string;
}

/** The rows of a server-side table as kubectl shows them. */
export function tableRows(table: Table, options: TableOptions): string[][] {
  const shown = table.columnDefinitions
    .map((column, index) => ({ column, index }))
    .filter(({ column }) => options.wide || (column.priority ?? 0) === 0);
  const header = [
    ...(options.withNamespace ? ["NAMESPACE"] : []),
    ...shown.map(({ column }) => column.name.toUpperCase()),
    ...options.labelColumns.map((label) => (label.split("/").pop() ?? label).toUpperCase()),
    ...(options.showLabels ? ["LABELS"] : []),
  ];
  const rows = table.rows.map((row) => {
    const metadata = row.object?.metadata ?? {};
    const cells = shown.map(({ index }) => cellText(row.cells[index]));
    if (options.namePrefix && cells[0] !== undefined) cells[0] = `${options.namePrefix}/${cells[0]}`;
    return [
      ...(options.withNamespace ? [metadata.namespace ?? ""] : []),
      ...cells,
      ...options.labelColumns.map((label) => metadata.labels?.[label] ?? ""),
      ...(options.showLabels ? [labelsText(metadata.labels)] : []),
    ];
  });
  return options.noHeaders ? rows : [header, ...rows];
}

export const printTable = (table: Table, options: TableOptions): string =>
  padColumns(tableRows(table, options));

const cellText = (cell: unknown): string =>
  cell === null || cell === undefined
    ? "<none>"
    : typeof cell === "object"
      ? JSON.stringify(cell)
      : String(cell as string);

export const labelsText = (labels: Readonly<Record<string, string>> | undefined): string => {
  const pairs = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? "<none>" : pairs.map(([key, value]) => `${key}=${value}`).join(",");
};
