import type { FileStat } from "../../images/files.js";

/** `drwxr-xr-x` */
export function formatMode({ kind, mode }: FileStat): string {
  const type = { file: "-", directory: "d", device: "c", link: "l" }[kind];
  const bits = (mode & 0o777).toString(2).padStart(9, "0").split("");
  const text = bits.map((bit, i) => (bit === "1" ? ("rwx"[i % 3] ?? "") : "-")).join("");
  return type + ((mode & 0o1000) !== 0 ? `${text.slice(0, 8)}t` : text);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Nov 21 12:00` */
export function formatListTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${MONTHS[date.getUTCMonth()] ?? ""} ${String(date.getUTCDate()).padStart(2)} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
}
