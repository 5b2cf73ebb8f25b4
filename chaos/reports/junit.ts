import type { NamedVerdict } from "../built-in-verdicts.js";
import { escaped, escapedAttribute } from "./escape.js";
import type { ExploredCause, ExploredSeed } from "./exploration.js";
import type { Journal } from "./journal.js";

interface TestCase {
  name: string;
  seconds: number;
  failure?: { type: string; message: string; text: string };
  /** It could not be judged. */
  error?: { type: string; message: string };
}

interface Suite {
  name: string;
  seconds: number;
  cases: TestCase[];
}

/**
 * JUnit's XML, as CI systems read it: one suite for the run with a test case for each invariant, and, of many seeds, a suite
 * with a test case for each seed and one for each cause.
 */
export function toJUnit(journal: Journal): string {
  const suites = [runSuite(journal), ...explorationSuites(journal)];
  const cases = suites.flatMap((suite) => suite.cases);
  const total = suites.reduce((sum, { seconds }) => sum + seconds, 0);
  const body = suites.map((suite) => suiteXml(suite, journal)).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="kubesim chaos" ${countsOf(cases)} time="${total.toFixed(3)}">\n${body}</testsuites>\n`;
}

function runSuite({ experiment, duration, verdicts, status, error }: Journal): Suite {
  const ran: TestCase = {
    name: "the scenario runs to its end",
    seconds: duration,
    ...(status === "completed" ? {} : { error: { type: status, message: error ?? status } }),
  };
  return { name: experiment.name, seconds: duration, cases: [ran, ...verdicts.map(invariantCase)] };
}

const invariantCase = ({ invariant, verdict: { held, summary, violations } }: NamedVerdict): TestCase => ({
  name: invariant,
  seconds: 0,
  ...(held ? {} : { failure: { type: invariant, message: summary, text: violations.join("\n") } }),
});

function explorationSuites({ experiment, exploration }: Journal): Suite[] {
  if (!exploration) return [];
  const { bySeed = [], causes } = exploration;
  return [
    ...(bySeed.length > 0
      ? [{ name: `${experiment.name}: seeds`, seconds: sumOfSeconds(bySeed), cases: bySeed.map(seedCase) }]
      : []),
    ...(causes.length > 0
      ? [{ name: `${experiment.name}: causes`, seconds: 0, cases: causes.map(causeCase) }]
      : []),
  ];
}

const sumOfSeconds = (seeds: readonly ExploredSeed[]): number =>
  seeds.reduce((sum, { simulatedMs }) => sum + simulatedMs / 1000, 0);

function seedCase({ seed, outcome, simulatedMs, texts }: ExploredSeed): TestCase {
  const [message = outcome] = texts;
  return {
    name: `seed ${seed}`,
    seconds: simulatedMs / 1000,
    ...(outcome === "violated" ? { failure: { type: outcome, message, text: texts.join("\n") } } : {}),
    ...(outcome === "could-not-run" ? { error: { type: outcome, message } } : {}),
  };
}

const causeCase = ({ invariant, text, seeds, firstSeed, example }: ExploredCause): TestCase => ({
  name: `${invariant}: ${text}`,
  seconds: 0,
  failure: { type: invariant, message: `${seeds} seeds, first ${firstSeed}`, text: example },
});

function suiteXml({ name, seconds, cases }: Suite, journal: Journal): string {
  const { start, seed, mode, replay, hash, causes } = journal;
  const attributes = `name="${escapedAttribute(name)}" ${countsOf(cases)} skipped="0" time="${seconds.toFixed(3)}" timestamp="${start.slice(0, 19)}"`;
  const properties = { seed, mode, replay, ...(hash === undefined ? {} : { hash }) };
  const told = [`seed: ${seed}`, `replay: ${replay}`, ...causes.map(({ text }) => `cause: ${text}`)];
  return [
    `  <testsuite ${attributes}>`,
    "    <properties>",
    ...Object.entries(properties).map(
      ([key, value]) => `      <property name="${key}" value="${escapedAttribute(value)}"/>`,
    ),
    "    </properties>",
    ...cases.map((testCase) => caseXml(testCase, journal.experiment.name)),
    `    <system-out>${escaped(told.join("\n"))}</system-out>`,
    "  </testsuite>",
    "",
  ].join("\n");
}

function caseXml({ name, seconds, failure, error }: TestCase, scenario: string): string {
  const head = `    <testcase classname="chaos.${escapedAttribute(scenario)}" name="${escapedAttribute(name)}" time="${seconds.toFixed(3)}"`;
  if (failure)
    return `${head}>\n      <failure type="${escapedAttribute(failure.type)}" message="${escapedAttribute(failure.message)}">${escaped(failure.text)}</failure>\n    </testcase>`;
  if (error)
    return `${head}>\n      <error type="${escapedAttribute(error.type)}" message="${escapedAttribute(error.message)}"/>\n    </testcase>`;
  return `${head}/>`;
}

const countsOf = (cases: readonly TestCase[]): string =>
  `tests="${cases.length}" failures="${cases.filter(({ failure }) => failure).length}" errors="${cases.filter(({ error }) => error).length}"`;
