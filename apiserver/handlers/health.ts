import type { HttpResponse } from "../../machinery/api/http.js";
import { textAnswer } from "./answer.js";

/** Undefined when all is well; else why not. */
export type HealthCheck = () => string | undefined;

export interface HealthGroup {
  /** `readyz`. */
  name: string;
  checks: ReadonlyMap<string, HealthCheck>;
}

/** `/readyz`, `/readyz?verbose`, `/readyz/etcd`; undefined for any other path below. */
export function answerHealth(
  { name, checks }: HealthGroup,
  path: string,
  query: URLSearchParams,
): HttpResponse | undefined {
  const below = path.slice(name.length + 2);
  if (below !== "") return answerOne(checks.get(below), below);
  const excluded = new Set(query.getAll("exclude"));
  const lines: string[] = [];
  let failed = 0;
  for (const [check, run] of checks) {
    if (excluded.delete(check)) {
      lines.push(`[+]${check} excluded: ok`);
      continue;
    }
    const problem = run();
    if (problem === undefined) lines.push(`[+]${check} ok`);
    else {
      failed++;
      lines.push(`[-]${check} failed: ${problem}`);
    }
  }
  if (excluded.size > 0)
    lines.push(
      `warn: some health checks cannot be excluded: no matches for ${[...excluded].map((text) => JSON.stringify(text)).join(", ")}`,
    );
  if (failed > 0) return textAnswer(500, `${lines.join("\n")}\n${name} check failed\n`);
  return textAnswer(200, query.has("verbose") ? `${lines.join("\n")}\n${name} check passed\n` : "ok");
}

function answerOne(check: HealthCheck | undefined, name: string): HttpResponse | undefined {
  if (!check) return undefined;
  const problem = check();
  return problem === undefined
    ? textAnswer(200, "ok")
    : textAnswer(500, `internal server error: ${name}: ${problem}\n`);
}
