import type { PodSpec } from "../../../machinery/api/core-v1.js";
import { type FieldPath, field } from "../../../machinery/api/field-error.js";
import { isDns1123Label } from "../../../machinery/api/names.js";

// Upstream: pkg/api/pod/warnings.go.

/** Names that are legal but make odd host names. `use` says what becomes of the name. */
export function nameWarnings(name: string, use: string): string[] {
  const problems = isDns1123Label(name);
  if (problems.length === 0) return [];
  return [
    `metadata.name: this is used in ${use}, which can result in surprising behavior; a DNS label is recommended: [${problems.join(" ")}]`,
  ];
}

export function podSpecWarnings(spec: PodSpec, at: FieldPath = field("spec")): string[] {
  const warnings: string[] = [];
  for (const list of ["initContainers", "containers"] as const)
    for (const [i, container] of (spec[list] ?? []).entries()) {
      const path = at.child(list).index(i);
      warnings.push(...repeatedVariables(container.env ?? [], path.child("env")));
      warnings.push(...repeatedPorts(container.ports ?? [], path.child("ports")));
    }
  return warnings;
}

function repeatedVariables(variables: readonly { name: string }[], at: FieldPath): string[] {
  const seen = new Set<string>();
  return variables.flatMap(({ name }, i) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const hidden = JSON.stringify(name);
    return [
      `${at.index(i).toString()}: hides previous definition of ${hidden}, which may be dropped when using apply`,
    ];
  });
}

function repeatedPorts(
  ports: readonly { containerPort: number; protocol: string; hostPort?: number; hostIP?: string }[],
  at: FieldPath,
): string[] {
  const seen = new Map<string, number>();
  return ports.flatMap(({ containerPort, protocol, hostPort = 0, hostIP = "" }, i) => {
    const key = [containerPort, protocol, hostPort, hostIP].join("/");
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, i);
      return [];
    }
    return [`${at.index(i).toString()}: duplicate port definition with ${at.index(first).toString()}`];
  });
}
