const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/**
 * The sum of all samples of `metric` (a name, with labels that must match: `requests_total{code="200"}`) in a text of
 * Prometheus' format; undefined when there is none.
 */
export function metricSum(text: string, metric: string): number | undefined {
  const [, name, labels = ""] = /^([^{]+)(?:\{(.*)\})?$/.exec(metric.trim()) ?? [];
  const wanted = labelsOf(labels);
  let sum: number | undefined;
  for (const line of text.split("\n")) {
    const [, lineName, lineLabels = "", value] = LINE.exec(line) ?? [];
    if (lineName !== name || value === undefined) continue;
    const has = labelsOf(lineLabels);
    if ([...wanted].every(([key, one]) => has.get(key) === one)) sum = (sum ?? 0) + Number(value);
  }
  return sum;
}

const labelsOf = (text: string): Map<string, string> =>
  new Map([...text.matchAll(LABEL)].map(([, name = "", value = ""]) => [name, value]));
